"""Audio that can be played: an archived recording, a converted one, or several joined.

Length and etag are exact before the first byte is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


class Readable(Protocol):
    """Bytes of a known length, any range of which can be read."""

    @property
    def length(self) -> int:
        """In bytes."""
        ...

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """Verified bytes from `start` up to, not including, `stop`.

        Raises Tampered at the first that is not authentic, NotStored, StoreUnavailable.
        """
        ...


class Playable(Readable, Protocol):
    """Audio in a format that has a name."""

    @property
    def seconds(self) -> float | None:
        """Its length; None where that is not known."""
        ...

    @property
    def etag(self) -> str:
        """Changes with any byte; without quotes."""
        ...

    @property
    def format(self) -> str:
        """A key of sniffing's MEDIA_TYPES, or something unknown."""
        ...
