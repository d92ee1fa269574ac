"""What the first bytes are: a recording of some kind, or something else that came in its place.

A server's error page often arrives where audio was expected; it must be named as such and never
be counted as a recording of no length.
"""

from __future__ import annotations

#: Enough for every signature here, an MPEG frame behind some junk, and the frame after it.
HEAD_BYTES = 4096

_MPEG_KBPS = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MPEG2_KBPS = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MPEG_HZ = (44100, 48000, 32000)

_DOCUMENTS = {b"<?xml": "an XML document", b"<!doc": "an HTML page", b"<html": "an HTML page"}


def sniff(head: bytes) -> str | None:
    """The kind of audio that `head` begins, or None where it begins no audio we know of.

    Kinds: wav, flac, ogg, mp3, aiff, au, caf; also mp4, webm and amr, which nothing here decodes.
    """
    if head[:4] in (b"RIFF", b"RF64", b"BW64", b"RIFX") and head[8:12] in (b"WAVE", b""):
        return "wav"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    if head[4:8] == b"ftyp":
        return "mp4"
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            return kind
    return "mp3" if mpeg_start(head) is not None else None


_MAGIC = {
    b"fLaC": "flac",
    b"OggS": "ogg",
    b"ID3": "mp3",
    b".snd": "au",
    b"caff": "caf",
    b"#!AMR": "amr",
    b"\x1aE\xdf\xa3": "webm",
}


def describe(head: bytes) -> str:
    """What a non-recording appears to be, in words, for an error message."""
    if not head:
        return "an empty file"
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:5].lower()
    if start in _DOCUMENTS:
        return _DOCUMENTS[start]
    if start[:1] in (b"{", b"["):
        return "a JSON document"
    if start[:1] == b"<":
        return "a markup document"
    control = sum(byte < 9 or 13 < byte < 32 for byte in head[:256])
    return "text" if not control and b"\xff" not in head[:256] else "data of an unknown kind"


def mpeg_start(head: bytes) -> int | None:
    """Where the first MPEG audio frame starts that another one follows; None if nowhere."""
    head = head[:HEAD_BYTES]
    at = head.find(b"\xff")
    while at != -1:
        length = _mpeg_frame_bytes(head[at : at + 4])
        after = head[at + length : at + length + 4] if length else b""
        if length and (_mpeg_frame_bytes(after) or (len(after) < 4 and at == 0)):
            return at
        at = head.find(b"\xff", at + 1)
    return None


def _mpeg_frame_bytes(header: bytes) -> int:
    """The length of a layer III frame with this four-byte header; 0 if it is none."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return 0
    version, rate, hertz = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or rate in (0, 15) or hertz == 3:
        return 0
    padding = header[2] >> 1 & 1
    if version == 3:
        return 144_000 * _MPEG_KBPS[rate] // _MPEG_HZ[hertz] + padding
    return 72_000 * _MPEG2_KBPS[rate] // (_MPEG_HZ[hertz] >> (2 if version == 0 else 1)) + padding
