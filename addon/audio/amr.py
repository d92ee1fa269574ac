"""AMR and AMR-WB speech files (RFC 4867, section 5) as packets."""

from __future__ import annotations

from collections.abc import Iterator

from addon.audio.framing import Format, Header, framed
from addon.audio.packets import Codec, Packet, PacketReader, Window
from addon.errors import UnreadableAudio

_NARROW, _WIDE = b"#!AMR\n", b"#!AMR-WB\n"

_BYTES = {
    8000: (12, 13, 15, 17, 19, 20, 26, 31, 5, None, None, None, None, None, None, 0),
    16000: (17, 23, 32, 36, 40, 46, 50, 58, 60, 5, None, None, None, None, 0, 0),
}
"""Bytes of a frame behind its first one, by rate and frame type; None for types there are not."""

_DECODERS = {
    8000: Codec("libopencore_amrnb", "amr_nb", 8000, 1),
    16000: Codec("libopencore_amrwb", "amr_wb", 16000, 1),
}


class AmrReader(PacketReader):
    """An AMR file's packets. See PacketReader. Raises UnreadableAudio for several channels."""

    preroll = 25

    def __init__(self, window: Window) -> None:
        head = window.read(0, len(_WIDE))
        self._window = window
        self._magic = _WIDE if head == _WIDE else _NARROW
        if not head.startswith(self._magic):
            raise UnreadableAudio("AMR with several channels is not decoded here")
        self._rate = 16000 if self._magic == _WIDE else 8000

    def packets(self, resume: int | None = None) -> Iterator[Packet]:
        """See PacketReader.packets."""
        form = Format(self._parse, 1, b"", confirm=4, marker=self._magic)
        codec = _DECODERS[self._rate]
        begin = resume or len(self._magic)
        yield from framed(self._window, form, begin, lambda _: codec)

    def _parse(self, head: bytes) -> Header | None:
        if not head or head[0] & 0x83:
            return None
        size = _BYTES[self._rate][head[0] >> 3 & 15]
        if size is None:
            return None
        return Header(1 + size, self._rate // 50, self._rate, 1, "")
