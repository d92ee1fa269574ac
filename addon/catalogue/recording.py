"""A recording as the catalogue's readers get it. Nothing in it is personal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.engine import RowMapping

from addon.catalogue.filters import GROUP_MARK
from addon.catalogue.row import State
from addon.catalogue.tables import FIGURES


@dataclass(frozen=True)
class Recording:
    """A row of the catalogue.

    `figures` has every name of FIGURES, None where it is not known. `code` is that of a failure.
    `categories` are `rule=status`. `agent` and `queue` are group keys, for links; the names are in
    the stored analysis alone.
    """

    install: str
    recording_id: str
    call_sid: str | None
    request_sid: str
    at: datetime
    source: str
    state: State
    code: int | None
    channels: int | None
    redaction: str | None
    direction: str | None
    agent: str | None
    queue: str | None
    flags: tuple[str, ...]
    categories: tuple[str, ...]
    figures: Mapping[str, float | None]


def recording_of(row: RowMapping) -> Recording:
    """The recording of a row of `recordings`."""
    return Recording(
        install=row["install"],
        recording_id=row["recording_id"],
        call_sid=row["call_sid"],
        request_sid=row["request_sid"],
        at=datetime.fromtimestamp(row["at_ms"] / 1000, UTC),
        source=row["source"],
        state=row["state"],
        code=row["code"],
        channels=row["channels"],
        redaction=row["redaction"],
        direction=row["direction"],
        agent=group_key(row["agent"]),
        queue=group_key(row["queue"]),
        flags=tuple(row["flags"].split()),
        categories=tuple(row["categories"].split()),
        figures={name: row[name] for name in FIGURES},
    )


def group_key(token: int | None) -> str | None:
    """A token as a filter's `agent` or `queue` takes it."""
    return None if token is None else f"{GROUP_MARK}{token:016x}"
