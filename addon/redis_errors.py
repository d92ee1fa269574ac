"""The one way from a failure of Redis to an error of this project."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import RedisError

from addon.errors import QueueUnavailable


@contextmanager
def as_unavailable() -> Iterator[None]:
    """Raises QueueUnavailable where Redis does not answer inside the block."""
    try:
        yield
    except RedisError as error:
        raise QueueUnavailable(f"Redis does not answer ({type(error).__name__})") from error
