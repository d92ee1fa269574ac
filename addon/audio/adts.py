"""AAC in ADTS frames (.aac) as packets."""

from __future__ import annotations

from collections.abc import Iterator

from addon.audio.framing import Format, Header, framed
from addon.audio.packets import Codec, Packet, PacketReader, Window
from addon.audio.tags import audio_end

_HERTZ = (
    96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
)  # fmt: skip


class AdtsReader(PacketReader):
    """An ADTS file's packets. See PacketReader."""

    preroll = 4

    def __init__(self, window: Window) -> None:
        self._window = window.cut(audio_end(window))

    def packets(self, resume: int | None = None) -> Iterator[Packet]:
        """See PacketReader.packets."""
        yield from framed(self._window, FORMAT, resume, _codec)


def _codec(header: Header) -> Codec:
    return Codec("aac", "aac", header.rate, header.channels)


def parse(head: bytes) -> Header | None:
    """The header that these seven bytes are; None where they are none."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return None
    rate, channels = head[2] >> 2 & 15, (head[2] & 1) << 2 | head[3] >> 6
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    if rate >= len(_HERTZ) or length < 8:
        return None
    frames = 1024 * ((head[6] & 3) + 1)
    return Header(length, frames, _HERTZ[rate], channels or 1, f"{head[2] >> 6}")


FORMAT = Format(parse, 7, b"\xff", confirm=3)
