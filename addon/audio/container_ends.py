"""The end of a container by its own structure, and whether anything that may be audio lies behind.

FFmpeg's demuxers stop at that end and say nothing of the bytes behind it.
"""

from __future__ import annotations

from collections.abc import Callable

from addon.audio.packets import Fault, Window
from addon.audio.tags import audio_end

_LEAST_BYTES = 32
"""Fewer bytes behind the end hold no key tone in any codec that is read."""

_ZEROS_READ = 1 << 16

_SIGNATURES = {
    "mp4": (4, b"ftyp"),
    "webm": (0, b"\x1aE\xdf\xa3"),
    "aiff": (0, b"FORM"),
    "caf": (0, b"caff"),
    "au": (0, b".snd"),
    "w64": (0, b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb"),
}
"""Where a file of a kind has its signature: a second one behind the audio is a second recording."""

_BOXES = frozenset(
    {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"moof", b"mfra", b"sidx", b"ssix"}
    | {b"styp", b"emsg", b"uuid", b"meta", b"pnot", b"udta", b"prft", b"PICT", b"pdin", b"bloc"}
)
"""The boxes on the first level of an MP4 file (ISO 14496-12 and QuickTime)."""

_SEGMENT, _CLUSTER = b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75"
_ELEMENTS = frozenset(
    {b"\x1a\x45\xdf\xa3", b"\x11\x4d\x9b\x74", b"\x15\x49\xa9\x66", b"\x16\x54\xae\x6b"}
    | {b"\x1c\x53\xbb\x6b", b"\x19\x41\xa4\x69", b"\x10\x43\xa7\x70", b"\x12\x54\xc3\x67"}
    | {b"\xec", b"\xbf", b"\xe7", b"\xa3", b"\xa0", b"\xab", b"\xa7", b"\xaf", b"\x58\x54"}
)
"""The elements of WebM's first level, of a segment and of a cluster (RFC 9559)."""

_CAF_CHUNKS = frozenset(
    {b"desc", b"data", b"pakt", b"chan", b"info", b"free", b"uuid", b"kuki", b"strg", b"mark"}
    | {b"regn", b"umid", b"ovvw", b"peak", b"midi", b"inst", b"edct", b"cues", b"ldat"}
)

_W64_SUFFIXES = (
    b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a",
    b"\x2f\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00",
    b"\x2d\x39\xd2\x11\x86\xc7\x00\xc0\x4f\x8e\xdb\x8a",
)
"""The last bytes of the names of W64's chunks: samples and the like, lists, markers."""


def left_over(window: Window, kind: str) -> Fault | None:
    """The fault of a file that goes on behind its own end; None where it does not."""
    offset, signature = _SIGNATURES.get(kind, (0, b""))
    if (signature and window.find(signature, offset + 1) >= 0) or _holds_wav(window):
        return Fault("damaged", "Another recording follows in the file, and is not read.")
    end = _ENDS[kind](window) if kind in _ENDS else window.size
    left = window.cut(max(audio_end(window), min(end, window.size))).size - end
    if left < _LEAST_BYTES or not _has_content(window, end):
        return None
    return Fault("damaged", f"{left} bytes behind the file's own end were not read.")


def _holds_wav(window: Window) -> bool:
    at = window.find(b"RIFF", 0)
    while at >= 0 and window.read(at + 8, 4) != b"WAVE":
        at = window.find(b"RIFF", at + 1)
    return at >= 0


def _has_content(window: Window, start: int) -> bool:
    steps = range(start, window.size, _ZEROS_READ)
    return any(window.read(at, _ZEROS_READ).strip(b"\0") for at in steps)


def _chunks_end(window: Window, at: int, length: Callable[[bytes], int | None]) -> int:
    """The end of a row of chunks, each with a length that its first 24 bytes tell.

    `length` gives 0 for a chunk that reaches to the end of the file, None for what is no chunk.
    """
    while at < window.size:
        count = length(window.read(at, 24))
        if count is None:
            return at
        at = at + count if count else window.size
    return at


def _mp4_end(window: Window) -> int:
    def length(head: bytes) -> int | None:
        if head[4:8] not in _BOXES:
            return None
        size = int.from_bytes(head[:4], "big")
        size = int.from_bytes(head[8:16], "big") or 1 if size == 1 else size
        return None if 0 < size < 8 else size

    return _chunks_end(window, 0, length)


def _webm_end(window: Window) -> int:
    """Enters what has no length of its own, and the segment; all else is passed over."""
    at = 0
    while at < window.size:
        head = window.read(at, 12)
        width = 9 - head[0].bit_length()
        name, rest = head[:width], head[width:]
        sizes = 9 - rest[0].bit_length() if rest else 9
        if sizes > 8 or len(rest) < sizes:
            return window.size if at + 12 > window.size else at
        length = int.from_bytes(rest[:sizes], "big") & (1 << 7 * sizes) - 1
        unknown = length == (1 << 7 * sizes) - 1
        at_content = at + width + sizes
        if name == _SEGMENT or (name == _CLUSTER and unknown):
            at = at_content
        elif (name == _CLUSTER or name in _ELEMENTS) and not unknown:
            at = at_content + length
        else:
            return at
    return at


def _aiff_end(window: Window) -> int:
    length = int.from_bytes(window.read(4, 4), "big")
    return 8 + length + length % 2 if length else window.size


def _caf_end(window: Window) -> int:
    def length(head: bytes) -> int | None:
        size = int.from_bytes(head[4:12], "big", signed=True)
        return None if head[:4] not in _CAF_CHUNKS else 0 if size < 0 else 12 + size

    return _chunks_end(window, 8, length)


def _w64_end(window: Window) -> int:
    def length(head: bytes) -> int | None:
        size = int.from_bytes(head[16:], "little")
        return None if head[4:16] not in _W64_SUFFIXES or size < 24 else -(-size // 8) * 8

    return _chunks_end(window, 40, length)


_ENDS: dict[str, Callable[[Window], int]] = {
    "mp4": _mp4_end,
    "webm": _webm_end,
    "aiff": _aiff_end,
    "caf": _caf_end,
    "w64": _w64_end,
}
