"""Kinds of audio that need a decoder and random access: MP3, FLAC, Ogg, MP4, GSM in WAV and more.

The bytes wait in the caller's spool, are decoded from it in blocks, and come out again unchanged;
where something has to be muted they are encoded once more, losslessly, as FLAC.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from addon.analysis import muting
from addon.analysis.intake import Prepare, Source, Spool
from addon.analysis.stages import Stages
from addon.analysis.timeline import Interval
from addon.audio.decoders import Floats
from addon.audio.decoding import Decoder
from addon.audio.encoding import Shape, write_flac
from addon.errors import UnreadableAudio

_BLOCK_BYTES = 1 << 20


class SpooledIntake:
    """A recording that is decoded when it has arrived whole.

    After `measure`, `covered` tells that the decoder read the whole file, sample for sample, and
    that nothing which may be audio was left over; `gap` says what is missing where not. Only a
    covered recording can be muted without loss; `release([])` gives any as it came.
    """

    stages: Stages
    reencodes = True

    def __init__(self, kind: str, spool: Spool, prepare: Prepare) -> None:
        self.source = Source(kind, kind, kind)
        self.covered = False
        self.gap = "The recording has not been decoded."
        self._prepare = prepare
        self._new_spool = spool
        self._spool = spool()
        self.archived_frames: int | None = None

    def feed(self, block: bytes) -> bytes:
        """More of the file; nothing is final before the end."""
        self._spool.write(block)
        return b""

    def measure(self) -> None:
        """Decode and measure everything; UnreadableAudio where no decoder can."""
        decoder = self._decoder()
        self.source.codec = decoder.codec
        self.stages = Stages(decoder.rate, decoder.channels)
        self._prepare(self.stages)
        for samples in decoder.blocks():
            self.stages.add(samples)
        if not self.stages.duration_ms:
            raise UnreadableAudio(f"The {self.source.format} file holds no audio")
        self.stages.finish()
        self.source.flags += decoder.flags
        self.source.warnings += decoder.warnings
        self.covered, self.gap = decoder.covered, decoder.gap
        self._frames = decoder.frames

    def release(self, muted: Sequence[Interval]) -> Iterator[bytes]:
        """The file as it came, or as FLAC with these intervals muted where there are any."""
        out = self._encoded(muted) if muted else self._spool
        out.seek(0)
        while block := out.read(_BLOCK_BYTES):
            yield block

    def _decoder(self) -> Decoder:
        return Decoder(self._spool, self.source.format)

    def _encoded(self, muted: Sequence[Interval]) -> BinaryIO:
        """The recording as FLAC with the muted intervals silent, in a spool of its own."""
        self.source.archived_format = "flac"
        out, decoder = self._new_spool(), self._decoder()
        shape = Shape(decoder.rate, decoder.channels, self._frames, decoder.deep)
        write_flac(out, _silenced(decoder, muted), shape)
        self.archived_frames = _frames_in(out)
        return out


def _frames_in(flac: BinaryIO) -> int:
    """The sample frames that a decoder finds in a finished file, whatever its header says."""
    return sum(block.shape[1] for block in Decoder(flac, "flac").blocks())


def _silenced(decoder: Decoder, muted: Sequence[Interval]) -> Iterator[Floats]:
    """The decoded blocks with the muted frames zero."""
    spans = [muting.frames(interval, decoder.rate) for interval in muted]
    at = 0
    for block in decoder.blocks():
        for first, last in spans:
            block[:, max(first - at, 0) : max(last - at, 0)] = 0
        at += block.shape[1]
        yield block
