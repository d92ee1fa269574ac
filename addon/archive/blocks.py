"""Streams of byte blocks, cut to the size their reader wants.

Blocks arrive in whatever size a socket or a decoder gave them; ciphers and uploads want exact
sizes. Memory does not grow with the stream: one block, and as many pieces as are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import cycle
from typing import NamedTuple

from zlib_ng.zlib_ng import crc32


class BlockSource:
    """A file-like reader over blocks: `read(n)` gives exactly `n` bytes until the end.

    A block may lie in memory that the next one is written into.
    """

    def __init__(self, blocks: Iterable[bytes] | Iterable[memoryview]) -> None:
        self._blocks: Iterator[bytes | memoryview] = iter(blocks)
        self._block: bytes | memoryview = b""
        self._at = 0
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        """The next `size` bytes, fewer at the end only; everything where `size` is negative."""
        parts: list[bytes] = []
        missing = size
        while missing and self._fill():
            end = len(self._block) if missing < 0 else self._at + missing
            part = bytes(self._block[self._at : end])
            self._at += len(part)
            missing -= len(part) if missing > 0 else 0
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def view(self, size: int) -> memoryview:
        """As `read` does, but copied only where two blocks meet; good until the next call."""
        self._fill()
        end = self._at + size
        if end > len(self._block):
            return memoryview(self.read(size))
        view = memoryview(self._block)[self._at : end]
        self._at = end
        return view

    def _fill(self) -> bool:
        """Ask for the next block where need be; False at the end."""
        while self._at >= len(self._block):
            block = next(self._blocks, None)
            if block is None:
                return False
            self._block, self._at = block, 0
        return True


class Piece(NamedTuple):
    """A piece of a stream, its CRC-32, and whether it is the last."""

    content: bytearray
    crc32: int
    last: bool


def pieces(blocks: Iterable[bytes], size: int, count: int) -> Iterator[Piece]:
    """The same bytes in pieces of exactly `size`; the last may be shorter, or empty.

    They lie in the memory of `count` pieces: one is written over when `count - 1` others have been
    given out after it. New memory for each costs more than the copy.
    """
    memory = cycle([bytearray() for _ in range(count)])
    content, used, checksum = next(memory), 0, 0
    for block in blocks:
        left = memoryview(block)
        while left:
            if used == size:
                yield Piece(content, checksum, last=False)
                content, used, checksum = next(memory), 0, 0
            part = left[: size - used]
            if used < len(content):
                memoryview(content)[used : used + len(part)] = part
            else:
                content += part
            used, checksum, left = used + len(part), crc32(part, checksum), left[len(part) :]
    del content[used:]
    yield Piece(content, checksum, last=True)


def counted(blocks: Iterable[bytes], sizes: list[int]) -> Iterator[bytes]:
    """The blocks themselves, the size of each added to `sizes`."""
    for block in blocks:
        sizes.append(len(block))
        yield block


def watched(blocks: Iterable[bytes], see: Callable[[bytes], object]) -> Iterator[bytes]:
    """The same blocks; `see` is shown each before it passes on."""
    for block in blocks:
        see(block)
        yield block
