"""Ogg files as packets: Opus, Vorbis, Speex and FLAC, one stream or several chained (RFC 3533).

Pages are checked by their CRC. The first audio stream is read; where it has ended and another one
begins, that one is read on. Granule positions give the frames left out at both ends, and the
length of what is lost where pages are missing.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import NamedTuple

from addon.audio.ogg_codecs import Mapping, mapping_of
from addon.audio.packets import Fault, Packet, Window
from addon.errors import UnreadableAudio

_MAX_PAGE = 27 + 255 + 255 * 255
_NO_GRANULE = 0xFFFFFFFFFFFFFFFF
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))

_MAX_LOST_SECONDS = 600
"""A longer gap between two pages is a wrong granule position, not lost audio."""


class Page(NamedTuple):
    """One page: flags (1 continued, 2 first, 4 last), pieces of packets, and whether lacing ends."""

    position: int
    flags: int
    granule: int
    serial: int
    number: int
    pieces: tuple[bytes, ...]
    open_end: bool


class OggReader:
    """An Ogg file's packets. See PacketReader."""

    preroll = 30
    """Opus asks for 80 ms: 32 packets of 2.5 ms, 4 of 20 ms; Speex and Vorbis settle in fewer."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._mappings: dict[int, Mapping] = {}

    def packets(self, place: int | None = None) -> Iterator[Packet]:
        """See PacketReader.packets. Raises UnreadableAudio where no stream is audio."""
        link: _Link | None = None
        lost = False
        for page, skipped in pages_of(self._window, place or 0):
            lost = lost or bool(skipped)
            if page is None:
                break
            if page.flags & 2 and (link is None or link.over or page.serial != link.serial):
                mapping = mapping_of(page.pieces[0] if page.pieces else b"")
                if mapping is not None and (link is None or not link.open_beside(page)):
                    if link is not None:
                        yield from link.end(self._window, at_end=False)
                    link = _Link(page.serial, mapping)
                    continue
            if link is not None and page.serial == link.serial:
                yield from link.add(page, lost=lost)
                lost = False
        if link is None:
            raise UnreadableAudio("No stream of the Ogg file is audio that is decoded here")
        yield from link.end(self._window, at_end=True)
