"""`flask ledger` as an operator types it, on a real Redis and a real store."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace

import pytest
from click.testing import CliRunner, Result

from addon.commands.ledger import ledger_cli
from addon.commands.status_report import Sources
from addon.errors import DeadlineMissed
from addon.redis_keys import REQUESTS_DONE
from addon.requests.dispatcher import Dispatcher
from addon.requests.intake_store import IntakeStore
from addon.requests.scheduling import Length
from addon.requests.state import STUCK, RequestState
from tests.entries import finished
from workers.services import Services

SID = "XR" + "1" * 32
TENANT = "XD" + "3" * 32


@pytest.fixture
def sources(services: Services) -> Sources:
    return Sources(services.states, services.dispatcher, services.intake_store)


@pytest.fixture
def flask_ledger(settings, monkeypatch, made_keys, redis_server):
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(ledger_cli, arguments)

    monkeypatch.setenv("DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("REDIS_URL", settings.redis_url)
    monkeypatch.setenv("INTAKE_KEY", made_keys["intake"])
    return run


def enter(queues: Dispatcher, intake_store: IntakeStore | None, sid: str = SID, **changes) -> None:
    """A request as the web leaves it."""
    if intake_store is not None:
        intake_store.accept(sid, "marketplace", "{}")
    facts = {"received_at": time.time() - 3600, "length": Length(20, 20), **changes}
    queues.accept(sid, tenant=TENANT, source="marketplace", **facts)


def done(services: Services, entry: RequestState, number: int = 0) -> None:
    """An entry as a finished request leaves it, finished just now."""
    entry = replace(entry, sid=f"XR{number:032x}")
    facts = {name: value for name, value in asdict(entry).items() if name != "sid"}
    services.states.mark(entry.sid, **facts)
    services.redis.zadd(REQUESTS_DONE, {entry.sid: time.time()})


def test_with_nothing_to_do_it_says_so(flask_ledger):
    result = flask_ledger()
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[0] == "0 unfinished"
    assert "Redis and store agree" in result.output


def test_it_shows_states_queues_and_the_oldest(flask_ledger, sources):
    enter(sources.queues, sources.intake_store)
    enter(sources.queues, sources.intake_store, "XR" + "2" * 32, length=Length(7000, 7000))
    lines = flask_ledger().output.splitlines()
    assert lines[0] == "2 unfinished: 2 queued"
    assert lines[1].split(",")[0] == f"  {SID}  queued"
    queues = {line.split()[0]: line.split()[1:] for line in lines[3:-1]}
    assert queues["express"][:2] == ["1", "0"]
    assert queues["qlong"][:2] == ["1", "0"]
    assert queues["q60"] == ["0", "0", "-"]


def test_what_only_redis_or_only_the_store_knows_is_named(flask_ledger, sources):
    enter(sources.queues, None)
    sources.intake_store.accept("XR" + "2" * 32, "marketplace", "{}")
    output = flask_ledger().output
    assert f"1 in Redis alone; the sweeper ends them: {SID}" in output
    assert f"1 in the store alone; the sweeper queues them: XR{'2' * 32}" in output


def test_one_request_while_it_waits(flask_ledger, sources):
    enter(sources.queues, sources.intake_store)
    output = flask_ledger("show", SID).output
    for fact in (
        "queued",
        f"install {TENANT}",
        "about 20 s, not read yet",
        "express",
        "60 min ago",
    ):
        assert fact in output


def test_one_request_when_it_is_over(flask_ledger, services):
    done(services, finished(100, pace=0.5, attempts=2, deliveries=1, duplicates=3))
    output = flask_ledger("show", f"XR{0:032x}").output
    facts = dict(line.split(maxsplit=1) for line in output.splitlines() if "/" not in line)
    assert facts["state"] == "done, delivered"
    assert facts["audio"] == "100.0 s"
    assert facts["started"] == "5.0 s after it was received"
    assert facts["delivered"] == "50 s after it was received"
    assert facts["tries"] == "2 of the work, 1 of the delivery"
    assert facts["duplicates"] == "3"
    assert "elapsed / duration    0.50" in output


def test_one_request_that_waits_for_its_callback(flask_ledger, sources, services):
    enter(sources.queues, sources.intake_store)
    services.states.mark(SID, delivery="waiting", delivery_at=time.time() + 600, code=64401)
    output = flask_ledger("show", SID).output
    assert "waiting, next try in 10 min" in output
    assert "failed with           64401" in output


def test_a_request_that_only_the_store_remembers(flask_ledger, sources):
    sources.intake_store.record_outcome(SID, {"answer": "delivered", "answered_at": 1.0})
    assert "answer                delivered" in flask_ledger("show", SID).output


def test_a_request_that_only_the_store_holds(flask_ledger, sources):
    sources.intake_store.accept(SID, "marketplace", "{}")
    assert "the sweeper queues it" in flask_ledger("show", SID).output


def test_a_request_that_nobody_knows(flask_ledger):
    result = flask_ledger("show", SID)
    assert result.exit_code == 1
    assert "nothing is known" in result.output


def test_the_slo_by_length(flask_ledger, services):
    for number in range(20):
        done(services, finished(5, pace=0.2), number)
    done(services, finished(3600, pace=0.01), 100)
    result = flask_ledger("slo")
    assert result.exit_code == 0, result.output
    rows = {line.split()[0]: line.split()[1:] for line in result.output.splitlines()}
    assert rows["30s"] == ["20", "0.20x", "0.20x", "0.20x", "0.20x", "0", "0", "0", "0"]
    assert rows["longer"][1] == "0.01x"
    assert rows["all"][0] == "21"


def test_failures_that_wait_are_counted(flask_ledger, sources):
    enter(sources.queues, sources.intake_store)
    assert json.loads(flask_ledger("--json").stdout)["failures_waiting"] == 0
    sources.queues.failures_due.add({SID: 1.0})
    assert json.loads(flask_ledger("--json").stdout)["failures_waiting"] == 1
    assert flask_ledger().output.splitlines()[1].startswith("1 of them waits for its failure")


def test_a_program_reads_all_of_it_as_json(flask_ledger, sources, services):
    enter(sources.queues, sources.intake_store)
    done(services, finished(100, pace=1.0))
    whole = json.loads(flask_ledger("--json").stdout)
    assert (whole["unfinished"], whole["states"]) == (1, {"queued": 1})
    assert whole["oldest"][0]["sid"] == SID
    assert whole["queues"]["express"]["waiting"] == 1
    assert whole["only_in_store"] == whole["only_in_redis"] == []
    shown = json.loads(flask_ledger("show", SID, "--json").stdout)
    assert (shown["state"], shown["tenant"], shown["delivered_at"]) == ("queued", TENANT, None)
    assert "taken" not in shown
    slo = json.loads(flask_ledger("slo", "--json").stdout)
    assert (slo["kept"], slo["classes"][-1]["length"], slo["classes"][-1]["p50"]) == (
        True,
        "all",
        1.0,
    )


def test_no_request_is_neither_kept_nor_broken(flask_ledger):
    assert json.loads(flask_ledger("slo", "--json").stdout)["kept"] is None


def test_a_request_that_only_the_store_remembers_is_json_too(flask_ledger, sources):
    sources.intake_store.record_outcome(SID, {"answer": "delivered", "code": None})
    shown = json.loads(flask_ledger("show", SID, "--json").stdout)
    assert shown == {"sid": SID, "answer": "delivered", "code": None}


def test_an_slo_that_is_not_kept_is_an_exit_code(flask_ledger, services):
    done(services, finished(5, pace=8.5, code=DeadlineMissed.code))
    result = flask_ledger("slo")
    assert result.exit_code == 1
    assert "not kept" in result.output


def test_what_was_never_delivered_has_no_pace(flask_ledger, services):
    done(services, finished(5, delivered_at=None, outcome="expired"))
    line = flask_ledger("slo").output.splitlines()[1].split()
    assert line[:3] == ["30s", "1", "-"]


def test_the_slo_of_the_last_hours_alone(flask_ledger, services):
    done(services, finished(5))
    services.redis.zadd(REQUESTS_DONE, {f"XR{0:032x}": time.time() - 7200})
    assert "1 " not in flask_ledger("slo", "--hours", "1").output.partition("last")[0]
    assert "No request" in flask_ledger("slo", "--hours", "1").output
    assert "all" in flask_ledger("slo", "--hours", "3").output


def test_a_redis_that_is_away_is_a_sentence(flask_ledger, monkeypatch, tmp_path):
    monkeypatch.setenv("REDIS_URL", f"unix://{tmp_path}/nobody.sock")
    result = flask_ledger()
    assert result.exit_code == 1
    assert result.output == "Error: Redis does not answer (ConnectionError)\n"


def test_a_stuck_request_stands_out(flask_ledger, sources, services):
    enter(sources.queues, sources.intake_store)
    services.states.mark(SID, state=STUCK)
    assert "1 unfinished: 1 stuck" in flask_ledger().output
