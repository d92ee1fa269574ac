"""A claim runs a pipeline's commands in one step, a job's place among them."""

from __future__ import annotations

import pytest
from redis.exceptions import ResponseError

from addon.requests.claiming import PLACE, claim


def job(due: int) -> str:
    return f"process-XR1-{due:08x}{0:08x}"


def test_a_job_takes_the_place_of_its_deadline(redis_server):
    redis_server.rpush("queue", job(1), job(3))
    with redis_server.pipeline(transaction=False) as pipe:
        pipe.hset("state", "received_at", 1)
        pipe.eval(PLACE, 1, "queue", job(2))
        pipe.sadd("names", "a", "b")
        assert claim(redis_server, "state", pipe)
        assert not claim(redis_server, "state", pipe)
    assert redis_server.lrange("queue", 0, -1) == [job(n).encode() for n in (1, 2, 3)]
    assert redis_server.smembers("names") == {b"a", b"b"}
    assert redis_server.hgetall("state") == {b"received_at": b"1", b"duplicates": b"1"}


def test_facts_of_a_worker_hide_no_request(redis_server):
    """A worker that goes on after Redis was wiped writes facts of a request that nobody claimed."""
    redis_server.hset("state", "analysed_at", 5)
    with redis_server.pipeline(transaction=False) as pipe:
        pipe.hset("state", "received_at", 1)
        assert claim(redis_server, "state", pipe)


def test_a_full_redis_takes_no_part_of_a_claim(redis_server):
    redis_server.config_set("maxmemory", 1)
    try:
        with redis_server.pipeline(transaction=False) as pipe:
            pipe.hset("state", "received_at", 1)
            with pytest.raises(ResponseError, match=r"OOM|maxmemory"):
                claim(redis_server, "state", pipe)
    finally:
        redis_server.config_set("maxmemory", 0)
    assert not redis_server.exists("state")
