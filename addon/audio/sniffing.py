"""The kind of a recording, told by its bytes alone: never by a declared type or a file's name.

A server's error page often arrives where audio was expected. Such documents are told apart from
binary data of an unknown kind, which may be a recording and is kept.
"""

from __future__ import annotations

import re

from addon.audio import adts, mpeg
from addon.audio.tags import tag_length
from addon.audio.wav_chunks import find_riff, is_riff

HEAD_BYTES = 4096
"""Enough for every signature here and to tell a document."""

SEARCH_BYTES = 1 << 18
"""The first MPEG or ADTS frame is searched for so far, behind zeros or rubbish."""

MAX_TAG_BYTES = 1 << 24
"""A longer ID3 tag in front is not waited for: it stands before an MP3, as tags do."""

_MAX_TAGS = 32
"""Tags in front that are looked past: each block that arrives asks again, from the beginning."""

UNKNOWN = "unknown"
"""The kind of bytes that are no document and no audio known here."""

MEDIA_TYPES = {
    "wav": "audio/x-wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "aac": "audio/aac",
    "mp4": "audio/mp4",
    "webm": "audio/webm",
    "aiff": "audio/aiff",
    "au": "audio/basic",
    "amr": "audio/amr",
    "amr-wb": "audio/amr-wb",
    "caf": "audio/x-caf",
    "w64": "audio/x-w64",
    "sphere": "audio/x-nist",
    "opus": "audio/ogg",
}
"""By kind; spec/protocol 6.2 asks for the first two by these names. Older manifests say opus."""

UNKNOWN_TYPE = "application/octet-stream"

_MAGIC = {
    b"fLaC": "flac",
    b"OggS": "ogg",
    b".snd": "au",
    b"caff": "caf",
    b"#!AMR-WB": "amr-wb",
    b"#!AMR": "amr",
    b"\x1aE\xdf\xa3": "webm",
    b"NIST_1A\n": "sphere",
    b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00": "w64",
}

_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"skip", b"free")

#: A header's first three bytes, those of ADTS included; impossible versions and rates are not.
_SYNC = re.compile(rb"(?=\xff[\xe2-\xe7\xf0-\xff][\x00-\xef])", re.DOTALL)

_MARKUP = re.compile(r"\s*(<[a-zA-Z!?/]|[{\[]\s*([\"\d{}\[\]tfn-]|$))")

_FRAMES_IN_A_ROW = 4
"""Consistent headers, each where the one before says: what speech and noise never are by chance."""


def sniff(head: bytes | bytearray) -> str | None:
    """The kind of audio that begins here, a key of MEDIA_TYPES; None for any other bytes.

    `head` has all of `wanted_bytes`, or is the whole file.
    """
    at = _after_tags(head)
    start = bytes(head[at : at + 64])
    if kind := _kind_by_magic(start):
        return kind
    if at and not len(start):
        return "mp3"
    if find_riff(bytes(head[at : at + HEAD_BYTES])) is not None:
        return "wav"
    if frames := _find_frames(bytes(head[at : at + SEARCH_BYTES])):
        return frames[1]
    return "mp3" if at and head[:3] == b"ID3" else None


def wanted_bytes(head: bytes | bytearray) -> int:
    """The number of first bytes that `sniff` needs, given those that are there."""
    at = _after_tags(head)
    if at > MAX_TAG_BYTES:
        return len(head)
    if len(head) < at + 64:
        return at + 64
    if _kind_by_magic(bytes(head[at : at + 64])):
        return at + 64
    if len(head) < at + HEAD_BYTES:
        return at + HEAD_BYTES
    start = bytes(head[at : at + HEAD_BYTES])
    frames = _find_frames(start, only_first=True)
    return at + (HEAD_BYTES if frames or is_document(start) else SEARCH_BYTES)


def media_type(kind: str) -> str:
    """The Content-Type of a kind of audio."""
    return MEDIA_TYPES.get(kind, UNKNOWN_TYPE)


def is_document(head: bytes | bytearray) -> bool:
    """True if these first bytes begin XML, HTML, JSON or other text, in UTF-8 or UTF-16.

    Nothing at all is no document.
    """
    text = _text(bytes(head[:HEAD_BYTES]))
    if not text or sniff_magic(head):
        return False
    if any((ord(one) < 32 and one not in "\t\n\v\f\r") or ord(one) == 127 for one in text[:512]):
        return False
    return _MARKUP.match(text) is not None or _is_prose(text[:512])


def sniff_magic(head: bytes | bytearray) -> str | None:
    """The kind of audio whose signature stands at the very beginning; None for any other."""
    return _kind_by_magic(bytes(head[:64]))


def kind_at(block: bytes) -> str | None:
    """The kind of audio that begins exactly here; unlike `sniff`, nothing is searched for."""
    frames = _find_frames(block, only_first=True)
    return sniff_magic(block) or (frames[1] if frames else None)


def describe(head: bytes | bytearray) -> str:
    """A name for what is no recording, in words, for an error message."""
    if not head:
        return "an empty file"
    if not is_document(head):
        return "data of an unknown kind"
    text = re.sub(r"^(\s*<!--.*?-->)*\s*", "", _text(bytes(head[:HEAD_BYTES])), flags=re.DOTALL)
    start = text[:5].lower()
    if start == "<?xml":
        return "an XML document"
    if start in ("<!doc", "<html"):
        return "an HTML page"
    if start[:1] in ("{", "["):
        return "a JSON document"
    return "a markup document" if start[:1] == "<" else "text"


def _after_tags(head: bytes | bytearray) -> int:
    """The offset behind the first ID3 tags, which may lie behind the end of `head`."""
    at = 0
    for _ in range(_MAX_TAGS):
        if head[at : at + 3] != b"ID3":
            break
        at += tag_length(bytes(head[at : at + 24]))
    return at


def _kind_by_magic(start: bytes) -> str | None:
    if is_riff(start) or (start[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and len(start) < 12):
        return "wav"
    if start[:4] == b"FORM" and start[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    if start[4:8] in _BOXES:
        return "mp4"
    return next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)


def _text(head: bytes) -> str:
    """The bytes as text; empty where they are none. The last character may be cut off."""
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if head.startswith(mark):
            return head[2:].decode(encoding, "ignore")
    wide = (("utf-16-le", head[:1], head[1:4:2]), ("utf-16-be", head[1:2], head[:4:2]))
    for encoding, first, zeros in wide:
        if zeros == b"\0\0" and first in (b"<", b"{", b"["):
            text = head.decode(encoding, "ignore")
            return text if len(text) < 64 or len(set(text[:512])) > 8 else ""
    try:
        return head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        whole = len(head) - error.start < 4 and len(head) == HEAD_BYTES
        if whole or head.lstrip()[:1] in (b"<", b"{", b"["):
            return head.decode("utf-8-sig", "ignore")
        return ""


def _is_prose(start: str) -> bool:
    """True if text without markup was written to be read."""
    if sum(one.isascii() for one in start) < 0.6 * len(start):
        return False
    return len(start) < 64 or (len(set(start)) > 8 and any(map(str.isspace, start)))


def _find_frames(data: bytes, *, only_first: bool = False) -> tuple[int, str] | None:
    """The position of the first of several frames in a row, and their kind: mp3 or aac."""
    for match in _SYNC.finditer(data):
        at = match.start()
        if only_first and at:
            return None
        if _count_frames(data, at) >= _FRAMES_IN_A_ROW:
            return at, "aac" if data[at + 1] & 6 == 0 else "mp3"
    return None


def _count_frames(data: bytes, at: int) -> int:
    """Consistent frames in a row from here.

    Fewer are enough where the row ends with the data, or where it begins with it: a short file may
    hold two frames and a tag.
    """
    first, count, begin = data[at : at + 4], 0, at
    while count < _FRAMES_IN_A_ROW:
        head = data[at : at + 7]
        header = mpeg.parse(head[:4]) or adts.parse(head)
        if not header or head[1] & 0xFE != first[1] & 0xFE or (head[2] ^ first[2]) & 0x0C:
            return _FRAMES_IN_A_ROW if begin == 0 and count >= 2 else count
        count += 1
        at += header.length
        if at >= len(data) - 3:
            enough = count >= 3 or (begin == 0 and count >= 1)
            return _FRAMES_IN_A_ROW if enough else count
    return count
