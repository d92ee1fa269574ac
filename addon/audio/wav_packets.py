"""The samples of a WAV file as packets: plain ones in stretches, compressed ones in blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

from addon.audio import wav_format
from addon.audio.mpeg import MpegReader, ResumePoint
from addon.audio.packets import PLAIN, Codec, Fault, Packet, PacketReader, Window, fault_packet
from addon.audio.wav import Layout, Region
from addon.audio.wav_format import ADPCM_IMA, ADPCM_MS, G722, G726, G726_ITU, GSM, MP2, MP3, Format
from addon.audio.wav_parser import WavParser
from addon.errors import UnreadableAudio

_BATCH = 1 << 14
"""Bytes of a packet of plain samples or of G.72x, about: whole frames, and a multiple of 40."""

_GSM_BLOCKS = 25
"""Blocks of 40 ms in a packet: a second, decoded by one call."""

_ADPCM = {ADPCM_MS: ("adpcm_ms", "adpcm_ms"), ADPCM_IMA: ("adpcm_ima_wav", "adpcm_ima")}


def layout_of(read: Callable[[int, int], bytes], size: int) -> Layout:
    """The layout of a file of `size` bytes, of which `read(start, stop)` gives any part.

    Reads some kilobytes, and only where a length is unknown the samples themselves. Raises
    UnreadableAudio for what is no WAV file or holds no audio; what `read` raises passes through.
    """
    parser = WavParser()
    parser.end(size)
    begin, held = 0, b""
    while parser.wants is not None:
        offset, count = parser.wants
        stop = min(offset + count, size)
        if offset < begin or stop > begin + len(held):
            # Twice as much as wanted, so that walking on through it costs no second read.
            begin = offset
            held = read(offset, min(offset + max(2 * count, 4096), size)) if offset < size else b""
        parser.give(held[offset - begin : max(stop - begin, 0)])
    return parser.layout()


def wav_reader(file: BinaryIO) -> PacketReader:
    """The packets of a WAV file. Raises UnreadableAudio for what is none or of an unknown kind."""
    size = file.seek(0, 2)

    def read(start: int, stop: int) -> bytes:
        return Window(file, [(start, min(stop, size))]).read(0, stop - start)

    layout = layout_of(read, size)
    if layout.format.tag in (MP2, MP3):
        regions = [(one.start, one.stop) for one in layout.regions]
        return _MpegInWav(Window(file, regions), layout)
    return WavReader(file, layout)


class WavReader(PacketReader):
    """The packets of a WAV file's regions. See PacketReader; `resume` is region and byte."""

    def __init__(self, file: BinaryIO, layout: Layout) -> None:
        for region in layout.regions:
            _codec(region.format)
        self._file = file
        self._layout = layout
        self.preroll = 1 if layout.format.tag in (GSM, G722, G726, G726_ITU) else 0

    def packets(self, resume: tuple[int, int] | None = None) -> Iterator[Packet]:
        """See PacketReader.packets."""
        number, begin = resume or (0, 0)
        for region in self._layout.regions[number:]:
            window = Window(self._file, [(region.start, region.stop)])
            yield from _region_packets(window, region, number, begin)
            number, begin = number + 1, 0
        yield from _faults(self._layout, _codec(self._layout.format), (number, 0))

    def plan(self) -> Iterator[Packet]:
        """See PacketReader.plan."""
        for number, region in enumerate(self._layout.regions):
            yield from _region_packets(None, region, number, 0)


class _MpegInWav(MpegReader):
    """MPEG audio inside a WAV file: the regions' bytes are an MPEG file of their own."""

    def __init__(self, window: Window, layout: Layout) -> None:
        super().__init__(window)
        self._layout = layout

    def packets(self, resume: ResumePoint | None = None) -> Iterator[Packet]:
        """See PacketReader.packets."""
        last: Packet | None = None
        for last in super().packets(resume):
            yield last
        if last is not None:
            yield from _faults(self._layout, last.codec, last.resume)


def _faults(layout: Layout, codec: Codec, resume: object) -> Iterator[Packet]:
    """The faults that the layout tells, as packets."""
    hides = "damaged" in layout.flags
    for warning in layout.warnings:
        yield fault_packet(codec, Fault(None, warning, hides_audio=hides), resume)
    for flag in layout.flags:
        yield fault_packet(codec, Fault(flag, "", hides_audio=False), resume)


def _region_packets(
    window: Window | None, region: Region, number: int, begin: int
) -> Iterator[Packet]:
    """A region's packets from a byte on; without a window, with empty data."""
    kind, codec = region.format, _codec(region.format)
    step = _step(kind)
    count = region.frames
    left = None if count is None else count - (kind.samples_in(begin) or 0)
    fresh = True
    for at in range(begin, region.length, step):
        data = window.read(at, step) if window else b""
        frames = kind.samples_in(min(step, region.length - at))
        drop = 0
        if left is not None and frames is not None:
            drop = min(max(frames - left, 0), frames)
            left -= frames
        if frames == 0:
            continue
        yield Packet(data, codec, frames, (number, at), drop=drop, fresh=fresh)
        fresh = False


def _step(kind: Format) -> int:
    """Bytes of one packet."""
    if kind.tag in _ADPCM:
        return kind.block_align
    if kind.tag == GSM:
        return kind.block_align * _GSM_BLOCKS
    if kind.tag in wav_format.PLAIN:
        return max(_BATCH // kind.block_align, 1) * kind.block_align
    return _BATCH // 40 * 40


def _codec(kind: Format) -> Codec:
    """The decoder of a format. Raises UnreadableAudio where there is none."""
    rate, channels = kind.rate, kind.channels
    encoding = kind.encoding
    if encoding is not None:
        return Codec(PLAIN, encoding.name, rate, channels, parameters=encoding)
    if kind.tag == GSM and kind.block_align == 65:
        return Codec("gsm_ms", "gsm", rate, channels)
    if kind.tag in _ADPCM and kind.block_align:
        bits = (("bits_per_coded_sample", str(kind.bits or 4)),)
        return Codec(*_ADPCM[kind.tag], rate, channels, options=bits)
    if kind.tag == G722:
        return Codec("g722", "g722", rate, channels)
    if kind.tag in (G726, G726_ITU) and 2 <= kind.bits <= 5:
        bits = (("bits_per_coded_sample", str(kind.bits)),)
        return Codec("g726", "g726", rate, channels, options=bits)
    raise UnreadableAudio(f"The WAV file's kind of samples, tag {kind.tag:#x}, is not decoded here")
