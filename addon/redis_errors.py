"""The one way from a failure of Redis to an error of this project."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import (
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    BusyLoadingError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from addon.errors import QueueUnavailable

_REASONS: dict[type[RedisError], str] = {
    AuthenticationError: "refuses the password of REDIS_URL, or that it has none",
    AuthenticationWrongNumberOfArgsError: "refuses the user of REDIS_URL",
    NoPermissionError: "does not allow the user of REDIS_URL what is needed",
    BusyLoadingError: "is still loading its data",
    ReadOnlyError: "is a replica and takes no write",
    OutOfMemoryError: "is full",
}
"""What a refusal means, for people; by the class that redis-py makes of it."""

_BEGINNINGS = {
    "MISCONF": "cannot write its data to its disk and takes no write",
}
"""The same, by the beginning of the answer, where redis-py has no class for it."""


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
    reason = _REASONS.get(type(error)) or next(
        (reason for begin, reason in _BEGINNINGS.items() if str(error).startswith(begin)), None
    )
    name = type(error).__name__
    return QueueUnavailable(f"Redis {reason or 'does not answer'} ({name})")
