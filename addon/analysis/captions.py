"""A transcript for other programs: WebVTT, SubRip and plain text, of the result's `transcript`.

They are written from what the result says, masks and all, so that none of them can say more.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

CaptionFormat = Literal["vtt", "srt", "txt"]

MEDIA_TYPES: Mapping[CaptionFormat, str] = {
    "vtt": "text/vtt",
    "srt": "application/x-subrip",
    "txt": "text/plain",
}
#: A cue that is shown for less cannot be read.
SHORTEST_MS = 500


@dataclass(frozen=True)
class Cue:
    """One sentence of one party: times in milliseconds, text in one line."""

    start: int
    stop: int
    party: str
    text: str


def captions(transcript: Mapping[str, Any], form: CaptionFormat) -> str:
    """The transcript as a file of this format."""
    return _WRITERS[form](_cues(transcript))


def _cues(transcript: Mapping[str, Any]) -> Iterator[Cue]:
    for sentence in transcript["sentences"]:
        start, stop = (round(1000 * sentence[f"{edge}_seconds"]) for edge in ("start", "end"))
        text = " ".join(sentence["transcript"].split())
        yield Cue(start, max(stop, start + SHORTEST_MS), sentence["role"].capitalize(), text)


def _vtt(cues: Iterator[Cue]) -> str:
    """WebVTT with a voice for each party (W3C WebVTT 4.2). `>` is escaped: no text ends its cue."""
    blocks = [
        f"{_clock(cue.start, '.')} --> {_clock(cue.stop, '.')}\n"
        f"<v {cue.party}>{html.escape(cue.text, quote=False)}</v>\n"
        for cue in cues
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def _srt(cues: Iterator[Cue]) -> str:
    blocks = [
        f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.stop, ',')}\n"
        f"{cue.party}: {cue.text.replace('-->', '->')}\n"
        for number, cue in enumerate(cues, 1)
    ]
    return "\n".join(blocks)


def _txt(cues: Iterator[Cue]) -> str:
    return "".join(f"[{_clock(cue.start, '.')}] {cue.party}: {cue.text}\n" for cue in cues)


def _clock(milliseconds: int, point: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{point}{rest:03d}"


_WRITERS = {"vtt": _vtt, "srt": _srt, "txt": _txt}
