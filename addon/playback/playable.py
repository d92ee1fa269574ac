"""Audio that can be played: an archived recording, a converted one, or several joined.

Length and etag are exact before the first byte is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from addon.archive.archive import ArchivedAudio


class Playable(Protocol):
    """Audio of a known length, of which any range can be read."""

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
        """See Playable.read."""
        return self.audio.read(start, stop)
