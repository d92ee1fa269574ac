"""What can be played: so many bytes of one kind, readable from any place to any other.

A `Sound` may be a recording as it was archived, one that is converted while it is read, or several
joined. Whatever it is, its length and its etag are exact before the first byte is given out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from addon.archive.archive import ArchivedAudio


class Sound(Protocol):
    """Something to play."""

    @property
    def length(self) -> int:
        """Bytes in all."""
        ...

    @property
    def etag(self) -> str:
        """Changes with any byte; without quotes."""
        ...

    @property
    def format(self) -> str:
        """A key of sniffing's MEDIA_TYPES, or something unknown."""
        ...

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """Verified bytes from `start` up to, not including, `stop`.

        Raises Tampered at the first that is not authentic, NotStored, StoreUnavailable.
        """
        ...


@dataclass(frozen=True)
class Recorded:
    """A recording exactly as it was archived."""

    audio: ArchivedAudio

    @property
    def length(self) -> int:
        """Bytes."""
        return self.audio.length

    @property
    def etag(self) -> str:
        """Follows from the content alone."""
        return self.audio.etag

    @property
    def format(self) -> str:
        """As the manifest says."""
        return self.audio.manifest.facts.format

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """See Sound.read."""
        return self.audio.read(start, stop)
