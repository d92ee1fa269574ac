"""The index of decisions: `python -m tests.decision_index` writes docs/decisions/README.md anew."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "docs" / "decisions"
INDEX = FOLDER / "README.md"

AREAS = {
    "00": "Requests: durable, once, recovered",
    "01": "Archive",
    "02": "Analysis",
    "03": "Twilio and outgoing requests",
    "04": "Running it",
    "05": "Playback",
    "06": "Pages and signing in",
    "07": "Queues, metrics, traces",
    "08": "Flex",
    "09": "RingCentral",
    "10": "Audio formats",
    "11": "The code itself",
}
"""The first two digits of a page's number."""

STATUSES = ("accepted", "superseded", "proposed", "rejected")

INTRODUCTION = """\
# Decisions

Choices that a successor would question: one page each, with what was decided, why, and what else
was considered. Where a choice changes, a new page is added and the old one gets the status
`superseded by <number>`. Numbers go up within an area. `python -m tests.decision_index` writes this
index; a test compares it, and looks in every page for its three paragraphs, date and status.

To add one, write `docs/decisions/<number>-<title>.md`:

    # Title: the decision in plain words

    2026-11-25, accepted.

    **What.** …
    **Why.** …
    **What else.** …
"""

_DATE = re.compile(r"\b(20\d\d-\d\d-\d\d)\b")
_STATUS = re.compile(rf"\b({'|'.join(STATUSES)})\b[^.\n|]*", re.I)


@dataclass(frozen=True)
class Decision:
    """One page."""

    name: str
    title: str
    date: str
    status: str
    text: str

    @property
    def number(self) -> str:
        """Its four digits."""
        return self.name[:4]

    def has(self, paragraph: str) -> bool:
        """Whether a paragraph or section begins with this word: `**Why.**` or `## Why`."""
        return bool(re.search(rf"^(?:\*\*|#+ ){paragraph}\b", self.text, re.M | re.I))


def decisions() -> Iterator[Decision]:
    """Every page in the order of numbers; date and status are '' where a page lacks them."""
    for path in sorted(FOLDER.glob("[0-9]*.md")):
        text = path.read_text(encoding="utf-8")
        title, _, rest = text.partition("\n")
        head = "\n".join(rest.splitlines()[:8])
        date, status = _DATE.search(head), _STATUS.search(head)
        yield Decision(
            path.name,
            re.sub(r"^# (?:\d{4}:? )?", "", title),
            date[1] if date else "",
            status[0].strip().lower() if status else "",
            text,
        )


def index() -> str:
    """The whole index as Markdown."""
    parts = [INTRODUCTION]
    by_area: dict[str, list[Decision]] = {}
    for page in decisions():
        by_area.setdefault(page.number[:2], []).append(page)
    for area, pages in sorted(by_area.items()):
        rows = [
            f"| [{page.number}]({page.name}) | {page.title} | {page.status} | {page.date} |"
            for page in pages
        ]
        head = "| page | decision | status | date |\n|---|---|---|---|"
        parts.append(f"## {AREAS.get(area, 'Further')}\n\n{head}\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    INDEX.write_text(index(), encoding="utf-8")
