"""FLAC files as packets (RFC 9639), one stream or several joined.

A frame ends where the frame with the next number begins. Lengths in the header are compared with
what is there and never believed: encoders that cannot seek leave 0, others a stale number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from addon.audio.packets import Codec, Fault, Packet, PacketReader, Window, fault_packet
from addon.audio.tags import audio_end, past_tags
from addon.errors import UnreadableAudio

_RATES = (0, 88200, 176400, 192000, 8000, 16000, 22050, 24000, 32000, 44100, 48000, 96000)
_SIZES = (0, 192, 576, 1152, 2304, 4608, 0, 0, *(256 << n for n in range(8)))
_STREAMINFO_HEADS = (b"\x00\x00\x00\x22", b"\x80\x00\x00\x22")
"""The metadata header of STREAMINFO, with others behind it or as the last (RFC 9639 8.1)."""

_HEADER_BYTES = 16
_MAX_IRREGULAR = 50
"""Frame headers with an unexpected number that are looked at before one of them is taken."""

_MAX_LOST_SECONDS = 600
"""A longer gap between two frame numbers is a wrong number, not lost audio."""

_MAX_EMPTY_STREAMS = 16
"""Streams without a frame, one after another: what follows is no recording."""

_MAX_METADATA = 1024
"""Blocks; real files have three to ten."""


def _table(polynomial: int, bits: int) -> tuple[int, ...]:
    top, mask = 1 << bits - 1, (1 << bits) - 1
    table = []
    for byte in range(256):
        value = byte << bits - 8
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & mask
        table.append(value)
    return tuple(table)


_CRC8, _CRC16 = _table(0x07, 8), _table(0x8005, 16)


class StreamInfo(NamedTuple):
    """A FLAC stream's parameters. `frames` 0: unknown; `block` is the largest frame's length."""

    raw: bytes
    block: int
    rate: int
    channels: int
    bits: int
    frames: int

    @property
    def codec(self) -> Codec:
        """For FFmpeg's decoder, which refuses frames with a wrong checksum."""
        strict = (("err_detect", "crccheck+explode"),)
        return Codec("flac", "flac", self.rate, self.channels, self.raw, strict)


class FrameHeader(NamedTuple):
    """One frame's header: its first sample, its length, its first two bytes, and the rate in Hz.

    The rate is 0 where STREAMINFO alone gives it.
    """

    sample: int
    frames: int
    sync: bytes
    rate: int

    @property
    def following(self) -> int:
        """The first sample of the next frame."""
        return self.sample + self.frames


class FlacReader(PacketReader):
    """A FLAC file's packets. See PacketReader; resume points are pairs: stream and frame."""

    preroll = 0

    def __init__(self, window: Window) -> None:
        self._window = window.cut(audio_end(window))

    def packets(self, resume: tuple[int, int] | None = None) -> Iterator[Packet]:
        """See PacketReader.packets. Raises UnreadableAudio without a stream."""
        stream: int | None = resume[0] if resume else past_tags(self._window, 0)
        frame = resume[1] if resume else None
        found, empty = False, 0
        while stream is not None:
            info, begin = _metadata(self._window, stream)
            walk = _Stream(self._window, stream, info)
            yield from walk.packets(begin if frame is None else frame)
            empty = 0 if walk.count else empty + 1
            if empty > _MAX_EMPTY_STREAMS:
                fault = Fault("damaged", "The FLAC file has streams without any frame.")
                yield fault_packet(info.codec, fault, (stream, begin))
                break
            stream, frame, found = walk.next_stream, None, found or walk.count > 0
        if not found:
            raise UnreadableAudio("The FLAC file holds no frame")


class _Stream:
    """One FLAC stream from its metadata on. `next_stream` is known when its packets are read."""

    def __init__(self, window: Window, start: int, info: StreamInfo) -> None:
        self._window = window
        self._start = start
        self._info = info
        self.count = 0
        self.next_stream: int | None = None

    def packets(self, position: int) -> Iterator[Packet]:
        """The frames from a position on."""
        window, info = self._window, self._info
        header = self._header(position)
        if header is None:
            position = self._search(position, None)[0]
            header = self._header(position)
        if header and header.rate:
            self._info = info = info._replace(rate=header.rate)
        codec = info.codec
        whole = header is not None and header.sample == 0
        expected, complete, fault = header.sample if header else 0, True, None
        while header is not None:
            end, complete = self._end(position, header)
            silence = header.sample - expected
            if silence:
                fault = Fault("damaged", "A part of the FLAC audio is damaged and was passed over.")
            if not 0 < silence <= _MAX_LOST_SECONDS * info.rate:
                silence = 0
            resume = (self._start, position)
            if complete:
                data = window.read(position, end - position)
                yield Packet(
                    data, codec, header.frames, resume,
                    silence=silence, fresh=not self.count, fault=fault,
                )  # fmt: skip
                self.count += silence + header.frames
            expected, position, fault = header.following, end, None
            header = self._header(position)
        yield from self._judged(position, complete=complete, whole=whole)

    def _judged(self, position: int, *, complete: bool, whole: bool) -> Iterator[Packet]:
        """The fault at the stream's end, if any; finds the stream after it."""
        window, info, fault = self._window, self._info, None
        after = past_tags(window, position)
        if _find_stream(window, after, after + 8) == after:
            self.next_stream = after
        if not complete:
            fault = Fault("truncated", "The FLAC file ends inside a frame.")
        elif (
            self.next_stream is None
            and after < window.size
            and window.read(after, 1 << 16).strip(b"\0")
        ):
            left = window.size - after
            fault = Fault("damaged", f"{left} bytes behind the last frame could not be read.")
            again = _find_stream(window, after)
            self.next_stream = again if again >= 0 else None
        if fault is None and whole and info.frames and self.count < info.frames:
            sentence = f"The FLAC header gives {info.frames} samples; there are {self.count}."
            fault = Fault("truncated", sentence, hides_audio=False)
        if fault is not None:
            yield fault_packet(info.codec, fault, (self._start, position))

    def _header(self, position: int) -> FrameHeader | None:
        return frame_header(self._window.read(position, _HEADER_BYTES), self._info)

    def _end(self, position: int, header: FrameHeader) -> tuple[int, bool]:
        """The end of a frame, and True if all of it is there."""
        end, following = self._search(position + 6, header)
        if following:
            return end, True
        data = self._window.read(position, end - position)
        if not _crc16(data):
            return end, True
        inside = next(_ends(data), None)
        return (end, False) if inside is None else (position + inside, True)

    def _search(self, position: int, header: FrameHeader | None) -> tuple[int, bool]:
        """The frame after `header`: the next one, else another's, else a stream, else the end."""
        window, info = self._window, self._info
        limit = min(window.size, position + info.block * info.channels * 5 + 65536)
        if header is None:
            following_stream = _find_stream(window, position)
            limit = window.size if following_stream < 0 else following_stream
        irregular, seen, at = -1, 0, position
        while seen < _MAX_IRREGULAR and (at := _sync(window, header, at, limit)) >= 0:
            found = self._header(at)
            if found and (header is None or found.sample == header.following):
                return self._before_stream(position, at)
            if found and header and found.sample > header.following:
                irregular, seen = (at if irregular < 0 else irregular), seen + 1
            at += 1
        if irregular >= 0:
            return self._before_stream(position, irregular)
        stream = _find_stream(window, position, limit)
        if stream >= 0:
            return stream, False
        return limit, False

    def _before_stream(self, position: int, at: int) -> tuple[int, bool]:
        """The frame found at `at`, unless a stream begins before it."""
        stream = _find_stream(self._window, position, at)
        return (at, True) if stream < 0 else (stream, False)


def _find_stream(window: Window, start: int, stop: int | None = None) -> int:
    """The first position where a stream begins with its STREAMINFO, or -1.

    The four letters alone stand in compressed audio by chance: once in 4 GB.
    """
    at = window.find(b"fLaC", start, stop)
    while at >= 0 and window.read(at + 4, 4) not in _STREAMINFO_HEADS:
        at = window.find(b"fLaC", at + 1, stop)
    return at


def _sync(window: Window, header: FrameHeader | None, start: int, stop: int) -> int:
    if header is not None:
        return window.find(header.sync, start, stop)
    found = [window.find(sync, start, stop) for sync in (b"\xff\xf8", b"\xff\xf9")]
    return min((at for at in found if at >= 0), default=-1)


def _metadata(window: Window, position: int) -> tuple[StreamInfo, int]:
    """STREAMINFO, and where the metadata ends. Raises UnreadableAudio."""
    if window.read(position, 4) != b"fLaC":
        position = window.find(b"fLaC", position)
    if position < 0:
        raise UnreadableAudio("The FLAC file has no stream")
    at, info = position + 4, None
    for _ in range(_MAX_METADATA):
        head = window.read(at, 4)
        if len(head) < 4 or head[:2] in (b"\xff\xf8", b"\xff\xf9"):
            break
        if head[0] & 0x7F == 0 and info is None:
            info = stream_info(window.read(at + 4, 34))
        after = at + 4 + int.from_bytes(head[1:4], "big")
        if after > window.size:
            break
        at = after
        if head[0] & 0x80:
            break
    if info is None:
        raise UnreadableAudio("The FLAC file has no STREAMINFO")
    return info, at


def stream_info(raw: bytes) -> StreamInfo | None:
    """The 34 bytes of STREAMINFO; None where they are none."""
    if len(raw) < 34:
        return None
    packed = int.from_bytes(raw[10:18], "big")
    rate, channels, bits = packed >> 44, (packed >> 41 & 7) + 1, (packed >> 36 & 31) + 1
    block = int.from_bytes(raw[2:4], "big")
    return StreamInfo(raw[:34], block, rate, channels, bits, packed & 0xFFFFFFFFF)


def frame_header(head: bytes, info: StreamInfo | None) -> FrameHeader | None:
    """A frame's header with a right checksum; None where there is none."""
    if len(head) < 6 or head[0] != 0xFF or head[1] & 0xFE != 0xF8:
        return None
    size, rate = head[2] >> 4, head[2] & 15
    if not size or rate == 15 or head[3] >> 4 > 10 or head[3] & 1:
        return None
    number, at = _number(head)
    if number is None:
        return None
    frames = _SIZES[size]
    if size in (6, 7):
        frames = int.from_bytes(head[at : at + size - 5], "big") + 1
        at += size - 5
    hertz = _RATES[rate] if rate < len(_RATES) else 0
    if rate >= len(_RATES):
        width = 1 if rate == 12 else 2
        said = int.from_bytes(head[at : at + width], "big")
        hertz, at = said * {12: 1000, 13: 1, 14: 10}[rate], at + width
    crc = 0
    for byte in head[:at]:
        crc = _CRC8[crc ^ byte]
    if at >= len(head) or crc != head[at]:
        return None
    if not head[1] & 1:
        number *= info.block if info else frames
    return FrameHeader(number, frames, head[:2], hertz)


_EXTENDED = re.compile(rb"[\x80-\xbf]*")


def _number(head: bytes) -> tuple[int | None, int]:
    """The frame's or sample's number, coded like UTF-8 from byte 4 on, and where it ends."""
    first = head[4]
    if first < 0x80:
        return first, 5
    extra = next((n for n in range(1, 7) if first >> (6 - n) == (1 << n + 2) - 2), 0)
    rest = head[5 : 5 + extra]
    if not extra or len(rest) < extra or not _EXTENDED.fullmatch(rest):
        return None, 5
    number = first & (1 << max(6 - extra, 0)) - 1
    for byte in rest:
        number = number << 6 | byte & 0x3F
    return number, 5 + extra


def _crc16(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = (crc << 8 & 0xFFFF) ^ _CRC16[crc >> 8 ^ byte]
    return crc


def _ends(data: bytes) -> Iterator[int]:
    """The places where a frame at the beginning of `data` may end: behind a right checksum."""
    crc = 0
    for at, byte in enumerate(data, 1):
        crc = (crc << 8 & 0xFFFF) ^ _CRC16[crc >> 8 ^ byte]
        if not crc and at > _HEADER_BYTES:
            yield at
