"""`flask signatures` as an operator types it, on diagnostics in a real Redis."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
import redis
from click.testing import CliRunner, Result

from addon.commands.signatures import signatures_cli
from addon.metrics.counters import Counters
from addon.metrics.declarations import SIGNATURES_REUSED
from addon.twilio.signature_diagnostics import Diagnosis, SignatureDiagnostics
from addon.twilio.signatures import Verdict
from tests.twilio.test_signature_diagnostics import VERIFIER
from tests.twilio.test_signature_hypotheses import MULTIPART, SORTED, URL, sign

SIDS = ["XR" + str(number) * 32 for number in range(4)]


def keep(connection: redis.Redis, sid: str, signed: str | None, *, accepted: bool = False) -> None:
    verdict = Verdict(accepted, "" if accepted else "no secret gives this signature")
    signed = replace(
        MULTIPART, signature=sign(signed) if signed else "", hosts=("hooks.example.net",)
    )
    at = time.time() - 300
    diagnosis = Diagnosis.of(signed, verdict, VERIFIER, at=at, request_sid=sid, body="multipart")
    SignatureDiagnostics(connection).add(diagnosis)


@pytest.fixture
def run(settings, monkeypatch, redis_server) -> Callable[..., Result]:
    def run(*arguments: str, mode: str = "monitor") -> Result:
        monkeypatch.setenv("SIGNATURE_MODE", mode)
        return CliRunner().invoke(signatures_cli, arguments)

    monkeypatch.setenv("DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("REDIS_URL", settings.redis_url)
    return run


@pytest.fixture
def some(redis_server: redis.Redis) -> None:
    keep(redis_server, SIDS[0], URL + SORTED, accepted=True)
    keep(redis_server, SIDS[1], URL + "/" + SORTED)
    keep(redis_server, SIDS[2], URL)
    keep(redis_server, SIDS[3], None)


def test_signatures_that_came_again_are_counted_and_shared_ones_are_warned_of(
    run, redis_server
) -> None:
    assert "came again" not in run().output
    Counters(redis_server).count(SIGNATURES_REUSED, "refused", by=3)
    told = run().output
    assert "3 refused, 0 let pass, 0 other audio" in told
    assert "share signatures" not in told
    Counters(redis_server).count(SIGNATURES_REUSED, "let pass")
    assert "share signatures" in run(mode="enforce").output


def test_a_row_for_each_request_and_the_count_of_each_answer(run, some) -> None:
    result = run()
    assert result.exit_code == 0, result.output
    rows = {line.split()[3]: line for line in result.output.splitlines()[1:5]}
    assert set(rows) == set(SIDS)
    told = {sid: rows[sid].partition("multipart")[2].split() for sid in SIDS}
    first, slash, bare, unsigned = (" ".join(told[sid]) for sid in SIDS)
    assert first == "valid text fields as PUBLIC_URL; auth token 1"
    assert slash == "refused text fields with final slash; auth token 1"
    assert bare == "refused no fields as PUBLIC_URL; auth token 1"
    assert unsigned == "refused nothing that we know no secret gives this signature"
    counts = dict(line.split(maxsplit=1)[::-1] for line in result.output.splitlines()[6:])
    assert counts == {"text fields": "2", "no fields": "1", "nothing that we know": "1"}


def test_a_line_of_json_for_each_request(run, some) -> None:
    documents = [json.loads(line) for line in run("--json").output.splitlines()]
    by_sid = {each["request_sid"]: each for each in documents}
    assert set(by_sid) == set(SIDS)
    assert by_sid[SIDS[2]]["found"]["covers"] == "no fields"
    assert by_sid[SIDS[3]]["found"] is None
    assert {"text fields", "no fields"} < {each["name"] for each in by_sid[SIDS[3]]["candidates"]}


def test_one_request_shows_everything_that_was_tried(run, some) -> None:
    output = run("show", SIDS[1]).output
    for line in (
        "received                  5 min ago",
        "body                      multipart, bodySHA256 not announced",
        "verdict                   refused: no secret gives this signature",
        "came for the host         hooks.example.net",
        "tried with                auth token 1",
        "signed over               text fields",
        "signed URL                with final slash",
        f"signed text               {URL}/ | callback=24 format=11 label=0",
        f"  fields and file name      {URL} | audio-data=8 callback=24 format=11 label=0",
        f"  {URL}",
        f"  {URL}/  (with final slash)",
        "  http://hooks.example.net:80/recording-analysis  (http, port 80)",
    ):
        assert line in output.splitlines()


def test_no_value_is_printed_anywhere(run, some) -> None:
    for arguments in ((), ("--json",), *(("show", sid) for sid in SIDS)):
        output = run(*arguments).output
        for private in ("m.example", "x-wav", "call.wav", sign(URL)):
            assert private not in output


def test_with_nothing_diagnosed_it_says_why(run) -> None:
    assert run().output == "No diagnosis is kept.\n"
    assert run("--json").output == ""
    assert run(mode="enforce").output.splitlines() == [
        "SIGNATURE_MODE is enforce here: requests are diagnosed only while it is monitor.",
        "No diagnosis is kept.",
    ]


def test_a_request_that_nobody_diagnosed(run) -> None:
    result = run("show", "XR1")
    assert result.exit_code == 1
    assert "no diagnosis of XR1 is kept" in result.output


def test_without_redis_it_is_one_sentence(run, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("REDIS_URL", f"unix://{tmp_path}/nobody.sock")
    result = run()
    assert result.exit_code == 1
    assert "Redis does not answer" in result.output
