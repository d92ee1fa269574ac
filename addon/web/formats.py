"""Template filters that write numbers, times and names for people; times in UTC, or in a zone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from addon.analysis.rules import RULE_FLAG

FLAGS = {
    "no_speech": ("No speech", "Nobody speaks in this recording."),
    "one_sided": ("One-sided", "One party hardly says anything."),
    "silent_channel": ("Silent channel", "One channel carries no sound."),
    "identical_channels": ("Identical channels", "Both channels carry the same sound."),
    "clipped": ("Clipped", "The sound is louder than its format can hold."),
    "low_snr": ("Noisy", "Speech stands out little from the noise."),
    "background_voices": ("Voices behind", "Other people talk in the room of a party."),
    "truncated": ("Cut short", "The file ends before its header says."),
    "damaged": ("Damaged", "Parts of the file could not be read."),
}
"""Name and explanation of each flag of the result, for people."""

SHORT_SID = 4
"""Characters shown at either end of a SID: enough to tell the rows of a page apart."""


def clock(seconds: float | None) -> str:
    """83.4 as 1:23, 3723 as 1:02:03."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def spoken(seconds: float | None) -> str:
    """83.4 as "1 min 23 s", for people and screen readers; short ones with a decimal."""
    if seconds is None:
        return "unknown"
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (rest, "s")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def seconds(value: float) -> str:
    """A time as an address has it behind `#t=`: 192 or 43.2, never behind the moment itself."""
    return f"{int(value * 10) / 10:g}"


def percent(value: float | None) -> str:
    """A share without decimals."""
    return "–" if value is None else f"{value:.0f} %"


def day(at: datetime, zone: tzinfo = UTC) -> str:
    """As a heading has it."""
    at = at.astimezone(zone)
    return f"{at:%A} {at.day} {at:%B %Y}"


def short_day(on: date) -> str:
    """A day as an axis or a narrow cell has it."""
    return f"{on:%a} {on.day} {on:%b}"


def minute(at: datetime, zone: tzinfo = UTC) -> str:
    """The time of day."""
    return f"{at.astimezone(zone):%H:%M}"


def iso(at: datetime) -> str:
    """For `<time datetime>`."""
    return at.astimezone(UTC).isoformat(timespec="seconds")


def short(sid: str) -> str:
    """A SID without its middle."""
    return sid if len(sid) <= 14 else f"{sid[: SHORT_SID + 2]}…{sid[-SHORT_SID:]}"


def size(count: int) -> str:
    """Bytes, in the unit that reads best."""
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def hertz(rate: int) -> str:
    """A sample rate in kHz, without needless decimals."""
    return f"{rate / 1000:g} kHz"


def sentence(text: str) -> str:
    """A text with a large first letter; the others stay as they are."""
    return text[:1].upper() + text[1:]


def flag_name(flag: str) -> str:
    """A flag's name for people."""
    word = flag.removeprefix(RULE_FLAG)
    return FLAGS.get(flag, (word.replace("_", " ").capitalize(), ""))[0]


def flag_text(flag: str) -> str:
    """A sentence about a flag."""
    unknown = "A rule of this install raises it." if flag.startswith(RULE_FLAG) else ""
    return FLAGS.get(flag, ("", unknown))[1]


REDACTIONS = {
    "complete": "All that were found are muted",
    "incomplete": "Some may remain audible",
    "off": "Not muted: this was switched off",
}


def redaction(status: str | None) -> str:
    """A manifest's redaction status as a sentence for people."""
    return REDACTIONS.get(status or "", "Not known whether they are muted")


def moment(when: datetime | str) -> str:
    """A time, or the ISO text of one in the access log, as a person reads it."""
    at = (datetime.fromisoformat(when) if isinstance(when, str) else when).astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


FILTERS: dict[str, Callable[..., Any]] = {
    one.__name__: one
    for one in (
        *(clock, spoken, seconds, percent, day, short_day, minute, iso, short, size, hertz),
        *(sentence, flag_name, flag_text, redaction, moment),
    )
}
"""By the name that templates use."""
