"""The conditions of a view as words with a link each that leaves it out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from addon.catalogue.filters import GROUP_MARK, NONE, Range
from addon.web.formats import flag_name, short
from addon.web.list_measures import MEASURES
from addon.web.list_view import PERIODS, ListView
from addon.web.recording_rows import RecordingRow


@dataclass(frozen=True)
class Chip:
    """One condition, and the view without it."""

    text: str
    without: ListView


def chips(view: ListView, rows: Sequence[RecordingRow]) -> list[Chip]:
    """The conditions of a view. Names that its address does not hold are read from its rows."""
    return list(_chips(view, rows))


def _chips(view: ListView, rows: Sequence[RecordingRow]) -> Iterator[Chip]:
    wanted = view.filter
    if view.period:
        yield Chip(PERIODS[view.period], view.within(""))
    elif view.first or view.last:
        yield Chip(_days(view), view.within(""))
    if wanted.text:
        yield Chip(f"“{wanted.text}”", view.where(text=None))
    for name in ("agent", "queue"):
        if value := getattr(wanted, name):
            named = _name_in(rows, name) if value.startswith(GROUP_MARK) else value
            named = "unknown" if value == NONE else named
            yield Chip(f"{name.capitalize()} {named}", view.where(**{name: None}))
    for name in ("number", "words", "direction", "outcome", "source", "state", "code"):
        if value := getattr(wanted, name):
            yield Chip(f"{name.capitalize()} {value}", view.where(**{name: None}))
    for name, label in (("install", "Install"), ("call_sid", "Call")):
        if value := getattr(wanted, name):
            yield Chip(f"{label} {short(value)}", view.where(**{name: None}))
    for flag in wanted.flags:
        yield Chip(flag_name(flag), view.without("flags", flag))
    for category in wanted.categories:
        yield Chip(
            category.replace("_", " ").replace("=", ": "), view.without("categories", category)
        )
    for limits in wanted.ranges:
        yield Chip(in_words(limits), view.limited(Range(limits.figure)))


def in_words(limits: Range) -> str:
    """The limits of a figure, as "Longest silence over 20 s"."""
    measure = MEASURES.get(limits.figure)
    title = measure.title if measure else limits.figure.replace("_", " ").capitalize()
    sign = f" {measure.sign}" if measure and measure.sign else ""
    scale = 100 if measure and measure.unit == "percent" else 1
    said = [
        f"{word} {scale * value:g}{sign}"
        for word, value in (("over", limits.over), ("under", limits.under))
        if value is not None
    ]
    return f"{title} {' and '.join(said)}"


def _days(view: ListView) -> str:
    zone = f" ({view.zone})" if view.zone else " (UTC)"
    if view.first == view.last:
        return f"{view.first}{zone}"
    if view.first is None or view.last is None:
        return f"{'until' if view.first is None else 'from'} {view.last or view.first}{zone}"
    return f"{view.first} to {view.last}{zone}"


def _name_in(rows: Sequence[RecordingRow], name: str) -> str:
    """The name that a key stands for: every row shown has it."""
    return next((str(row.call[name]) for row in rows if row.call.get(name)), "as chosen")
