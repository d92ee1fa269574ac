"""A claim enters a request and queues its job in one step, the job in its place."""

from __future__ import annotations

import pytest
from redis.exceptions import ResponseError

from addon.redis_keys import METRICS, OVERLOADED, REQUEST, REQUESTS_OPEN
from addon.requests.claiming import Claim, Entered, enter
from addon.requests.queued_job import QUEUES, QueuedJob

STATE = REQUEST + "XR1"


def name(due: int) -> str:
    return f"process-XR1-{due:08x}{0:08x}"


JOB = QueuedJob(name(2), "job", "queue", {"status": "queued", "data": b"\0\xff", "timeout": 9})
CLAIM = Claim("XR1", {"received_at": "1", "tenant": "XD1"}, 5.5, 60, "accepted", JOB)


def test_everything_of_a_request_is_entered_once(redis_server):
    redis_server.rpush("queue", name(1), name(3))
    assert enter(redis_server, CLAIM)
    assert not enter(redis_server, CLAIM)
    assert redis_server.lrange("queue", 0, -1) == [name(n).encode() for n in (1, 2, 3)]
    assert redis_server.hgetall(STATE) == {
        b"received_at": b"1",
        b"tenant": b"XD1",
        b"duplicates": b"1",
    }
    assert 0 < redis_server.ttl(STATE) <= 60
    assert redis_server.hgetall("job") == {
        b"status": b"queued",
        b"data": b"\0\xff",
        b"timeout": b"9",
    }
    assert redis_server.smembers(QUEUES) == {b"queue"}
    assert redis_server.zrange(REQUESTS_OPEN, 0, -1, withscores=True) == [(b"XR1", 5.5)]
    assert redis_server.hgetall(METRICS) == {b"accepted": b"1"}


def test_a_claim_tells_of_an_overload(redis_server):
    redis_server.set(OVERLOADED, 1)
    redis_server.rpush("queue", name(1))
    assert enter(redis_server, CLAIM) is Entered.QUEUED_IN_OVERLOAD
    assert enter(redis_server, CLAIM) is Entered.DUPLICATE


@pytest.mark.parametrize(("noted", "waiting"), [(False, True), (True, False)])
def test_there_is_none_where_none_is_noted_or_nothing_waits(redis_server, noted, waiting):
    if noted:
        redis_server.set(OVERLOADED, 1)
    if waiting:
        redis_server.rpush("queue", name(1))
    assert enter(redis_server, CLAIM) is Entered.QUEUED


def test_facts_of_a_worker_hide_no_request(redis_server):
    """A worker that goes on after Redis was wiped writes facts of a request that nobody claimed."""
    redis_server.hset(STATE, "analysed_at", 5)
    assert enter(redis_server, CLAIM)


def test_a_full_redis_takes_no_part_of_a_claim(redis_server):
    redis_server.config_set("maxmemory", 1)
    try:
        with pytest.raises(ResponseError, match=r"OOM|maxmemory"):
            enter(redis_server, CLAIM)
    finally:
        redis_server.config_set("maxmemory", 0)
    assert not redis_server.exists(STATE, "queue", "job")
