"""From the Marketplace's POST to its callback, over real HTTP, Redis, workers and files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import urllib3

from addon.commands.conformance import reports
from addon.commands.conformance.suite import conform
from addon.commands.conformance.trial import Run
from tests.calls import wav
from tests.conformance_page import UPLOAD_LIMIT, plan
from tests.end_to_end.deployment import Deployment, deployed, eventually
from tests.web import requests as send

pytestmark = pytest.mark.stack

AUDIO = wav(3.0)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("deployment")
    with deployed(folder, MAX_UPLOAD_BYTES=str(UPLOAD_LIMIT)) as running:
        yield running


def test_the_service_passes_every_clause_of_the_conformance_suite(deployment):
    """In shorter times than the report's of docs/conformance.md, which is made by hand."""
    shorter = replace(plan(deployment), settle_s=1.0, slow_s=2.0, large_bytes=UPLOAD_LIMIT // 8)
    findings = conform(Run(shorter, deployment.market))
    assert [reports.line(each) for each in findings if each.result != "pass"] == []


@pytest.mark.parametrize("mode", ["multipart", "url", "json"])
def test_a_call_goes_through(deployment, mode):
    exchange, (answer,) = deployment.market.invoke(deployment.invocations, AUDIO, mode=mode)
    assert (answer.status, answer.body) == (202, b"")
    callback = deployment.market.wait(exchange, 60)
    assert callback is not None and callback.authorised
    result = callback.document()["result"]
    assert result["audio"]["sha256"] == hashlib.sha256(AUDIO).hexdigest()
    assert result["audio"]["duration_seconds"] == 3.0
    stored = deployment.archive.open("XD" + 32 * "0", result["archive"]["recording_id"])
    assert b"".join(stored.read()) == AUDIO


SHAPES = {
    "hyphens": send.first_sample,
    "underscores": send.second_partner,
    "documented": send.documented,
    "no filename": send.without_filename,
}


@pytest.mark.parametrize("name", SHAPES)
def test_every_spelling_is_understood(deployment, name, monkeypatch):
    sid = send.new_sid()
    exchange = deployment.market.exchange(AUDIO, sid)
    monkeypatch.setattr(send, "CALLBACK", f"{deployment.market.origin}/callback/{sid}")
    shape = SHAPES[name](AUDIO)
    token = deployment.settings.twilio_auth_token
    headers = {
        "Content-Type": shape.content_type,
        "X-Twilio-RequestSid": sid,
        "X-Twilio-VendorAccountSid": deployment.settings.twilio_account_sid,
        "X-Twilio-AddOnInstallSid": send.INSTALL,
        "X-Twilio-Signature": send.signature(deployment.invocations, shape.signed, token),
    }
    with urllib3.PoolManager() as pool:
        answer = pool.request("POST", deployment.invocations, body=shape.body, headers=headers)
    assert (answer.status, answer.data) == (202, b"")
    callback = deployment.market.wait(exchange, 60)
    assert callback is not None
    assert callback.document()["status"] == "successful"


def test_two_hundred_at_once_over_several_processes_give_one_result(deployment):
    sid = send.new_sid()

    def invoke(_: int) -> int:
        _, (answer,) = deployment.market.invoke(deployment.invocations, AUDIO, sid=sid)
        return answer.status

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(invoke, range(200))) == {202}
    exchange = deployment.market.exchanges[sid]
    assert deployment.market.wait(exchange, 60) is not None
    services = deployment.services()
    eventually(lambda: not services.intake_store.is_waiting(sid))
    assert len(exchange.callbacks) == 1
    entry = services.states.get(sid)
    assert (entry.attempts, entry.duplicates) == (1, 199)


def test_a_failure_is_answered_in_words(deployment):
    exchange, _ = deployment.market.invoke(
        deployment.invocations, b"<html>no audio</html>", fields={"duration": "60"}
    )
    document = deployment.market.wait(exchange, 60).document()
    assert (document["status"], document["code"], document["result"]) == ("failed", 64401, None)
    assert "HTML" in document["message"]


def test_a_wiped_redis_loses_nothing(deployment):
    services = deployment.services()
    exchanges = []
    for number in range(12):
        exchange, (answer,) = deployment.market.invoke(deployment.invocations, AUDIO)
        assert answer.status == 202
        exchanges.append(exchange)
        if number in (3, 7, 11):
            services.redis.flushall()
    for exchange in exchanges:
        assert deployment.market.wait(exchange, 90) is not None
    eventually(lambda: not list(services.intake_store.waiting()))
    assert [len(exchange.callbacks) for exchange in exchanges] == [1] * 12


def test_the_log_names_requests_and_gives_nothing_away(deployment):
    exchange, _ = deployment.market.invoke(
        deployment.invocations, AUDIO, fields={"callback_secret": "do-not-log-me"}
    )
    deployment.market.wait(exchange, 60)
    eventually(
        lambda: any(
            record.get("event") == "finished" and record.get("request_sid") == exchange.sid
            for record in deployment.stack.records
        )
    )
    log = repr(deployment.stack.records)
    for secret in (
        deployment.settings.twilio_auth_token,
        *deployment.settings.playback_secrets,
        "do-not-log-me",
        "BEGIN PRIVATE KEY",
    ):
        assert secret not in log


def test_nothing_readable_lies_on_the_disk(deployment):
    marker = b"0123456789ABCDEF" * 64
    audio = AUDIO[:44] + marker + AUDIO[44 + len(marker) :]
    exchange, _ = deployment.market.invoke(deployment.invocations, audio)
    assert deployment.market.wait(exchange, 60) is not None
    eventually(lambda: not deployment.services().intake_store.is_waiting(exchange.sid))
    for path in deployment.settings.data_dir.rglob("*"):
        if path.is_file():
            assert marker[:64] not in path.read_bytes(), path
