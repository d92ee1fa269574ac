"""Streams of byte blocks, cut to the size their reader wants.

Blocks arrive in whatever size a socket or a decoder gave them; ciphers and uploads want exact
sizes. Nothing here may hold more than one block and one piece in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator


class BlockSource:
    """A file-like reader over blocks: `read(n)` gives exactly `n` bytes until the end."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self._block = b""
        self._at = 0
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        """The next `size` bytes, fewer at the end only; everything where `size` is negative."""
        parts: list[bytes] = []
        missing = size
        while missing and self._fill():
            end = len(self._block) if missing < 0 else self._at + missing
            part = self._block[self._at : end]
            self._at += len(part)
            missing -= len(part) if missing > 0 else 0
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def view(self, size: int) -> memoryview:
        """As `read` does, but copied only where two blocks meet."""
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


def pieces(blocks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in pieces of exactly `size`, the last one shorter."""
    source = BlockSource(blocks)
    return iter(lambda: source.read(size), b"")


def watched(blocks: Iterable[bytes], see: Callable[[bytes], object]) -> Iterator[bytes]:
    """The same blocks; `see` is shown each before it passes on."""
    for block in blocks:
        see(block)
        yield block
