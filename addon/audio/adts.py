"""AAC in ADTS frames (.aac) as packets."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from addon.audio.framing import Format, Header, frames_of
from addon.audio.packets import Codec, Fault, Packet, Window
from addon.audio.tags import audio_end

_HERTZ = (
    96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
)  # fmt: skip


class AdtsReader:
    """An ADTS file's packets. See PacketReader."""

    preroll = 4

    def __init__(self, window: Window) -> None:
        self._window = window.cut(audio_end(window))

    def packets(self, place: int | None = None) -> Iterator[Packet]:
        """See PacketReader.packets."""
        yield from framed(self._window, FORMAT, place, _codec)

    def plan(self) -> Iterator[Packet]:
        """See PacketReader.plan."""
        return self.packets()


def framed(
    window: Window, form: Format, place: int | None, codec_of: Callable[[Header], Codec]
) -> Iterator[Packet]:
    """The frames of a format as packets; lost bytes become faults, in the middle also silence."""
    last: Header | None = None
    for found in frames_of(window, form, place or 0):
        header, silence, fault = found.header, 0, None
        if found.lost and last is not None and not (header is None and found.zeros):
            fault = Fault("damaged", "A part of the audio is damaged and was passed over.")
            if header is None:
                fault = Fault("truncated", "The file ends inside a frame.")
            elif last.kind == header.kind:
                silence = round(found.lost / last.length) * header.frames
        if header is None:
            if fault and last:
                yield Packet(None, codec_of(last), 0, found.position, fault=fault)
            return
        fresh = last is None or last[2:] != header[2:]
        data, last = window.read(found.position, header.length), header
        yield Packet(
            data, codec_of(header), header.frames, found.position,
            silence=silence, fresh=fresh, fault=fault,
        )  # fmt: skip


def _codec(header: Header) -> Codec:
    return Codec("aac", "aac", header.rate, header.channels)


def parse(window: Window, position: int) -> Header | None:
    """The header of the frame at a position; None where there is none."""
    head = window.read(position, 7)
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return None
    rate, channels = head[2] >> 2 & 15, (head[2] & 1) << 2 | head[3] >> 6
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    if rate >= len(_HERTZ) or length < 8:
        return None
    frames = 1024 * ((head[6] & 3) + 1)
    return Header(length, frames, _HERTZ[rate], channels or 1, f"{head[2] >> 6}")


FORMAT = Format(parse, b"\xff", confirm=3)
