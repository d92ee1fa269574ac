"""A recording on its way through the analysis: bytes in, measurements, archivable bytes out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from addon.analysis.stages import Stages
from addon.analysis.timeline import Interval

Spool = Callable[[], BinaryIO]
"""Gives a new seekable binary file that is safe for plaintext."""

Prepare = Callable[[Stages], None]
"""Called once with the measurements, before the first sample."""


@dataclass
class Source:
    """Facts about the file itself: container, codec, container of the archived bytes, faults."""

    format: str
    codec: str
    archived_format: str
    flags: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class Input(ABC):
    """Takes a recording's bytes, measures them and gives back what may be archived.

    `stages` are complete after `measure`. `gap` then says in a sentence what of the file was not
    decoded; it is empty where all of it was.
    """

    stages: Stages
    gap = ""
    #: True if muting encodes the file anew, and does not overwrite samples in place.
    reencodes: bool
    #: The sample frames of the file that was encoded anew, read back from it; known with the first
    #: block of `release`. None where the bytes are as received, or muted in place.
    archived_frames: int | None = None

    def __init__(self, kind: str, spool: Spool, prepare: Prepare) -> None:
        self.source = Source(kind, kind, kind)
        self._new_spool = spool
        self._prepare = prepare

    @abstractmethod
    def feed(self, block: bytes) -> bytes:
        """More of the recording; returns the bytes that are final."""

    @abstractmethod
    def measure(self) -> None:
        """Measure what is left of the recording, which is complete. Raises UnreadableAudio."""

    @abstractmethod
    def release(self, muted: Sequence[Interval]) -> Iterator[bytes]:
        """All bytes that have not been returned yet, with these intervals muted."""
