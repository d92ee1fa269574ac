"""Keys of the store that belong to recordings (spec/interfaces 6), all in one place.

The same names in a directory or a bucket. An id that could not be a plain name is refused here, so
that nothing a stranger sends reaches another tenant's keys.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import NamedTuple

from addon.archive.prefixes import CALLS, DAYS, IDS, NOTES, RECORDINGS
from addon.errors import NotStored

MAX_ID_LENGTH = 64
"""SIDs are 34 characters; request SIDs and RingCentral ids stay well below this."""

LAST = "~"
"""Sorts behind everything a key may hold: what a listing skips a folder with."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Files(NamedTuple):
    """The keys of one recording's objects."""

    audio: str
    analysis: str
    manifest: str
    tombstone: str
    audio_next: str
    analysis_next: str


class Entry(NamedTuple):
    """One recording in an index; `key` is also the cursor behind it."""

    tenant: str
    recording_id: str
    key: str


class Unreadable(NamedTuple):
    """An index entry whose manifest cannot be believed or read; `trouble` says why."""

    entry: Entry
    trouble: str


def is_id(value: str) -> bool:
    """True where a tenant, call or recording can be called so."""
    return len(value) <= MAX_ID_LENGTH and _ID.fullmatch(value) is not None


def checked_id(value: str) -> str:
    """`value` itself. Raises NotStored where no tenant, call or recording can be called so."""
    if not is_id(value):
        raise NotStored("no recording can have such an id")
    return value


def files(tenant: str, recording_id: str) -> Files:
    """The keys of a recording's objects. Raises NotStored."""
    folder = files_prefix(tenant, recording_id)
    return Files(
        f"{folder}audio.esdk",
        f"{folder}analysis.esdk",
        f"{folder}manifest.json",
        f"{folder}tombstone.json",
        f"{folder}audio-next.esdk",
        f"{folder}analysis-next.esdk",
    )


def files_prefix(tenant: str, recording_id: str) -> str:
    """The prefix of all of a recording's objects. Raises NotStored."""
    return f"{RECORDINGS}{checked_id(tenant)}/{checked_id(recording_id)}/"


def notes_prefix(tenant: str, recording_id: str) -> str:
    """The prefix of all notes on a recording. Raises NotStored."""
    return f"{NOTES}{checked_id(tenant)}/{checked_id(recording_id)}/"


def recording_of(key: str) -> tuple[str, str] | None:
    """Tenant and id of the folder that a key under RECORDINGS is in; None where it is in none."""
    try:
        _, tenant, recording_id, _ = key.split("/", 3)
    except ValueError:
        return None
    return (tenant, recording_id) if is_id(tenant) and is_id(recording_id) else None


def behind(tenant: str, recording_id: str) -> str:
    """The key that a listing of RECORDINGS goes on from, behind all of one recording."""
    return files_prefix(tenant, recording_id) + LAST


def days_prefix(tenant: str, day: date | None = None) -> str:
    """Index of a tenant's recordings by UTC day, of one day where it is given."""
    prefix = f"{DAYS}{checked_id(tenant)}/"
    return f"{prefix}{day.isoformat()}/" if day else prefix


def day_key(tenant: str, at: datetime, recording_id: str) -> str:
    """The entry of a recording that was made at `at`: a day lists in the order of time."""
    at = at.astimezone(UTC)
    return f"{days_prefix(tenant, at.date())}{at:%H%M%S}-{checked_id(recording_id)}"


def calls_prefix(tenant: str, call_sid: str) -> str:
    """Index of one call's recordings."""
    return f"{CALLS}{checked_id(tenant)}/{checked_id(call_sid)}/"


def ids_prefix(recording_id: str) -> str:
    """Index of the tenants that hold a recording of this id."""
    return f"{IDS}{checked_id(recording_id)}/"


def day_entry(key: str) -> Entry | None:
    """The recording of a key under DAYS; None for a key that we would not write."""
    try:
        _, tenant, day, name = key.split("/")
        if date.fromisoformat(day).isoformat() != day:  # 20261120 is read too, but sorts elsewhere
            return None
    except ValueError:
        return None
    return _entry(tenant, name.partition("-")[2], key)


def day_of(entry: Entry) -> date:
    """The UTC day of an entry under DAYS."""
    return date.fromisoformat(entry.key.split("/")[2])


def id_entry(key: str) -> Entry | None:
    """The recording of a key under IDS; None for a key that we would not write."""
    try:
        _, recording_id, tenant = key.split("/")
    except ValueError:
        return None
    return _entry(tenant, recording_id, key)


def call_entry(key: str) -> Entry | None:
    """The recording of a key under CALLS; None for a key that we would not write."""
    try:
        _, tenant, _, recording_id = key.split("/")
    except ValueError:
        return None
    return _entry(tenant, recording_id, key)


def _entry(tenant: str, recording_id: str, key: str) -> Entry | None:
    return Entry(tenant, recording_id, key) if is_id(tenant) and is_id(recording_id) else None
