"""The pages of an Ogg file (RFC 3533, section 6), each checked by its CRC."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import NamedTuple

from addon.audio.packets import Window

CONTINUED, BEGINS, ENDS = 1, 2, 4
"""Flags of a page: its first piece continues a packet; it begins a stream; it ends one."""

_MAX_GRANULE = 1 << 62
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class Page(NamedTuple):
    """One page. `pieces` are packets, the first and last perhaps only a part of one.

    `open_end` tells that the last piece goes on in the next page. `granule` is None where no packet
    ends on the page.
    """

    position: int
    flags: int
    granule: int | None
    serial: int
    number: int
    pieces: tuple[bytes, ...]
    open_end: bool


def pages_of(window: Window, position: int) -> Iterator[tuple[Page | None, int]]:
    """Every page from a position on, each with the bytes before it that were no page.

    At the end of the file comes None with the bytes left over.
    """
    passed_over = 0
    while position < window.size:
        page, length = _page(window, position)
        if page is not None:
            yield page, passed_over
            position, passed_over = position + length, 0
            continue
        found = window.find(b"OggS", position + 1)
        found = window.size if found < 0 else found
        passed_over, position = passed_over + found - position, found
    yield None, passed_over


def _page(window: Window, position: int) -> tuple[Page | None, int]:
    """The page at a position, None where there is none, and its length."""
    head = window.read(position, 27)
    if len(head) < 27 or head[:5] != b"OggS\0":
        return None, 0
    lacing = window.read(position + 27, head[26])
    size = 27 + head[26] + sum(lacing)
    page = window.read(position, size)
    if len(page) < size or _crc(page) != int.from_bytes(page[22:26], "little"):
        return None, 0
    granule = int.from_bytes(head[6:14], "little")
    pieces, start, at = [], 27 + len(lacing), 27 + len(lacing)
    for length in lacing:
        at += length
        if length < 255:
            pieces.append(page[start:at])
            start = at
    open_end = bool(lacing) and lacing[-1] == 255
    if open_end:
        pieces.append(page[start:at])
    return Page(
        position, head[5], granule if granule < _MAX_GRANULE else None,
        int.from_bytes(head[14:18], "little"), int.from_bytes(head[18:22], "little"),
        tuple(pieces), open_end,
    ), size  # fmt: skip


def _crc(page: bytes) -> int:
    """The page's CRC-32: polynomial 0x04C11DB7 from 0 on, bits not reversed, its own field as 0.

    zlib computes the reversed one, of reversed bytes.
    """
    turned = (page[:22] + bytes(4) + page[26:]).translate(_REVERSED)
    crc = zlib.crc32(turned, 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(crc.to_bytes(4, "little").translate(_REVERSED), "big")
