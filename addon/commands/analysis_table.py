"""The figures of one recording as a table for a person; the command's JSON has them all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]

_LABEL, _COLUMN = 24, 20

_PARTY_ROWS: tuple[tuple[str, Callable[[Json], str]], ...] = (
    ("talks", lambda party: _share(party["talk_seconds"], party["talk_percent"])),
    ("turns", lambda party: _number(party["turns"])),
    ("longest monologue", lambda party: _seconds(party["longest_monologue_seconds"])),
    ("interruptions", lambda party: _number((party["interruptions"] or {}).get("count"))),
    (
        "answers after",
        lambda party: _seconds((party["response_latency_seconds"] or {}).get("median")),
    ),
    ("speech level", lambda party: _decibels(party["level"]["speech_dbfs"])),
    ("noise level", lambda party: _decibels(party["level"]["noise_dbfs"])),
    ("keys pressed", lambda party: _number(party["dtmf"]["count"])),
)


def table(name: str, document: Json) -> str:
    """The `result` object of the recording `name` in some twenty lines."""
    audio = document["audio"]
    lines = [
        f"{name}: {_clock(audio['duration_seconds'])}, {audio['format']} ({audio['codec']}), "
        f"{audio['sample_rate_hz']} Hz",
        _row("", (party["role"] for party in document["participants"])),
    ]
    for label, figure in _PARTY_ROWS:
        lines.append(_row(label, (figure(party) for party in document["participants"])))
    lines.append("")
    lines += [_row(label, [fact]) for label, fact in _facts(document)]
    lines += [_row("rule", [_category(each)]) for each in document.get("categories") or ()]
    lines += _words(document)
    return "\n".join(lines) + "\n"


def _facts(document: Json) -> Iterator[tuple[str, str]]:
    talk = document["conversation"]
    yield "silence", _share(talk["silence_seconds"], talk["silence_percent"])
    yield "longest silence", _seconds(talk["longest_silence_seconds"])
    if talk["crosstalk_seconds"] is not None:
        yield "both at once", _share(talk["crosstalk_seconds"], talk["crosstalk_percent"])
    yield "hold", _seconds(talk["hold"]["total_seconds"])
    yield "redaction", _redaction(document["redaction"])
    if document["flags"]:
        yield "flags", ", ".join(document["flags"])
    for warning in document["warnings"]:
        yield "warning", warning


def _category(category: Json) -> str:
    """A rule's finding: who said it and when, or that it is missing or unknown."""
    if category["status"] != "found":
        return f"{category['title']}: {category['status']} ({category['party']})"
    places = ", ".join(_clock(start) for start, _ in category["intervals"])
    return f"{category['title']}: {category['party']} at {places}"


def _words(document: Json) -> list[str]:
    """The transcript, a sentence a line; or the reason why there is none."""
    if "transcript" not in document:
        return []
    transcript = document["transcript"]
    if transcript is None:
        return [_row("transcript", [f"none. {document.get('transcript_reason', '')}"])]
    lines = [
        _row("transcript", [f"{len(transcript['sentences'])} sentences, {transcript['engine']}"])
    ]
    for one in transcript["sentences"]:
        lines.append(f"  {_clock(one['start_seconds']):<10}{one['role']:<10}{one['transcript']}")
    return lines


def _redaction(redaction: Json) -> str:
    """The status, what is muted, and how much of what was found that is."""
    muted = sum(stop - start for start, stop in redaction["intervals"])
    words = [redaction["status"]]
    if muted:
        words.append(f"{muted:.1f} s muted ({', '.join(redaction['reasons'])})")
    words += [
        f"{one['muted']} of {one['found']} muted ({kind})"
        for kind, one in redaction["coverage"].items()
        if one["found"] != one["muted"]
    ]
    return ", ".join(words)


def _row(label: str, cells: Any) -> str:
    return f"  {label:<{_LABEL}}{''.join(f'{cell:<{_COLUMN}}' for cell in cells)}".rstrip()


def _share(seconds: float, percent: float) -> str:
    return f"{seconds:.1f} s ({percent:.1f} %)"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} s"


def _decibels(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} dBFS"


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"
