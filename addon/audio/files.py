"""File objects over bytes that lie elsewhere, for libraries that want a file."""

from __future__ import annotations

import io
from typing import Any, BinaryIO

from addon.audio.packets import Window
from addon.audio.tags import past_tags


class SeekableFile(io.RawIOBase):
    """A file with a position of its own; `size`, in bytes, may grow."""

    size = 0

    def __init__(self) -> None:
        super().__init__()
        self._position = 0

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move, nothing else happens; a place before the first byte is the first byte."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = max(base + offset, 0)
        return self._position


class FileBehindTags(SeekableFile):
    """A file from behind the tags at its beginning on, for readers that know of no tags."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._begin = past_tags(Window(file), 0)
        self.size = file.seek(0, io.SEEK_END) - self._begin

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as the file gives; 0 at the end."""
        self._file.seek(self._begin + self._position)
        content = self._file.read(len(buffer))
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)


class StreamedFile(SeekableFile):
    """A file that is sent while it is written: what has left cannot be changed any more.

    Encoders go back to their first bytes at the end, to write down a length or a checksum. That
    is lost here, and all formats that are written can be read without it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._pending = bytearray()

    def writable(self) -> bool:
        """True."""
        return True

    def write(self, data: Any) -> int:
        """Write over or behind what is there; what was sent before stays as it was."""
        view = memoryview(data).cast("B")
        sent = self.size - len(self._pending)
        lost = max(min(sent - self._position, len(view)), 0)
        at = self._position + lost - sent
        self._pending[at : at + len(view) - lost] = view[lost:]
        self.size = sent + len(self._pending)
        self._position += len(view)
        return len(view)

    def take(self) -> bytes:
        """The bytes that were written and have not been taken."""
        taken = bytes(self._pending)
        self._pending.clear()
        return taken
