"""Chunks of WAV files and what tells them from samples; nothing here reads a file.

A chunk is a name of four bytes, a length of four, and so many bytes, padded to an even number.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from addon.audio.tags import tag_length

RIFF_NAMES = frozenset({b"RIFF", b"RIFX", b"RF64", b"BW64"})

KNOWN = frozenset(
    {b"data", b"fmt ", b"LIST", b"fact", b"JUNK", b"junk", b"PAD ", b"FLLR", b"bext", b"iXML"}
    | {b"axml", b"chna", b"cue ", b"plst", b"smpl", b"inst", b"note", b"labl", b"ltxt", b"PEAK"}
    | {b"id3 ", b"ID3 ", b"cart", b"levl", b"link", b"umid", b"acid", b"strc", b"_PMX", b"AFAn"}
    | {b"DISP", b"slnt", b"ds64", b"minf", b"elm1", b"regn", b"MD5 ", b"aXML", b"wavl", b"afsp"}
)
"""Names of chunks in use (the WAVE specification, EBU Tech 3285, and common editors)."""

MAX_SIGNED_BYTES = 1 << 24
"""Metadata in the midst of samples is believed up to this size: a tag with its pictures."""

_PLACEHOLDERS = (range(0x7FFFEF00, 0x80000001), range(0xFFFFEF00, 0x100000000))


@dataclass(frozen=True)
class Chunk:
    """A chunk's name and length; `total` are its bytes with those two, without padding."""

    name: bytes
    length: int
    total: int

    @property
    def is_printable(self) -> bool:
        """True where the name can be one at all: printable ASCII, beginning with no blank."""
        return all(32 <= byte < 127 for byte in self.name) and self.name[0] != 32


def read(head: bytes, *, big_endian: bool = False) -> Chunk | None:
    """The chunk, or the tag of another format, that begins here; None where the file ends."""
    if tag := tag_length(head):
        return Chunk(head[:4], tag - 8, tag)
    if len(head) < 8:
        return None
    name, length = struct.unpack_from(">4sI" if big_endian else "<4sI", head)
    return Chunk(name, length, length + 8)


def is_placeholder(length: int) -> bool:
    """True if writers leave this length who could not seek back: ffmpeg, sox, Asterisk.

    Those are 0, the largest numbers of 31 and 32 bits, and these less a header or a block.
    """
    return length == 0 or any(length in span for span in _PLACEHOLDERS)


def is_riff(head: bytes) -> bool:
    """True if a WAV file begins here."""
    return head[:4] in RIFF_NAMES and head[8:12] == b"WAVE"


def is_known(head: bytes) -> bool:
    """True if a chunk of a known name, a tag or another WAV file begins here."""
    return is_riff(head) or (len(head) >= 8 and head[:4] in KNOWN) or tag_length(head) > 0


def find(block: bytes, name: bytes, big_endian: bool, offset: int, riff_end: int) -> int | None:
    """The position of a chunk of this name with a possible length, in a block at `offset`."""
    at = block.find(name)
    while at != -1 and at + 8 <= len(block):
        chunk = read(block[at : at + 8], big_endian=big_endian)
        if chunk is not None and _fits(chunk, offset + at, riff_end):
            return at
        at = block.find(name, at + 1)
    return None


def _fits(chunk: Chunk, at: int, riff_end: int) -> bool:
    if chunk.name == b"fmt ":
        return 14 <= chunk.length <= 4096
    if is_placeholder(chunk.length) or riff_end <= at:
        return True
    return at + chunk.total <= riff_end + 1


def find_riff(block: bytes) -> int | None:
    """The position of the first WAV file in a block."""
    return next(
        (at for at in _each(block, b"WAVE", len(block)) if is_riff(block[at : at + 12])), None
    )


def find_signature(block: bytes, limit: int, big_endian: bool) -> int | None:
    """The position before `limit` of a WAV file or metadata that samples cannot be by chance.

    That takes eight bytes that are all as they must be: LIST with its type, an ID3 tag in its
    chunk, RIFF with WAVE.
    """
    found = limit
    for inner in (b"WAVE", b"INFO", b"adtl", b"ID3"):
        for at in _each(block, inner, found + 12):
            if _is_signed(block[at : at + 16], inner, big_endian):
                found = min(found, at)
                break
    return found if found < limit else None


def _is_signed(head: bytes, inner: bytes, big_endian: bool) -> bool:
    if inner == b"WAVE":
        return is_riff(head)
    names = {b"ID3": (b"id3 ", b"ID3 ")}.get(inner, (b"LIST",))
    chunk = read(head, big_endian=big_endian) if head[:4] in names else None
    return chunk is not None and 4 <= chunk.length <= MAX_SIGNED_BYTES


def _each(block: bytes, inner: bytes, until: int) -> Iterator[int]:
    """The positions of chunks whose content begins with `inner`, which ends before `until`."""
    at = block.find(inner, 8, until)
    while at != -1:
        yield at - 8
        at = block.find(inner, at + 1, until)


def trailer(tail: bytes, big_endian: bool) -> int:
    """The position in a file's last bytes of chunks that lead exactly to its end.

    The first must have a known name. The length of `tail` where there are none.
    """
    end = len(tail)
    if tail[-128:-125] == b"TAG" and end >= 128:
        end -= 128
    leads = {end, end + 1}
    first = end
    for at in range(end - 8, -1, -1):
        if not 32 <= tail[at] < 127:
            continue
        chunk = read(tail[at : at + 16], big_endian=big_endian)
        if chunk is None or not chunk.is_printable:
            continue
        after = at + chunk.total
        if after in leads or after + chunk.length % 2 in leads:
            leads.add(at)
            if chunk.name in KNOWN:
                first = at
    return first
