"""Tags around audio data: ID3 and APE before it, ID3v1, APE and Lyrics3 behind it."""

from __future__ import annotations

import io
from typing import Any, BinaryIO

from addon.audio.packets import Window

_LYRICS_V1_BYTES = 5100


def tag_length(window: Window, position: int) -> int:
    """The bytes of an ID3 or APE tag that begins here; 0 where none does."""
    head = window.read(position, 32)
    sizes = head[6:10]
    if head[:3] == b"ID3" and len(head) >= 10 and head[3] < 0xFF and max(sizes) < 0x80:
        size = sizes[0] << 21 | sizes[1] << 14 | sizes[2] << 7 | sizes[3]
        return 10 + size + (10 if head[5] & 0x10 else 0)
    if head[:8] == b"APETAGEX" and len(head) == 32:
        size, flags = int.from_bytes(head[12:16], "little"), int.from_bytes(head[20:24], "little")
        return 32 + size if flags & 0x20000000 else 32
    if head[:3] == b"TAG" and position + 128 <= window.size:
        return 128
    return 0


def past_tags(window: Window, position: int) -> int:
    """The first position from here on at which no tag begins."""
    while length := tag_length(window, position):
        position += length
    return min(position, window.size)


def audio_end(window: Window) -> int:
    """Position of the tags at the end of the file; the end where there are none."""
    end = window.size
    while (begin := _before_tag(window, end)) < end:
        end = begin
    return end


def _before_tag(window: Window, end: int) -> int:
    """Where the tag begins that ends here; `end` where none does."""
    if end >= 128 and window.read(end - 128, 3) == b"TAG":
        return end - 128
    foot = window.read(max(end - 32, 0), min(end, 32))
    if foot[:8] == b"APETAGEX":
        head = 32 if foot[23] & 0x80 else 0
        begin = end - int.from_bytes(foot[12:16], "little") - head
        return begin if 0 <= begin <= end - 32 else end - 32
    if foot[-9:] == b"LYRICS200" and foot[-15:-9].isdigit():
        begin = end - 15 - int(foot[-15:-9])
        return begin if begin >= 0 and window.read(begin, 11) == b"LYRICSBEGIN" else end
    if foot[-9:] == b"LYRICSEND":
        start = max(end - _LYRICS_V1_BYTES - 20, 0)
        begin = window.find(b"LYRICSBEGIN", start, end)
        return begin if begin >= 0 else end
    return end


class FileBehindTags(io.RawIOBase):
    """A file from behind the tags at its beginning on, for readers that know of no tags."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._begin = past_tags(Window(file), 0)
        self.seek(0)

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The position in bytes."""
        return self._file.tell() - self._begin

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move."""
        offset += self._begin if whence == io.SEEK_SET else 0
        return self._file.seek(offset, whence) - self._begin

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as the file gives; 0 at the end."""
        content = self._file.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)
