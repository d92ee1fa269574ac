"""Kinds of audio that need a decoder and random access: MP3, FLAC, Ogg, MP4, GSM in WAV and more.

The bytes wait in the caller's spool, are decoded from it in blocks, and come out again unchanged;
where something has to be muted they are encoded once more, losslessly, as FLAC.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from addon.analysis import muting
from addon.analysis.input import Input, Prepare, Spool
from addon.analysis.stages import Stages
from addon.analysis.timeline import Interval
from addon.audio.decoders import Floats
from addon.audio.decoding import Decoder
from addon.audio.encoding import Shape, write_flac
from addon.errors import UnreadableAudio

_BLOCK_BYTES = 1 << 20


class CompressedInput(Input):
    """A recording that is decoded when it has arrived whole.

    Without a `gap` the decoder read the whole file, sample for sample, and nothing which may be
    audio was left over: only then can it be muted without loss. `release([])` gives any as it came.
    """

    reencodes = True
    gap = "The recording has not been decoded."

    def __init__(self, kind: str, spool: Spool, prepare: Prepare) -> None:
        super().__init__(kind, spool, prepare)
        self._spool = spool()

    def feed(self, block: bytes) -> bytes:
        """More of the file; nothing is final before the end."""
        self._spool.write(block)
        return b""

    def measure(self) -> None:
        """Decode and measure everything; UnreadableAudio where no decoder can."""
        decoder = Decoder(self._spool, self.source.format)
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
        self.gap = decoder.gap
        self._frames = decoder.frames

    def release(self, muted: Sequence[Interval]) -> Iterator[bytes]:
        """The file as it came, or as FLAC with these intervals muted where there are any."""
        out = self._encoded(muted) if muted else self._spool
        out.seek(0)
        while block := out.read(_BLOCK_BYTES):
            yield block

    def _encoded(self, muted: Sequence[Interval]) -> BinaryIO:
        """The recording as FLAC with the muted intervals silent, in a spool of its own."""
        out, decoder = self._new_spool(), Decoder(self._spool, self.source.format)
        self.source.archived_format = "flac"
        shape = Shape(decoder.rate, decoder.channels, self._frames, decoder.deep)
        write_flac(out, _silenced(decoder, muted), shape)
        # As many as a decoder finds in the finished file, whatever its header says.
        self.archived_frames = sum(block.shape[1] for block in Decoder(out, "flac").blocks())
        return out


def _silenced(decoder: Decoder, muted: Sequence[Interval]) -> Iterator[Floats]:
    """The decoded blocks with the muted frames zero."""
    spans = [muting.frames(interval, decoder.rate) for interval in muted]
    at = 0
    for block in decoder.blocks():
        for first, last in spans:
            block[:, max(first - at, 0) : max(last - at, 0)] = 0
        at += block.shape[1]
        yield block
