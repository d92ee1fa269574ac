"""The codecs inside Ogg: their headers, and how many frames a packet holds."""

from __future__ import annotations

import struct
from collections.abc import Callable

from addon.audio.flac import frame_header, stream_info
from addon.audio.packets import Codec

OPUS_RATE = 48000
_OPUS_RATES = (8000, 12000, 16000, 24000)


Count = Callable[[bytes], int]
"""Gives the frames in a packet; asked once for each packet, in their order."""


class Mapping:
    """One stream's codec. It is `ready` when `add` has taken all of its header packets.

    `counter` gives a new Count. The first `skip` frames are no part of the recording.
    """

    def __init__(self, headers: int, finish: Callable[[list[bytes]], None] | None = None) -> None:
        self.codec: Codec
        self.counter: Callable[[], Count]
        self.skip = 0
        self._headers: list[bytes] = []
        self._wanted = headers
        self._finish = finish

    @property
    def ready(self) -> bool:
        """True if audio packets come next."""
        return len(self._headers) >= self._wanted

    def add(self, header: bytes) -> None:
        """The next header packet."""
        self._headers.append(header)
        if self.ready and self._finish is not None:
            self._finish(self._headers)


def mapping_of(first: bytes) -> Mapping | None:
    """The mapping of a stream that begins with this packet; None where it is no audio known here.

    The first packet is one of the headers that `add` takes.
    """
    if first.startswith(b"OpusHead") and len(first) >= 19:
        return _opus(first)
    if first.startswith(b"\x01vorbis") and len(first) >= 30:
        return _vorbis(first)
    if first.startswith(b"Speex   ") and len(first) >= 80:
        return _speex(first)
    if first.startswith(b"\x7fFLAC") and len(first) >= 51:
        return _flac(first)
    return None


def _opus(first: bytes) -> Mapping:
    mapping = Mapping(2)
    mapping.codec = opus_codec(first)
    mapping.skip = int.from_bytes(first[10:12], "little")
    mapping.counter = lambda: opus_frames
    return mapping


def opus_codec(head: bytes) -> Codec:
    """From an OpusHead; the decoder is told of no pre-skip, which is taken away outside of it."""
    made = int.from_bytes(head[12:16], "little")
    heard = made if made in _OPUS_RATES else 0
    extradata = head[:10] + b"\0\0" + head[12:]
    return Codec("libopus", "opus", OPUS_RATE, head[9], extradata, heard=heard)


def opus_frames(packet: bytes) -> int:
    """Frames at 48 kHz in an Opus packet (RFC 6716, 3.1)."""
    if not packet:
        return 0
    config, code = packet[0] >> 3, packet[0] & 3
    if config < 12:
        size = (480, 960, 1920, 2880)[config & 3]
    elif config < 16:
        size = (480, 960)[config & 1]
    else:
        size = (120, 240, 480, 960)[config & 3]
    count = (1, 2, 2, packet[1] & 63 if len(packet) > 1 else 0)[code]
    return min(size * count, 5760)


def _vorbis(first: bytes) -> Mapping:
    channels, rate = struct.unpack_from("<BI", first, 11)
    sizes = vorbis_sizes(first)

    def finish(headers: list[bytes]) -> None:
        lacing = b"".join(
            b"\xff" * (len(header) // 255) + bytes([len(header) % 255]) for header in headers[:2]
        )
        extradata = b"\x02" + lacing + b"".join(headers)
        mapping.codec = mapping.codec._replace(extradata=extradata)
        mapping.counter = lambda: vorbis_count(headers[2], sizes)

    mapping = Mapping(3, finish)
    mapping.codec = Codec("vorbis", "vorbis", rate, channels)
    return mapping


def vorbis_sizes(first: bytes) -> tuple[int, int]:
    """The short and the long window, from the identification header."""
    return 1 << (first[28] & 15), 1 << (first[28] >> 4)


def vorbis_count(setup: bytes, sizes: tuple[int, int]) -> Count:
    """A quarter of this packet's window and of the one before it (Vorbis I, 4.3.8)."""
    long = _vorbis_modes(setup)
    bits = max(len(long) - 1, 0).bit_length()
    before = 0

    def count(packet: bytes) -> int:
        nonlocal before
        mode = packet[0] >> 1 & (1 << bits) - 1 if packet else 0
        if not packet or packet[0] & 1 or mode >= len(long):
            return 0
        size = sizes[long[mode]]
        held = (before + size) // 4 if before else 0
        before = size
        return held

    return count


def _vorbis_modes(setup: bytes) -> list[bool]:
    """True if each mode has the long window, read backwards from the end of the setup header."""
    bits = "".join(f"{byte:08b}" for byte in reversed(setup[-512:]))
    bits = bits[bits.find("1") + 1 :]
    modes: list[bool] = []
    found: list[bool] = []
    while len(modes) < 64 and len(bits) >= 41 * len(modes) + 47:
        one = bits[41 * len(modes) :][:47]
        if int(one[:8], 2) > 63 or "1" in one[8:40]:
            break
        modes.append(one[40] == "1")
        if int(one[41:], 2) + 1 == len(modes):
            found = modes[::-1]
    return found


def _speex(first: bytes) -> Mapping:
    rate, _, _, channels = struct.unpack_from("<iiii", first, 36)
    size, _, per_packet, extra = struct.unpack_from("<iiii", first, 56)
    mapping = Mapping(2 + min(max(extra, 0), 16))
    mapping.codec = Codec("speex", "speex", rate, channels, first[:80])
    frames = size * max(per_packet, 1)
    mapping.counter = lambda: lambda _: frames
    return mapping


def _flac(first: bytes) -> Mapping | None:
    info = stream_info(first[17:51])
    if info is None:
        return None
    mapping = Mapping(1 + int.from_bytes(first[7:9], "big"))
    mapping.codec = info.codec

    def count(packet: bytes) -> int:
        header = frame_header(packet[:16], info)
        return header.frames if header else 0

    mapping.counter = lambda: count
    return mapping
