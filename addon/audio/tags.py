"""Tags around audio data: ID3 and APE before it, ID3v1, APE and Lyrics3 behind it."""

from __future__ import annotations

from addon.audio.packets import Window

_LYRICS_V1_BYTES = 5100


def tag_length(head: bytes) -> int:
    """The bytes of the ID3 or APE tag that begins with these 24 bytes; 0 where none does.

    ID3 ends at version 4: "ID3 " is the name of a chunk of WAV files.
    """
    sizes = head[6:10]
    if head[:3] == b"ID3" and len(head) >= 10 and head[3] < 5 and max(sizes) < 0x80:
        size = sizes[0] << 21 | sizes[1] << 14 | sizes[2] << 7 | sizes[3]
        return 10 + size + (10 if head[5] & 0x10 else 0)
    if head[:8] == b"APETAGEX" and len(head) >= 24:
        size, flags = int.from_bytes(head[12:16], "little"), int.from_bytes(head[20:24], "little")
        return 32 + size if flags & 0x20000000 else 32
    return 128 if head[:3] == b"TAG" and len(head) >= 8 else 0


def tag_at(window: Window, position: int) -> int:
    """The bytes of the tag that begins at a position; 0 where none does."""
    return tag_length(window.read(position, 24))


def past_tags(window: Window, position: int) -> int:
    """The first position from here on at which no tag begins."""
    while length := tag_at(window, position):
        position += length
    return min(position, window.size)


def audio_end(window: Window) -> int:
    """Position of the tags at the end of the file; the end where there are none."""
    end = window.size
    while (begin := _before_tag(window, end)) < end:
        end = begin
    return end


def _before_tag(window: Window, end: int) -> int:
    """The beginning of the tag that ends here; `end` where none does."""
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
