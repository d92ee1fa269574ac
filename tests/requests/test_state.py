"""Request states: one claim wins, states and times are kept, and an outage is said to be one."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from addon.errors import QueueUnavailable
from addon.redis_keys import REQUESTS_DONE, REQUESTS_OPEN
from addon.requests.queued_job import QueuedJob
from addon.requests.state import RETENTION_S, RequestStates

FACTS = {"tenant": "XD1", "queue": "express", "received_at": 100.0}


@pytest.fixture
def states(redis_server) -> RequestStates:
    return RequestStates(redis_server)


def queued(sid: str) -> QueuedJob:
    return QueuedJob(sid, f"job:{sid}", "jobs", {"status": "queued"})


def claim(states: RequestStates, sid: str = "XR1", due: float = 5.0) -> bool:
    return states.claim(sid, FACTS, due, queued(sid), "accepted")


def test_the_first_claim_queues_and_later_ones_are_counted(states, redis_server):
    assert [claim(states) for _ in range(3)] == [True, False, False]
    assert redis_server.lrange("jobs", 0, -1) == [b"XR1"]
    entry = states.get("XR1")
    assert (entry.state, entry.tenant, entry.duplicates) == ("queued", "XD1", 2)
    assert entry.received_at == 100.0
    assert redis_server.ttl("ledger:XR1") > RETENTION_S - 60


def test_a_claim_is_one_round_trip(states, monkeypatch):
    claim(states)  # the script is known to the server from now on
    sent = []
    real = redis.connection.AbstractConnection.send_packed_command

    def send(self, command, check_health=True):
        sent.append(command)
        return real(self, command, check_health)

    monkeypatch.setattr(redis.connection.AbstractConnection, "send_packed_command", send)
    assert claim(states, "XR2")
    assert not claim(states, "XR2")
    assert len(sent) == 2


def test_of_many_claims_at_once_one_wins(states, redis_server):
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda _: claim(states), range(40)))
    assert sorted(won) == [False] * 39 + [True]
    assert redis_server.lrange("jobs", 0, -1) == [b"XR1"]
    assert states.get("XR1").duplicates == 39


@pytest.mark.parametrize("call", ["knows", "count_duplicate"])
def test_an_outage_is_named(call):
    away = RequestStates(redis.Redis.from_url("redis://127.0.0.1:1"))
    with pytest.raises(QueueUnavailable):
        getattr(away, call)("XR1")
    with pytest.raises(QueueUnavailable):
        claim(away)


def test_what_is_due_comes_most_urgent_first(states):
    for sid, due in (("XR1", 30.0), ("XR2", 10.0), ("XR3", 20.0)):
        claim(states, sid, due)
    assert list(states.due_at(25.0, 9)) == ["XR2", "XR3"]
    states.look_again("XR2", 80.0)
    assert list(states.due_at(25.0, 9)) == ["XR3"]
    states.look_no_later("XR3", 50.0)
    assert list(states.due_at(25.0, 9)) == ["XR3"]
    assert states.open_sids() == {"XR1", "XR2", "XR3"}


def test_what_a_wrong_clock_put_far_off_is_due_after_all_that_is(states):
    for sid, due in (("XR1", 4000.0), ("XR2", 20.0), ("XR3", 50.0)):
        claim(states, sid, due)
    assert list(states.due_at(25.0, 9)) == ["XR2", "XR1"]
    assert list(states.due_at(25.0, 1)) == ["XR2"]


def test_a_finished_request_is_never_looked_at_again(states, redis_server):
    claim(states)
    states.finish("XR1", "delivered")
    states.look_again("XR1", 0.0)
    states.look_no_later("XR1", 0.0)
    assert states.due_at(time.time(), 9) == {}
    assert [entry.sid for entry in states.finished()] == ["XR1"]
    assert redis_server.zcard(REQUESTS_OPEN) == 0
    assert redis_server.zcard(REQUESTS_DONE) == 1


def test_attempts_are_counted_and_given_back(states):
    claim(states)
    assert [states.begin_attempt("XR1", 0.0).attempts for _ in range(2)] == [1, 2]
    states.take_back_attempt("XR1")
    assert states.get("XR1").attempts == 1
    assert states.get("XR1").state == "working"


def test_pace_is_elapsed_over_duration(states):
    claim(states)
    assert states.get("XR1").pace is None
    states.mark("XR1", duration=4.0, delivered_at=106.0)
    entry = states.get("XR1")
    assert (entry.elapsed, entry.pace) == (6.0, 1.5)


def test_a_fact_can_be_taken_back(states):
    claim(states)
    states.mark("XR1", delivery="queued")
    states.mark("XR1", delivery=None)
    assert states.get("XR1").delivery is None


def test_an_unknown_request_is_none(states):
    assert states.get("XR9") is None
    assert not states.knows("XR9")
    states.count_duplicate("XR9")
    assert states.get("XR9") is None


def test_no_entry_holds_more_than_its_facts(states, redis_server):
    claim(states)
    names = {name.decode() for name in redis_server.hgetall("ledger:XR1")}
    assert names == {"state", "tenant", "lane", "received_at"}


def test_no_more_than_the_history_is_kept_however_much_comes(states, redis_server, monkeypatch):
    monkeypatch.setattr("addon.requests.state.HISTORY", 3)
    for number in range(8):
        states.mark(f"XR{number}", received_at=1.0)
        states.finish(f"XR{number}", "delivered")
    states.forget_old()
    assert [entry.sid for entry in states.finished()] == ["XR5", "XR6", "XR7"]
    assert sorted(redis_server.keys("ledger:XR*")) == [b"ledger:XR5", b"ledger:XR6", b"ledger:XR7"]
    assert not states.knows("XR0")


def test_what_ended_long_ago_is_forgotten(states, redis_server):
    for sid in ("XR1", "XR2"):
        states.finish(sid, "delivered")
    redis_server.zadd("ledger:done", {"XR1": time.time() - RETENTION_S - 1})
    states.forget_old()
    assert redis_server.zrange("ledger:done", 0, -1) == [b"XR2"]


def test_a_state_lives_for_so_long_after_it_was_entered_tried_and_finished(states, redis_server):
    claim(states)
    for change in (
        lambda: states.begin_attempt("XR1", 5.0),
        lambda: states.finish("XR1", "delivered"),
    ):
        redis_server.expire("ledger:XR1", 60)
        change()
        assert redis_server.ttl("ledger:XR1") > RETENTION_S - 60


def test_a_look_is_postponed_unless_somebody_has_set_it_since(states):
    for sid in ("XR1", "XR2"):
        states.claim(sid, {}, 10.0, queued(sid), "accepted")
    due = states.due_at(20.0, 9)
    states.look_again("XR2", 15.0)
    states.postpone({sid: (at, 50.5) for sid, at in due.items()} | {"XR3": (1.0, 2.0)})
    assert states.due_at(100.0, 9) == {"XR2": 15.0, "XR1": 50.5}
