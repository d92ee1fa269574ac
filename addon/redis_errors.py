"""The one way from a failure of Redis to an error of this project."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import RedisError, ResponseError

from addon.errors import QueueUnavailable


class _AsUnavailable:
    """The block of `as_unavailable`: it costs a third of one made by `contextmanager`."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, RedisError):
            raise unavailable(error) from error


_AS_UNAVAILABLE = _AsUnavailable()


def as_unavailable() -> _AsUnavailable:
    """Raises QueueUnavailable where Redis does not answer inside the block."""
    return _AS_UNAVAILABLE


@contextmanager
def ignoring_wrong_type() -> Iterator[None]:
    """Ends the block quietly at a key of another type than ours: somebody else has written it."""
    try:
        yield
    except ResponseError as error:
        if not is_wrong_type(error):
            raise


def is_wrong_type(error: Exception) -> bool:
    """True for Redis's answer about a key of another type."""
    return isinstance(error, ResponseError) and "WRONGTYPE" in str(error)


def unavailable(error: RedisError) -> QueueUnavailable:
    """The error of this project for one of redis-py's, without the address in its text."""
    return QueueUnavailable(f"Redis does not answer ({type(error).__name__})")
