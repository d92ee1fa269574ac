"""Facts of the call that a recording is of: parties, direction, agent, queue, outcome and times.

They lie under `call` in the stored analysis, which is signed and encrypted, and go when it goes.
Numbers and names are personal: they belong into no log, no key, no job's arguments and nothing
else that is stored. Each of NAMES is there, and a null has `<name>_reason` beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from addon.setting_types import CALL_FACTS

NAMES = CALL_FACTS

Facts = dict[str, Any]
"""The document: each of NAMES, and `<name>_reason` for each that is null. Texts, but for
`duration_seconds`; `started_at` is in ISO 8601, UTC."""

NOT_ASKED = "Not asked when the recording was archived."
NOT_KEPT = "CALL_FACTS leaves it out."
NOT_SAID = "The source does not say."
WITHHELD = "The caller withholds the number."

MAX_LENGTH = 128
"""The longest name or address that is kept; a worker's name in Twilio is shorter."""

_ANONYMOUS = re.compile(
    r"anonymous|restricted|unavailable|unknown|blocked|private|withheld"
    r"|\+?(?:266696687|7378742833|86282452253|2562533|8656696|8566|464)"
)
"""Names of a withheld number, and the numbers that Twilio spells some of them with."""

_SIP = re.compile(r"<?(sips?:[^;?>\s]+)")
_NUMBER = re.compile(r"\+?[0-9]{2,20}")
_TASK_SID = re.compile(r"WT[0-9a-f]{32}")


@dataclass(frozen=True)
class Absent:
    """A fact that a source cannot give, and why: a sentence."""

    reason: str


def facts_of(document: Mapping[str, Any] | None, reason: str = NOT_ASKED) -> Facts:
    """The facts in a stored analysis; where it has none, each is null for this reason.

    What another release wrote is read as far as it is understood.
    """
    call = (document or {}).get("call")
    if not isinstance(call, Mapping):
        call = {f"{name}_reason": reason for name in NAMES}
    facts: Facts = {}
    for name in NAMES:
        value = call.get(name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number if name == "duration_seconds" else isinstance(value, str):
            facts[name] = value
        else:
            facts.update(_null(name, str(call.get(f"{name}_reason") or NOT_ASKED)))
    return facts


def gathered(kept: Collection[str], *sources: Mapping[str, object]) -> Facts:
    """The facts out of what sources say, the most trusted first; those not `kept` are left out.

    A source has raw values under NAMES. Any other type or form than a fact's counts as not said.
    """
    facts: Facts = {}
    for name in NAMES:
        if name not in kept:
            facts.update(_null(name, NOT_KEPT))
            continue
        read = [READERS[name](source[name]) for source in sources if name in source]
        said = next((each for each in read if isinstance(each, str | float)), None)
        reasons = dict.fromkeys(each.reason for each in read if isinstance(each, Absent))
        facts.update(_null(name, " ".join(reasons) or NOT_SAID) if said is None else {name: said})
    return facts


def source_of(facts: Mapping[str, Any]) -> dict[str, object]:
    """Facts that were gathered before, as a source."""
    return {
        name: Absent(str(facts.get(f"{name}_reason") or NOT_SAID)) if value is None else value
        for name, value in ((name, facts.get(name)) for name in NAMES)
    }


def all_absent(reason: str, *names: str) -> dict[str, Absent]:
    """A source that gives none of these names, or none at all, for one reason."""
    return dict.fromkeys(names or NAMES, Absent(reason))


def party(value: object) -> str | Absent | None:
    """A telephone number without blanks, or an address as `client:alice` or `sip:alice@host`.

    A number of which a form made the plus a blank gets it back.
    """
    if not isinstance(value, str):
        return value if isinstance(value, Absent) else None
    text = value.strip()
    if _ANONYMOUS.fullmatch(text.lower()):
        return Absent(WITHHELD)
    sip = _SIP.match(text)
    if sip:
        user = sip[1].partition(":")[2].partition("@")[0]
        return Absent(WITHHELD) if _ANONYMOUS.fullmatch(user.lower()) else sip[1][:MAX_LENGTH]
    if text.startswith("client:"):
        return named(text)
    number = re.sub(r"[\s().\-/]", "", text)
    if not _NUMBER.fullmatch(number):
        return None
    lost_plus = value[:1] == " " and len(number) >= 8 and number[0] not in "+0"
    return f"+{number}" if lost_plus else number


def direction(value: object) -> str | Absent | None:
    """inbound or outbound, out of a source's word such as `outbound-dial` or `Inbound`."""
    if not isinstance(value, str):
        return value if isinstance(value, Absent) else None
    word = value.strip().lower()
    return next((each for each in ("inbound", "outbound") if word.startswith(each)), None)


def named(value: object) -> str | Absent | None:
    """A name on one line and of a sensible length, without what cannot be printed."""
    if not isinstance(value, str):
        return value if isinstance(value, Absent) else None
    printable = "".join(letter if letter.isprintable() else " " for letter in value)
    return " ".join(printable.split())[:MAX_LENGTH] or None


def task_sid(value: object) -> str | Absent | None:
    """The SID of a Flex task."""
    if isinstance(value, str) and _TASK_SID.fullmatch(value):
        return value
    return value if isinstance(value, Absent) else None


def moment(value: object) -> str | Absent | None:
    """A time with its zone, or a text of one in ISO 8601, as the latter and in UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat(timespec="milliseconds")
    return value if isinstance(value, Absent) else None


def seconds(value: object) -> float | Absent | None:
    """A length that is not negative, from a number or a text of one."""
    if isinstance(value, Absent):
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return round(number, 3) if isfinite(number) and number >= 0 else None


READERS: Mapping[str, Callable[[object], str | float | Absent | None]] = {
    "from": party,
    "to": party,
    "direction": direction,
    "agent": named,
    "queue": named,
    "outcome": named,
    "task_sid": task_sid,
    "started_at": moment,
    "duration_seconds": seconds,
}
"""The reader of each fact: its value out of a raw one, None where that is of no known form."""


def _null(name: str, reason: str) -> Facts:
    return {name: None, f"{name}_reason": reason}
