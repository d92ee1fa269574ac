"""Removes keys of ours from Redis that are not as this service writes them.

Whoever can write to Redis can put anything under their names, and one such key would stop the
sweeper, the workers or the door for good. All of Redis may be lost at any moment, so what is not
ours is removed, and made again from the store where it is needed.
"""

from __future__ import annotations

import math
import time
from typing import Any

import redis

from addon import log, redis_keys
from addon.requests import scheduling

TYPES: dict[str, bytes] = {
    redis_keys.REQUESTS_OPEN: b"zset",
    redis_keys.REQUESTS_DONE: b"zset",
    redis_keys.REQUESTS_FAILING: b"zset",
    redis_keys.REQUESTS_UNCOUNTED: b"list",
    redis_keys.RESERVES: b"hash",
    redis_keys.WEBHOOKS_OPEN: b"zset",
    redis_keys.METRICS: b"hash",
    **{redis_keys.SERVICE_TIMES + name: b"list" for name in scheduling.RECORDING_QUEUES},
    **{f"{redis_keys.RQ}queue:{name}": b"list" for name in scheduling.ALL_QUEUES},
    **{f"{redis_keys.RQ}queue:{name}:intermediate": b"list" for name in scheduling.ALL_QUEUES},
}
"""The type of each key that has a name of its own; those of one request are looked at with it."""

NUMBERS = (redis_keys.METRICS, redis_keys.RESERVES)
"""Hashes of numbers that are added to, which fails at anything else."""

EVERY_S = 30.0
"""Between two looks: some fifty cheap commands."""

logger = log.get("spoilt-keys")


class SpoiltKeys:
    """Looks every EVERY_S; `remove` looks at once."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis: Any = connection
        self._looked_at = float("-inf")

    def step(self) -> None:
        """Remove what is spoilt, where it is time. Raises RedisError."""
        if time.monotonic() - self._looked_at >= EVERY_S:
            self._looked_at = time.monotonic()
            self.remove()

    def remove(self) -> None:
        """Remove every key of another type than ours, and every number that is none.

        Raises RedisError.
        """
        with self._redis.pipeline(transaction=False) as pipe:
            for key in TYPES:
                pipe.type(key)
            found = dict(zip(TYPES, pipe.execute(), strict=True))
        spoilt = [key for key, kind in found.items() if kind not in (b"none", TYPES[key])]
        if spoilt:
            logger.error("keys in Redis are not ours and are removed", alarm=True, keys=spoilt)
            self._redis.delete(*spoilt)
        for key in NUMBERS:
            self._remove_texts(key)

    def _remove_texts(self, key: str) -> None:
        fields = self._redis.hgetall(key)
        texts = [name for name, value in fields.items() if not is_number(value)]
        if texts:
            logger.error("numbers in Redis are none and are removed", alarm=True, key=key)
            self._redis.hdel(key, *texts)


def is_number(text: bytes) -> bool:
    """True for a finite number as Redis writes one."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
