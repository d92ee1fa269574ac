"""Download links: used once, by whichever process, and never without Redis."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from addon.errors import GrantExpired, QueueUnavailable
from addon.playback.grants import Grants
from addon.playback.single_use import SingleUse

GRANT = Grants(["s"], audience="https://x", ttl=60).issue("XD1", recording_id="RE1", listener="x")


def test_the_first_use_is_the_only_one(redis_server):
    SingleUse(redis_server).claim(GRANT)
    with pytest.raises(GrantExpired, match="used already"):
        SingleUse(redis_server).claim(GRANT)


def test_of_many_at_once_one_succeeds(redis_server):
    def use(_: int) -> bool:
        try:
            SingleUse(redis_server).claim(GRANT)
        except GrantExpired:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(use, range(24))) == 1


def test_it_is_remembered_no_longer_than_the_grant_could_be_used(redis_server):
    SingleUse(redis_server).claim(GRANT)
    (key,) = redis_server.keys("grant-used:*")
    assert 60 <= redis_server.ttl(key) <= 121
    assert GRANT.nonce in key.decode()


def test_without_redis_nothing_is_given_out(tmp_path):
    nowhere = redis.Redis.from_url(f"unix://{tmp_path}/nobody.sock")
    with pytest.raises(QueueUnavailable):
        SingleUse(nowhere).claim(GRANT)
