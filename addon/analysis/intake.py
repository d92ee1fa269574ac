"""WAV bytes in, the same bytes out with the tones muted: a delay line around the measurements.

Bytes leave as soon as no tone still to be found could reach back to them, so memory stays the same
however long the recording. Kinds that cannot be read in place are handed over to the spool.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from addon.analysis import muting
from addon.analysis.stages import Stages
from addon.analysis.timeline import Interval
from addon.audio import wav
from addon.audio.wav import Wave
from addon.errors import UnreadableAudio

#: Sample frames decoded at once: a megabyte of stereo telephone audio.
CHUNK_FRAMES = 1 << 18
_BLOCK_BYTES = 1 << 20


@dataclass
class Source:
    """What an intake learnt about the file itself."""

    format: str
    codec: str
    archived_format: str
    flags: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class Intake(Protocol):
    """Takes a recording's bytes, measures them and gives back what may be archived."""

    @property
    def source(self) -> Source:
        """What is known of the file."""
        ...

    @property
    def stages(self) -> Stages:
        """The measurements; complete after `measure`."""
        ...

    def feed(self, block: bytes) -> bytes:
        """More of the recording; returns the bytes that are final."""
        ...

    def measure(self) -> None:
        """The recording is complete: measure what is left of it."""
        ...

    def release(self, muted: Sequence[Interval]) -> Iterator[bytes]:
        """All bytes that have not been returned yet, with these intervals muted."""
        ...


class WaveIntake:
    """A WAV file of plain samples, from its parsed header on."""

    def __init__(self, wave: Wave, *, redact: bool) -> None:
        if wave.encoding is None:
            raise ValueError("only WAV kinds of plain samples are read in place")
        self.source = Source("wav", wave.encoding.name, "wav")
        self.stages = Stages(wave.rate, wave.channels)
        self._wave = wave
        self._encoding = wave.encoding
        self._redact = redact
        self._held = bytearray()
        #: File offsets: of the first byte held, of the first not yet decoded, of the samples' end.
        self._offset = 0
        self._decoded = wave.data_start
        self._end = None if wave.data_length is None else wave.data_start + wave.data_length
        self._end_is_sure = self._end is None

    @property
    def _arrived(self) -> int:
        return self._offset + len(self._held)

    def feed(self, block: bytes) -> bytes:
        """More of the file; returns the bytes that no later tone can change."""
        self._held += block
        self._look_beyond()
        chunk = CHUNK_FRAMES * self._wave.block_align
        while self._samples_until() - self._decoded >= chunk:
            self._decode(chunk)
        return self._release(self._final(), self._tones())

    def measure(self) -> None:
        """Measure the rest; UnreadableAudio where there was no sample at all."""
        self._look_beyond(at_end=True)
        align = self._wave.block_align
        left = self._samples_until() - self._decoded
        while left >= align:
            self._decode(min(left - left % align, CHUNK_FRAMES * align))
            left = self._samples_until() - self._decoded
        if not self.stages.duration_ms:
            raise UnreadableAudio("The WAV file has a header but holds no audio")
        self.stages.finish()
        self._judge_length()

    def release(self, muted: Sequence[Interval]) -> Iterator[bytes]:
        """The bytes still held back, with these intervals muted."""
        yield self._release(self._arrived, muted)

    def _samples_until(self) -> int:
        """The file offset up to which samples have arrived."""
        return self._arrived if self._end is None else min(self._end, self._arrived)

    def _decode(self, length: int) -> None:
        start = self._decoded - self._offset
        frames = bytes(self._held[start : start + length])
        self._decoded += length
        self.stages.add(self._encoding.decode(frames, self._wave.channels))

    def _final(self) -> int:
        """The file offset before which every byte is settled."""
        if not self._redact:
            return self._decoded
        settled = self.stages.tones.settled - muting.REACH_SECONDS
        first, _ = muting.frames((max(settled, 0.0), 0.0), self._wave.rate)
        return min(self._wave.data_start + first * self._wave.block_align, self._decoded)

    def _release(self, until: int, muted: Sequence[Interval]) -> bytes:
        length = max(until - self._offset, 0)
        ready = self._held[:length]
        muting.overwrite(ready, self._offset, self._wave, self._samples_until(), muted)
        del self._held[:length]
        self._offset += length
        return bytes(ready)

    def _tones(self) -> list[Interval]:
        if not self._redact:
            return []
        held = (self._offset - self._wave.data_start) / (self._wave.block_align * self._wave.rate)
        return muting.widened(self.stages.tones.muted(held - muting.REACH_SECONDS))

    def _look_beyond(self, *, at_end: bool = False) -> None:
        """Once: is what follows the declared end another chunk, or audio the length forgot?"""
        if self._end_is_sure or self._end is None or (self._arrived < self._end + 9 and not at_end):
            return
        self._end_is_sure = True
        following = bytes(self._held[self._end - self._offset :][:9])
        chunk = any(wav.is_chunk_name(following[skip : skip + 4]) for skip in (0, 1))
        if len(following) < 9 or chunk:
            return
        if self._wave.riff_end > self._end + 8:
            self._end = self._wave.riff_end
            self.source.warnings.append("The header gave too short a length for the audio.")
        else:
            self.source.warnings.append("Bytes that are no audio follow the recording's end.")

    def _judge_length(self) -> None:
        if self._end is not None and self._arrived < self._end:
            self.source.flags.append("truncated")
            self.source.warnings.append("The file ends before the length that its header gives.")


class KeptWaveIntake(WaveIntake):
    """The same where only the end tells what is muted: every byte waits in the caller's spool."""

    def __init__(self, wave: Wave, spool: BinaryIO) -> None:
        super().__init__(wave, redact=False)
        self._spool = spool

    def feed(self, block: bytes) -> bytes:
        """More of the file; nothing is final before the end."""
        self._spool.write(block)
        super().feed(block)
        return b""

    def release(self, muted: Sequence[Interval]) -> Iterator[bytes]:
        """The whole file with these intervals muted."""
        self._spool.seek(0)
        offset, end = 0, self._samples_until()
        while block := bytearray(self._spool.read(_BLOCK_BYTES)):
            muting.overwrite(block, offset, self._wave, end, muted)
            offset += len(block)
            yield bytes(block)
