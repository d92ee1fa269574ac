"""Spoilt keys: each that is not ours goes, and each that is ours stays."""

from __future__ import annotations

import pytest
import redis

from addon import redis_keys
from addon.requests.spoilt_keys import NUMBERS, TYPES, SpoiltKeys, is_number

WRITE = {
    b"zset": ("ZADD", 1, "member"),
    b"list": ("RPUSH", "1"),
    b"hash": ("HSET", "field", "1.5"),
    b"string": ("SET", "1"),
}


@pytest.mark.parametrize("kind", WRITE)
def test_a_key_of_another_type_goes_and_one_of_ours_stays(redis_server: redis.Redis, kind):
    for key in TYPES:
        redis_server.execute_command(WRITE[kind][0], key, *WRITE[kind][1:])
    SpoiltKeys(redis_server).remove()
    assert {key.decode() for key in redis_server.scan_iter()} == {
        key for key, own in TYPES.items() if own == kind
    }


@pytest.mark.parametrize("key", NUMBERS)
def test_only_numbers_that_are_none_go(redis_server: redis.Redis, key):
    redis_server.hset(key, mapping={"a": "1", "b": "x", "c": "nan", "d": "-2.5", "e": "inf"})
    SpoiltKeys(redis_server).remove()
    assert redis_server.hgetall(key) == {b"a": b"1", b"d": b"-2.5"}


def test_it_looks_again_after_a_while_alone(redis_server: redis.Redis):
    spoilt = SpoiltKeys(redis_server)
    spoilt.step()
    redis_server.set(redis_keys.METRICS, "x")
    spoilt.step()
    assert redis_server.exists(redis_keys.METRICS)


def test_a_number_is_finite():
    assert [is_number(text) for text in (b"1", b"1e5", b"", b"x", b"nan", b"\xff")] == [
        *(True, True),
        *(False,) * 4,
    ]
