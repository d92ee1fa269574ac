"""WAV bytes in, the same bytes out with the tones muted: a delay line around the measurements.

Bytes leave as soon as no tone still to be found could reach back to them, so memory stays the same
however long the recording. Kinds that cannot be read in place are handed over to the spool.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from addon.analysis import muting
from addon.analysis.input import Input, Prepare, Spool
from addon.analysis.muting import HeardRegion
from addon.analysis.stages import Stages
from addon.analysis.timeline import Interval
from addon.audio.conversion import Converter
from addon.audio.decoders import Run
from addon.audio.wav import Region
from addon.audio.wav_format import Format
from addon.audio.wav_parser import WavParser
from addon.errors import UnreadableAudio

#: Sample frames decoded at once: a megabyte of stereo telephone audio.
CHUNK_FRAMES = 1 << 18
_BLOCK_BYTES = 1 << 20
#: Two minutes of 48 kHz stereo. Unusual formats and large chunks behind the samples come to more.
MAX_HELD_BYTES = 1 << 25


class PendingBytes:
    """The bytes of a file that are still held back, and the parser that they are given to."""

    def __init__(self, parser: WavParser) -> None:
        self.parser = parser
        self.bytes = bytearray()
        #: The file offset of the first byte held.
        self.offset = 0

    @property
    def arrived(self) -> int:
        """Bytes of the file so far."""
        return self.offset + len(self.bytes)

    def add(self, block: bytes | bytearray) -> None:
        """More of the file. Raises UnreadableAudio."""
        self.bytes += block
        self._advance()

    def end(self) -> None:
        """The file is complete. Raises UnreadableAudio."""
        self.parser.end(self.arrived)
        self._advance()

    def part(self, start: int, stop: int) -> bytes:
        """The bytes from `start` to `stop`, as far as they are there."""
        return bytes(self.bytes[max(start - self.offset, 0) : max(stop - self.offset, 0)])

    def take(self, until: int) -> bytearray:
        """The first bytes up to an offset, which are held no longer."""
        length = max(until - self.offset, 0)
        taken = self.bytes[:length]
        del self.bytes[:length]
        self.offset += len(taken)
        return taken

    def _advance(self) -> None:
        while (wants := self.parser.wants) is not None:
            start, count = wants
            if start + count > self.arrived and self.parser.size is None:
                return
            self.parser.give(self.part(start, start + count))


def format_of(head: bytes | bytearray, *, at_end: bool) -> Format | None:
    """The format of a WAV file with these first bytes; None where it comes later.

    Raises UnreadableAudio.
    """
    held = PendingBytes(WavParser())
    held.add(head)
    if at_end:
        held.end()
    return held.parser.format


class WavInput(Input):
    """A WAV file of plain samples, muted by overwriting bytes.

    With `redact`, key tones are muted while bytes pass. With `keep`, or where more than
    MAX_HELD_BYTES would have to wait, all further bytes go through the caller's spool instead, and
    are muted when they are released.
    """

    reencodes = False

    def __init__(self, spool: Spool, prepare: Prepare, *, redact: bool, keep: bool = False) -> None:
        super().__init__("wav", spool, prepare)
        self._held = PendingBytes(WavParser())
        self._redact = redact
        self._spool: BinaryIO | None = spool() if keep else None
        self._spooled_from = 0
        self._heard: list[HeardRegion] = []
        #: Of the parser's regions, how many are measured.
        self._measured = 0
        self._converter: Converter | None = None

    def feed(self, block: bytes) -> bytes:
        """More of the file; returns the bytes that no later tone can change."""
        self._held.add(block)
        self._measure_regions()
        if self._spool is None:
            ready = self._release(self._final(), self._tones())
            if len(self._held.bytes) <= MAX_HELD_BYTES:
                return ready
            self._spool, self._spooled_from = self._new_spool(), self._held.offset
            return ready
        self._spool.write(self._held.take(self._measured_until()))
        return b""

    def measure(self) -> None:
        """Measure the rest; UnreadableAudio where there was no sample at all."""
        self._held.end()
        self._measure_regions()
        layout = self._held.parser.layout()
        self.source.flags.extend(flag for flag in layout.flags if flag not in self.source.flags)
        self.source.warnings.extend(layout.warnings)
        if "damaged" in self.source.flags:  # a truncated file holds nothing that was not heard
            self.gap = " ".join(self.source.warnings)
        if not self._heard or not self.stages.duration_ms:
            raise UnreadableAudio("The WAV file has a header but holds no audio")
        self.stages.finish()

    def release(self, muted: Sequence[Interval]) -> Iterator[bytes]:
        """The bytes still held back, with these intervals muted."""
        if self._spool is not None:
            self._spool.seek(0)
            offset = self._spooled_from
            while block := bytearray(self._spool.read(_BLOCK_BYTES)):
                muting.overwrite(block, offset, self._heard, muted)
                offset += len(block)
                yield bytes(block)
        yield self._release(self._held.arrived, muted)

    def _measure_regions(self) -> None:
        """All samples that have arrived and are certain to be samples."""
        parser = self._held.parser
        while self._measured < len(parser.regions):
            region = parser.regions[self._measured]
            self._measure_region(region, region.stop, closed=True)
            self._measured += 1
        if parser.current is not None:
            self._measure_region(parser.current, parser.sure(self._held.arrived), closed=False)

    def _measure_region(self, region: Region, until: int, *, closed: bool) -> None:
        """Whole chunks of a region, counted from its start, and what is left once it is closed."""
        encoding = region.format.encoding
        if encoding is None:
            if closed:
                self._leave_out(region)
            return
        align, channels = region.format.block_align, region.format.channels
        heard = self._place(region) if until - region.start >= align else None
        while heard is not None and heard.stop < until:
            stop = min(heard.stop + CHUNK_FRAMES * align, until)
            if stop == until and not closed:
                return
            samples = encoding.decode(self._held.part(heard.stop, stop), channels)
            heard.stop = stop
            self._hear(Run(region.format.rate, samples))
        if closed and self._converter is not None:
            for samples in self._converter.end():
                self.stages.add(samples)

    def _hear(self, run: Run) -> None:
        """Measure samples, in the format of the file's first region."""
        if self._converter is None:
            self.stages.add(run.samples)
            return
        for samples in self._converter.add(run):
            self.stages.add(samples)

    def _place(self, region: Region) -> HeardRegion:
        """The region with the time at which it is heard: behind all before it."""
        if self._heard and self._heard[-1].start == region.start:
            return self._heard[-1]
        form = region.format
        if not self._heard:
            self.source.codec = form.encoding.name if form.encoding else ""
            self.stages = Stages(form.rate, form.channels)
            self._prepare(self.stages)
        heard = (self.stages.rate, self.stages.channels)
        same = (form.rate, form.channels) == heard
        self._converter = None if same else Converter(*heard)
        begin = self.stages.totals.count / self.stages.rate
        self._heard.append(HeardRegion(form, region.start, region.start, begin))
        return self._heard[-1]

    def _leave_out(self, region: Region) -> None:
        self.source.flags.append("damaged")
        self.source.warnings.append(
            f"Audio of another kind follows at byte {region.start}: it is neither measured nor "
            "muted, so digits may be heard there."
        )

    def _measured_until(self) -> int:
        """The file offset before which neither the parser nor the measurements want a byte."""
        until = self._held.parser.keeps(self._held.arrived)
        region = self._held.parser.current
        if region is None or region.format.encoding is None:
            return until
        begun = bool(self._heard) and self._heard[-1].start == region.start
        return min(until, self._heard[-1].stop if begun else region.start)

    def _final(self) -> int:
        """The file offset before which every byte is settled."""
        until = self._measured_until()
        if not self._redact or not self._heard:
            return until
        seconds = self.stages.tones.settled - muting.REACH_SECONDS
        return min(until, muting.offset_at(self._heard, max(seconds, 0.0)))

    def _release(self, until: int, muted: Sequence[Interval]) -> bytes:
        offset = self._held.offset
        ready = self._held.take(until)
        muting.overwrite(ready, offset, self._heard, muted)
        return bytes(ready)

    def _tones(self) -> list[Interval]:
        if not self._redact or not self._heard:
            return []
        held = muting.time_at(self._heard, self._held.offset)
        return muting.widened(self.stages.tones.muted(held - muting.REACH_SECONDS))
