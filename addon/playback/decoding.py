"""Recordings as samples, decoded over verified bytes; nothing decoded touches a disk.

What the archive refuses to give is raised here and never taken for the end of the recording.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from addon.archive.blocks import BlockSource
from addon.audio import seeking
from addon.audio.decoders import Floats
from addon.audio.decoding import Decoder
from addon.audio.encoding import whole_numbers
from addon.audio.seeking import Index
from addon.errors import AddonError, NotPlayable, Tampered, UnreadableAudio
from addon.playback.playable import Playable

Samples = NDArray[np.int16]
"""(frames, channels)."""


class VerifiedFile(io.RawIOBase):
    """Playable audio as a file to read and seek. A failed read makes every later one fail."""

    def __init__(self, playable: Playable) -> None:
        super().__init__()
        self._playable = playable
        self._position = 0
        self._source: BlockSource | None = None
        self._failure: AddonError | None = None

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; nothing is read before the next read. Before the start is the start."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._playable.length}
        position = max(base[whence] + offset, 0)
        if position != self._position:
            self._position, self._source = position, None
        return position

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, which holds less at the end only."""
        self.check()
        size = min(len(buffer), self._playable.length - self._position)
        if size <= 0:
            return 0
        try:
            if self._source is None:
                blocks = self._playable.read(self._position, self._playable.length)
                self._source = BlockSource(blocks)
            taken = self._source.read(size)
            if len(taken) < size:
                raise Tampered("the recording ended before its length")
        except AddonError as error:
            self._failure = error
            raise
        buffer[: len(taken)] = taken
        self._position += len(taken)
        return len(taken)

    def check(self) -> None:
        """Raises what ended the file early, should a decoder in C have lost it."""
        if self._failure is not None:
            raise self._failure


class SampleReader:
    """Samples of playable audio, any range of them. Not for two threads.

    Without an `index` that is known already, it is made now. Raises NotPlayable where nothing here
    decodes it, and what the archive raises.
    """

    def __init__(self, playable: Playable, index: Index | None = None) -> None:
        self._file = VerifiedFile(playable)
        with self._faithful():
            self._decoder = Decoder(self._file)  # type: ignore[arg-type]
            self.index = seeking.index_of(self._decoder) if index is None else index

    def floats(self, first: int = 0, last: int | None = None) -> Iterator[Floats]:
        """Blocks of (channels, frames), full scale 1.0, from frame `first` up to, not including,
        `last`. What a damaged file lacks is silence. Raises what the archive raises.
        """
        last = self.index.frames if last is None else last
        with self._faithful():
            for block in seeking.samples(self._decoder, self.index, first, last):
                self._file.check()
                yield block
            self._file.check()

    def samples(self, first: int = 0, last: int | None = None) -> Iterator[Samples]:
        """The same as 16-bit samples, (frames, channels)."""
        for block in self.floats(first, last):
            yield whole_numbers(block, 16).astype(np.int16).T

    @contextmanager
    def _faithful(self) -> Iterator[None]:
        try:
            yield
        except UnreadableAudio as error:
            self._file.check()
            raise NotPlayable(f"it cannot be decoded: {error.message}") from error
