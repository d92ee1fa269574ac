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
        raise unavailable(error) from error


def unavailable(error: RedisError) -> QueueUnavailable:
    """The error of this project for one of redis-py's, without the address in its text."""
    return QueueUnavailable(f"Redis does not answer ({type(error).__name__})")
