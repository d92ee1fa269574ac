"""MPEG audio, layers I to III, as packets: with or without a Xing header, one file or several.

The frame that carries a Xing, Info or VBRI header is no audio. Where it gives the encoder's delay
and padding (LAME), the delay is left out at the beginning of the file and the padding at its end.
Nothing is left out where two files were joined.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import lru_cache

from addon.audio.framing import Format, FoundFrame, Header, frames_of
from addon.audio.packets import Codec, Fault, Packet, PacketReader, Window, fault_packet
from addon.audio.tags import audio_end

_KBPS = {
    (3, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (3, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (3, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""By version (3 is MPEG-1, 2 stands for MPEG-2 and 2.5) and layer; layers 2 and 3 of MPEG-2 share
one row."""

_HERTZ = (44100, 48000, 32000)
_DECODERS = {"1": ("mp1float", "mp1"), "2": ("mp2float", "mp2"), "3": ("mp3float", "mp3")}

_DECODER_DELAY = 529
"""Frames by which a layer III decoder is late; LAME does not count them."""

_HELD_BACK = 9
"""Packets: the padding of a part, at most 4095 frames, is taken from the last of them."""

_SHORTEST, _LONGEST = 24, 2881
"""Bytes of a frame. Less than the longest before the first frame is the rest of one."""


ResumePoint = tuple[int, int]
"""The position of a frame, and how many samples from there on are the encoder's delay."""


class _Part:
    """The packets from one Xing or LAME header to the next: how many it promises, and the trims."""

    def __init__(self, packets: int | None = None, delay: int = 0, padding: int = 0) -> None:
        self.promised = packets or None
        self.skip = delay + _DECODER_DELAY if delay or padding else 0
        self.drop = max(padding - _DECODER_DELAY, 0)
        self.count = 0
        self.held: deque[Packet] = deque()

    def end(self, *, at_end: bool) -> Iterator[Packet]:
        """The packets held back, without the padding where all are there; else a fault."""
        if self.promised is None or not self.count:
            yield from self.held
            return
        missing = self.promised - self.count
        if missing in (0, 1) and at_end:
            yield from self._trimmed()
            return
        yield from self.held
        if missing in (0, 1):
            return
        last = self.held[-1]
        sentence = f"The MP3 header gives {self.promised} frames, and there are {self.count}."
        flag = None if missing < 0 else "truncated" if at_end else "damaged"
        yield fault_packet(last.codec, Fault(flag, sentence, hides_audio=False), last.resume)

    def _trimmed(self) -> Iterator[Packet]:
        left = self.drop
        trimmed: list[Packet] = []
        for packet in reversed(self.held):
            drop = min(left, (packet.frames or 0) - packet.skip)
            trimmed.append(packet._replace(drop=drop))
            left -= drop
        return iter(trimmed[::-1])


class MpegReader(PacketReader):
    """An MPEG audio file's packets. See PacketReader."""

    preroll = 12
    """The bit reservoir reaches back 511 bytes: 9 frames at the lowest rate, and some to settle."""

    def __init__(self, window: Window) -> None:
        self._window = window.cut(audio_end(window))

    def packets(self, resume: ResumePoint | None = None) -> Iterator[Packet]:
        """See PacketReader.packets."""
        part = _Part()
        last: Header | None = None
        before: Fault | None = None
        begin, part.skip = resume or (0, 0)
        for found in frames_of(self._window, FORMAT, begin):
            header = found.header
            data = self._window.read(found.position, header.length) if header else b""
            described = _described(header, data)
            if header is None or described:
                yield from part.end(at_end=header is None)
                if header is None:
                    break
                first, part = last is None and resume is None, described or part
                part.skip, last = part.skip if first else 0, None
                before = _passed_over(found, first=first)
                continue
            part.held.append(_packet(data, found, header, last, part))
            if before is not None:
                part.held[-1], before = part.held[-1]._replace(fault=before), None
            last = header
            if len(part.held) > _HELD_BACK:
                yield part.held.popleft()
        yield from _rest(self._window, found, last)


def _packet(
    data: bytes, found: FoundFrame, header: Header, last: Header | None, part: _Part
) -> Packet:
    """One frame as a packet, with a silence before it where frames before it are lost."""
    silence, fault = 0, _passed_over(found, first=True)
    if found.lost and part.count:
        fault = Fault("damaged", "A part of the MPEG audio is damaged and was passed over.")
        if last and abs(last.length - header.length) <= 1 and last.kind == header.kind:
            lost = round(found.lost / header.length)
            silence, part.count = lost * header.frames, part.count + lost
    resume = (found.position, part.skip)
    skip = min(part.skip, header.frames)
    part.skip -= skip
    part.count += 1
    fresh = last is None or last[2:] != header[2:]
    return Packet(data, _codec(header), header.frames, resume, skip, 0, silence, fresh, fault)


def _passed_over(found: FoundFrame, *, first: bool) -> Fault | None:
    """The fault of bytes before the first frame of the file, or of a later part."""
    if not found.lost or found.zeros:
        return None
    if first:
        sentence = f"{found.lost} bytes before the first frame are no audio."
        return Fault(None, sentence, hides_audio=found.lost > _LONGEST)
    return Fault("damaged", f"{found.lost} bytes between two MP3 files could not be read.")


def _rest(window: Window, found: FoundFrame, last: Header | None) -> Iterator[Packet]:
    """The fault of bytes behind the last frame, where they are not only zeros."""
    if found.lost < _SHORTEST or found.zeros or last is None:
        return
    broken = FORMAT.header(window, found.position - found.lost)
    if broken and broken[2:] == last[2:]:
        fault = Fault("truncated", "The file ends inside a frame.")
    else:
        fault = Fault("damaged", f"{found.lost} bytes behind the last frame could not be read.")
    yield fault_packet(_codec(last), fault, (found.position, 0))


@lru_cache(64)
def _codec_of(rate: int, channels: int, layer: str) -> Codec:
    name, label = _DECODERS[layer]
    return Codec(name, label, rate, channels)


def _codec(header: Header) -> Codec:
    return _codec_of(header.rate, header.channels, header.kind[-1])


_SIDE_BYTES = {("3", 1): 17, ("3", 2): 32, ("2", 1): 9, ("2", 2): 17}
"""Layer III's side information, by the table of bit rates and the channels."""


def _described(header: Header | None, frame: bytes) -> _Part | None:
    """The part that this frame begins, where it carries a Xing, Info or VBRI header."""
    if header is None or header.kind[-1] != "3":
        return None
    if frame[36:40] == b"VBRI":
        return _Part(int.from_bytes(frame[50:54], "big"))
    at = 4 + _SIDE_BYTES[header.kind[0], header.channels]
    if frame[at : at + 4] not in (b"Xing", b"Info"):
        return None
    flags = int.from_bytes(frame[at + 4 : at + 8], "big")
    count = int.from_bytes(frame[at + 8 : at + 12], "big") if flags & 1 else None
    lame = at + 8 + 4 * (flags & 1) + 2 * (flags & 2) + 25 * (flags & 4) + (flags & 8) // 2
    if frame[lame : lame + 4] not in (b"LAME", b"Lavf", b"Lavc", b"L3.9"):
        return _Part(count)
    trims = int.from_bytes(frame[lame + 21 : lame + 24], "big")
    return _Part(count, trims >> 12, trims & 0xFFF)


def parse(head: bytes) -> Header | None:
    """The header that these four bytes are; None where they are none."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    return _header(head[1] & 0x1E, head[2] & 0xFE, head[3] >> 6)


@lru_cache(4096)
def _header(first: int, second: int, mode: int) -> Header | None:
    """From the bits for version and layer, bit rate, sample rate and padding, and the mode."""
    version, layer = first >> 3, 4 - (first >> 1 & 3)
    rate, hertz, padding = second >> 4, second >> 2 & 3, second >> 1 & 1
    if version == 1 or layer == 4 or rate in (0, 15) or hertz == 3:
        return None
    family = 3 if version == 3 else 2
    kbps = _KBPS[family, layer if family == 3 else min(layer, 2)][rate - 1]
    hz = _HERTZ[hertz] >> {3: 0, 2: 1, 0: 2}[version]
    if layer == 1:
        length, frames = (12000 * kbps // hz + padding) * 4, 384
    else:
        frames = 576 if layer == 3 and family == 2 else 1152
        length = frames // 8 * 1000 * kbps // hz + padding
    return Header(length, frames, hz, 1 if mode == 3 else 2, f"{family}{version}{layer}")


FORMAT = Format(parse, 4, b"\xff")
