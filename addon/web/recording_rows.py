"""Rows of the list of recordings: a few figures of each, out of its manifest and its analysis.

Both are verified and decrypted for it; the figures are kept in this process's memory, because an
archived recording does not change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, datetime, tzinfo
from typing import Any

from addon.archive.archive import Archive
from addon.archive.manifest import Manifest
from addon.archive.names import Entry, Unreadable, files
from addon.bounded_cache import BoundedCache
from addon.call_facts import facts_of
from addon.catalogue.row import figures_of
from addon.errors import KeyMissing, NotStored, Tampered, UnreadableDocument

AT_ONCE = 8
"""Recordings opened at the same time: a bucket answers in tens of milliseconds, a page has many."""

MAX_KEPT = 2000
"""Rows kept in memory: under a kilobyte each."""

NO_REASON = "it was archived as it came"
"""Where no stored analysis says why there is none."""

LABELS = {
    "agent": "Agent alone",
    "both": "Both at once",
    "customer": "Customer alone",
    "mixed": "Speech",
    "silence": "Silence",
}


@dataclass(frozen=True)
class TalkShare:
    """One stretch of a talk bar, in percent of the recording.

    Stretches do not overlap: time that both spoke is one of its own. `share` is the width in whole
    percent, rounded so that those of a bar add up to 100.
    """

    kind: str
    start: float
    width: float
    share: int

    @property
    def label(self) -> str:
        """The party of this stretch."""
        return LABELS[self.kind]


@dataclass(frozen=True)
class RecordingRow:
    """One line of the list. `trouble` says why its figures cannot be shown.

    `figures` are those of `list_measures`, None where they are not known; `call` the facts of the
    call (`addon/call_facts.py`): personal, for those who may open the recording.
    """

    recording_id: str
    tenant: str
    at: datetime
    duration: float | None = None
    call_sid: str | None = None
    format: str = ""
    redacted: bool = False
    redaction: str | None = None
    flags: tuple[str, ...] = ()
    bar: tuple[TalkShare, ...] = ()
    figures: Mapping[str, float | None] = field(default_factory=dict)
    call: Mapping[str, Any] = field(default_factory=dict)
    trouble: str | None = None

    def day(self, zone: tzinfo) -> date:
        """The day of this zone that the list shows it under."""
        return self.at.astimezone(zone).date()

    def figure(self, name: str) -> float | None:
        """A figure; None where it is not known."""
        return self.duration if name == "duration_seconds" else self.figures.get(name)


class RecordingRows:
    """Rows of recordings, made in parallel and remembered."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._kept: BoundedCache[tuple[str, str, datetime, int], RecordingRow] = BoundedCache(
            MAX_KEPT
        )

    def of(self, entries: Sequence[Entry]) -> list[RecordingRow]:
        """The rows of these entries; one that was erased meanwhile is left out, and so is an
        entry that its recording's manifest does not explain.

        Raises StoreUnavailable.
        """
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = pool.map(self._row, entries)
            return [row for row in found if row is not None]

    def _row(self, entry: Entry) -> RecordingRow | None:
        manifest = self._archive.examined(entry)
        if manifest is None:
            return None
        if isinstance(manifest, Unreadable):
            return self._unreadable(manifest)
        key = (entry.tenant, entry.recording_id, manifest.written_at, manifest.generation)
        row = self._kept.get(key) or self._made(manifest)
        if row.trouble is None:  # else it is looked at again: trouble may be mended
            self._kept.put(key, row)
        return row

    def _unreadable(self, found: Unreadable) -> RecordingRow | None:
        """A recording of which nothing can be believed but that something lies there."""
        entry = found.entry
        stat = self._archive.store.stat(files(entry.tenant, entry.recording_id).manifest)
        if stat is None:
            return None
        return RecordingRow(entry.recording_id, entry.tenant, stat.modified, trouble=found.trouble)

    def _made(self, manifest: Manifest) -> RecordingRow:
        facts = manifest.facts
        row = RecordingRow(
            recording_id=manifest.recording_id,
            tenant=manifest.tenant,
            at=manifest.at,
            duration=facts.duration_seconds,
            call_sid=facts.call_sid,
            format=facts.format,
            redacted=facts.redacted,
            redaction=facts.redaction,
        )
        try:
            document = self._archive.analysis(manifest.tenant, manifest.recording_id)
        except NotStored:
            document = {"result": None}
        except KeyMissing:
            return replace(row, trouble="no key to read it")
        except (Tampered, UnreadableDocument) as error:
            return replace(row, trouble=f"its analysis cannot be read: {error.message}")
        row = replace(row, call=facts_of(document))
        result = document["result"]
        if result is None:
            return replace(row, trouble=f"not analysed: {document.get('message') or NO_REASON}")
        try:
            return replace(
                row,
                flags=tuple(result["flags"]),
                bar=talk_bar(result),
                figures=figures_of(manifest, result),
            )
        except (KeyError, TypeError):  # of another release
            return replace(row, trouble="its analysis has not the figures that are shown here")


def talk_bar(result: Mapping[str, Any]) -> tuple[TalkShare, ...]:
    """Stretches of a call: agent alone, both at once, customer alone, nobody; widths add up to
    100. Nobody's are left out."""
    widths = [(kind, width) for kind, width in _widths(result["conversation"]) if width > 0]
    shares = whole_percents([width for _, width in widths])
    parts: list[TalkShare] = []
    start = 0.0
    for (kind, width), share in zip(widths, shares, strict=True):
        parts.append(TalkShare(kind, round(start, 3), round(width, 3), share))
        start += width
    return tuple(parts)


def whole_percents(widths: Sequence[float]) -> list[int]:
    """Widths in whole percent that add up as the widths do: the largest remainders are rounded
    up. In another rounding the shares of one call can add up to 99 or 102."""
    whole = [int(width) for width in widths]
    missing = round(sum(widths)) - sum(whole)
    order = sorted(range(len(widths)), key=lambda one: whole[one] - widths[one])
    for one in order[: max(missing, 0)]:
        whole[one] += 1
    return whole


def _widths(talk: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Kind and width of each stretch from left to right."""
    silence, both = talk["silence_percent"], talk["crosstalk_percent"] or 0.0
    agent, customer = talk["agent_talk_percent"], talk["customer_talk_percent"]
    if agent is None or customer is None:
        yield "mixed", 100.0 - silence
    else:
        yield "agent", agent - both
        yield "both", both
        yield "customer", customer - both
    yield "silence", silence
