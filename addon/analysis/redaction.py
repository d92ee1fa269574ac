"""The redaction of one recording: what was found, what is muted, and whether digits may remain.

A redaction is "complete" only where the whole file was heard, everything found in it is muted in
the archived bytes, and nothing more was heard around what was spoken once that was muted. Nothing
found and nothing known are never the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from addon.analysis import muting
from addon.analysis.rendering import Json, explained, pairs
from addon.analysis.timeline import Interval

Kind = Literal[
    "dtmf",
    "spoken_number",
    "card_number",
    "phone_number",
    "social_security_number",
    "iban",
    "security_code",
    "expiry_date",
    "date_of_birth",
    "email_address",
]
Status = Literal["complete", "incomplete", "off"]

KEPT_AS_RECEIVED = (
    "what was found is not muted either, because encoding the file anew would lose that part"
)


@dataclass(frozen=True)
class Found:
    """Finds of one kind, as intervals in seconds; None where nobody listened.

    `wanted` is whether this kind is to be muted. `reason` says why it is not, or why nobody
    listened for it. Of what was spoken, `confidence` is the transcriber's, `heard_again` is whether
    nothing more was heard around it once it was muted, and `doubt` says why not.
    """

    intervals: Sequence[Interval] | None
    wanted: bool
    reason: str | None = None
    confidence: float | None = None
    heard_again: bool | None = None
    doubt: str | None = None


@dataclass(frozen=True)
class Coverage:
    """Counts of the stretches of one kind that were found and that are muted.

    Both are None, with the `reason`, where nobody listened for this kind. The rest is known of what
    was spoken, and as in `Found`.
    """

    found: int | None
    muted: int | None
    reason: str | None = None
    confidence: float | None = None
    heard_again: bool | None = None

    def as_result(self) -> Json:
        """One entry of the `coverage` object."""
        reasons = dict.fromkeys(("found", "muted"), self.reason or "")
        counts = explained({"found": self.found, "muted": self.muted}, reasons)
        further = {"confidence": self.confidence, "heard_again": self.heard_again}
        return counts | {name: value for name, value in further.items() if value is not None}


@dataclass(frozen=True)
class Redaction:
    """Everything that is muted in the archived audio, why, and whether that is all there was.

    `reason` is a sentence beside the status "incomplete", else None. `reasons` are the kinds that
    the muted `intervals` come from.
    """

    status: Status = "off"
    reason: str | None = None
    intervals: Sequence[Interval] = ()
    reasons: Sequence[Kind] = ()
    coverage: Mapping[Kind, Coverage] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        found: Mapping[Kind, Found],
        *,
        gap: str | None,
        reencodes: bool,
        unsure: str | None = None,
    ) -> Redaction:
        """The redaction that is possible, and so to be done, for what was found.

        `unsure` says which words were not heard surely enough to know that nothing was missed.
        `gap` says what of the file was not heard, None where all of it was. With `reencodes` the
        file would be encoded anew to mute anything, which a file with a gap does not survive.
        """
        mutes = gap is None or not reencodes
        muted = {kind: one for kind, one in found.items() if one.wanted and one.intervals and mutes}
        coverage = {kind: _coverage(one, mutes=kind in muted) for kind, one in found.items()}
        status, reason = _judged(found, coverage, gap, unsure)
        return cls(
            status=status,
            reason=reason,
            intervals=muting.widened(at for one in muted.values() for at in one.intervals or ()),
            reasons=list(muted),
            coverage=coverage,
        )

    def within(self, duration: float) -> Redaction:
        """The same, with nothing past the recording's end."""
        clipped = [(start, min(stop, duration)) for start, stop in self.intervals]
        return Redaction(self.status, self.reason, clipped, self.reasons, self.coverage)

    @property
    def warning(self) -> str | None:
        """A sentence for people where digits may remain."""
        if self.status != "incomplete":
            return None
        return f"Digits may remain audible in the archived recording. {self.reason}"

    def as_result(self) -> Json:
        """The `redaction` object."""
        document: Json = {"status": self.status}
        if self.reason is not None:
            document["reason"] = self.reason
        return document | {
            "intervals": pairs(self.intervals),
            "reasons": list(self.reasons),
            "coverage": {kind: one.as_result() for kind, one in self.coverage.items()},
        }


def _coverage(found: Found, *, mutes: bool) -> Coverage:
    if found.intervals is None:
        return Coverage(None, None, found.reason)
    count = len(found.intervals)
    muted = count if mutes else 0
    heard_again = found.heard_again if muted else None
    return Coverage(count, muted, found.reason, found.confidence, heard_again)


def _judged(
    found: Mapping[Kind, Found],
    coverage: Mapping[Kind, Coverage],
    gap: str | None,
    unsure: str | None,
) -> tuple[Status, str | None]:
    """The status, and the reason where something may remain."""
    if not any(one.wanted for one in found.values()):
        return "off", None
    left = [one for one in coverage.values() if one.found != one.muted]
    unheard = [one for one in found.values() if one.wanted and one.intervals is None]
    doubtful = [one.doubt for kind, one in found.items() if coverage[kind].heard_again is False]
    reasons = [one.reason for one in left] + [one.reason for one in unheard] + doubtful + [unsure]
    sentences = list(dict.fromkeys(reason for reason in reasons if reason))
    if gap is not None:
        kept = any(found[kind].wanted and one in left for kind, one in coverage.items())
        sentences.insert(0, f"{gap.rstrip('.')}; {KEPT_AS_RECEIVED}." if kept else gap)
    return ("incomplete", " ".join(sentences)) if sentences else ("complete", None)
