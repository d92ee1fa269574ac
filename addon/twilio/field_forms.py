"""Forms of an invocation's fields, and a search for fields that hide in the text of others.

A signature covers names and values without anything between them (spec/protocol 3.1), so whoever
has one can move the boundaries: `duration=4, ttl=600` and `duration=4ttl600` are signed alike. A
value must therefore have its field's form, and no other field may be read across a boundary.
Decision 0308 has the limits of this.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from addon.errors import InputMalformed, OutboundRefused
from addon.outbound.origins import split
from addon.twilio.moments import parse_moment, parse_number
from addon.twilio.names import AUDIO, FIELD_MEANINGS, GUESSED_DATES, normalised

NUMBERS = frozenset({"size", "duration", "channels", "sample_size", "sample_rate"})
"""Meanings whose value is a number. They are hints: text that no number begins is left aside."""

HINTS = NUMBERS | {"format", "usage_key"}
"""Meanings that decide nothing: a customer's own text may hold their names with a number behind."""

URLS = frozenset({"audio_url", "callback"})

AGES = frozenset({"invoked_at", "ttl"})
"""Meanings that end a request's life: without them it could be sent again for ever."""

MAX_SEARCHED = 64 * 1024
"""Characters; a genuine request has a few hundred, and only a signed text is searched."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\[\]-]{0,99}", re.ASCII)

_ANNOUNCED = re.compile(r"[?&]bodySHA256=[^&]")

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?(?![0-9.])", re.ASCII)
_URL = re.compile(r"https?://[!-~]+", re.ASCII)
_SID = re.compile(r"[A-Z]{2}[0-9a-fA-F]{32}", re.ASCII)
_MOMENT = re.compile(
    r"(?:[0-9]{4}-?[0-9]{2}-?[0-9]{2}|[0-9]{10}|[A-Z][a-z]{2}, ?[0-9])[ -~]*", re.ASCII
)
_MIME = re.compile(r"[a-z]+/[A-Za-z0-9][A-Za-z0-9.+-]*", re.ASCII)

_FORMS = {
    **dict.fromkeys(NUMBERS | {"ttl"}, _NUMBER),
    **dict.fromkeys(URLS, _URL),
    **dict.fromkeys(("recording_sid", "call_sid", "request_sid"), _SID),
    "invoked_at": _MOMENT,
    "format": _MIME,
    "usage_key": re.compile(r"RECORDING_[A-Z]+", re.ASCII),
}
"""How the value of a hidden field would begin, by meaning."""


@dataclass(frozen=True)
class Spelling:
    """A field's name as a pattern, and the form of its value.

    `key` is the name in small letters without hyphens and underscores: where a text so written
    does not hold it, the pattern finds nothing. `hint` says that the value decides nothing, and
    `ages` that it ends the request's life.
    """

    key: str
    name: re.Pattern[str]
    value: re.Pattern[str]
    is_url: bool = False
    hint: bool = False
    ages: bool = False


def _spelt(name: str) -> re.Pattern[str]:
    """A normalised name in any case, with hyphens and underscores anywhere."""
    return re.compile("[-_]?".join(map(re.escape, name)), re.IGNORECASE | re.ASCII)


INVOCATION = [
    *(
        Spelling(
            name,
            _spelt(name),
            _FORMS[meaning],
            is_url=meaning in URLS,
            hint=meaning in HINTS,
            ages=meaning in AGES,
        )
        for name, meaning in FIELD_MEANINGS.items()
        if meaning != AUDIO
    ),
    *(Spelling(name, _spelt(name), _MOMENT) for name in GUESSED_DATES),
]
"""The fields of an invocation."""

STATUS_CALLBACK = [
    Spelling(
        name.lower(),
        re.compile(name),
        re.compile(value, re.ASCII | re.DOTALL),
        is_url=name.endswith("Url"),
    )
    for name, value in {
        "AccountSid": _SID.pattern,
        "CallSid": _SID.pattern,
        "ConferenceSid": _SID.pattern,
        "EncryptionDetails": r"\{.*\}",
        "ErrorCode": "[0-9]+",
        "RecordingChannels": "[0-9]",
        "RecordingDuration": "[0-9]+",
        "RecordingSid": _SID.pattern,
        "RecordingSource": "(?:Dial|Conf|Outbound|Trunk|Record|StartC)[A-Za-z]+",
        "RecordingStartTime": _MOMENT.pattern,
        "RecordingStatus": "[a-z][a-z-]+",
        "RecordingTrack": "(?:inbound|outbound|both)",
        "RecordingUrl": _URL.pattern,
    }.items()
]
"""The fields of a recording's status callback (spec/protocol 4.1)."""


def check_values(known: Mapping[str, str]) -> None:
    """Raises InputMalformed for a value without the form of its meaning."""
    for meaning, value in known.items():
        if meaning in URLS and value:
            try:
                split(value)
            except OutboundRefused:
                raise InputMalformed(f"the field for {meaning} is no http or https URL") from None
        elif meaning in NUMBERS and value[:1].isdigit() and parse_number(value) is None:
            raise InputMalformed(f"the field for {meaning} begins as a number and is none")
        elif meaning == "ttl" and value and parse_number(value) is None:
            raise InputMalformed("the time to live cannot be read")
        elif meaning == "invoked_at" and value and parse_moment(value) is None:
            raise InputMalformed("the invocation date cannot be read")


def check_boundaries(
    url: str, fields: Iterable[tuple[str, str]], spellings: Iterable[Spelling]
) -> None:
    """Raises InputMalformed for a signed form whose text may have been split otherwise.

    `url` is the signed URL and `fields` are those that are signed with it, unstripped. A field may
    hide in the URL's query too.
    """
    pairs = sorted(set(fields))
    if any(not _NAME.fullmatch(name) for name, _ in pairs):
        raise InputMalformed("a field's name has letters that no field's name has")
    signed = _Text([("", url.partition("?")[2]), *pairs], spellings)
    if "bodySHA256=" in signed.text and not _ANNOUNCED.search(url):
        raise InputMalformed("the hash of another body is hidden in the signed text")
    if len(signed.text) <= MAX_SEARCHED and signed.hides_a_field():
        raise InputMalformed("one field's text may hide another field")


class _Text:
    """The signed text of a form, with the fields that it was sent as."""

    def __init__(self, pairs: list[tuple[str, str]], spellings: Iterable[Spelling]) -> None:
        self.text = "".join(name + value for name, value in pairs)
        folded = normalised(self.text)
        self.spellings = [each for each in spellings if each.key in folded]
        self.fields: list[_Field] = []
        at = 0
        for name, value in pairs:
            own = next((each for each in self.spellings if each.name.fullmatch(name)), None)
            self.fields.append(_Field(name, at, at + len(name) + len(value), own))
            at += len(name) + len(value)

    def hides_a_field(self) -> bool:
        """True where a name that has a meaning stands at no boundary, before a value of its form.

        Fields are signed in the order of their names, so a name out of order is none.
        """
        return any(
            self._is_hidden(spelling, match.start(), match.end())
            for spelling in self.spellings
            for match in spelling.name.finditer(self.text)
        )

    def _is_hidden(self, spelling: Spelling, start: int, end: int) -> bool:
        field = next(field for field in self.fields if start < field.end)
        if not _may_hide(field, spelling, start, end):
            return False
        known = [each for each in self.fields if each.spelling]
        before = max((each.name for each in known if each.start < start), default="")
        after = min((each for each in known if each.start > start), default=None, key=_start)
        if not before < self.text[start:end] or (after and self.text[start:end] >= after.name):
            return False
        found = spelling.value.match(self.text, end, after.start if after else len(self.text))
        if found is None:
            return False
        in_url = field.spelling is not None and field.spelling.is_url
        return not in_url or found.end() in set(self._ends(start))

    def _ends(self, start: int) -> Iterator[int]:
        """The places where a value behind `start` may end: at a field, or at another name.

        In a URL, which may hold anything, a value must end there.
        """
        yield from (field.start for field in self.fields if field.start > start)
        yield len(self.text)
        for spelling in self.spellings:
            yield from (match.start() for match in spelling.name.finditer(self.text, start + 1))


@dataclass(frozen=True)
class _Field:
    """A field as it was sent, with its place in the text."""

    name: str
    start: int
    end: int
    spelling: Spelling | None

    @property
    def value_start(self) -> int:
        return self.start + len(self.name)


def _start(field: _Field) -> int:
    return field.start


def _may_hide(field: _Field, spelling: Spelling, start: int, end: int) -> bool:
    """False for a name that is its field's own, or a part of a longer one.

    A field of the customer's may be called `call_duration`, and hold what it likes of hints.
    """
    if end > field.value_start:
        return field.spelling is not None or not spelling.hint
    return field.spelling is None and (start == field.start or spelling.ages)
