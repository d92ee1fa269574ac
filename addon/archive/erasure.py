"""Erasing recordings, on request or by age, with proof that it was done.

An erasure interrupted at any point is finished by asking again: the manifest goes last. A legal
hold or a retention lock must be met before anything is removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

from addon.archive import index
from addon.archive.access_log import AccessLog
from addon.archive.holds import Holds
from addon.archive.manifest import Manifest, Signer
from addon.archive.names import Entry, Files, files, notes_prefix
from addon.archive.store import Store
from addon.errors import (
    KeyMissing,
    NotStored,
    OnLegalHold,
    RetentionLocked,
    Tampered,
    UnreadableDocument,
)

VERSION = 1
"""Of tombstones."""


def erase(
    store: Store,
    access_log: AccessLog,
    holds: Holds,
    signer: Signer,
    manifest: Manifest,
    *,
    by: str,
    reason: str,
    now: datetime,
    tombstone: bool = True,
    announce: Callable[[], object] = lambda: None,
) -> None:
    """Remove audio, analysis, notes, index entries and manifest; leave tombstone and access log.

    With `tombstone` False a genuine one of before stays as it is. `announce` is called once the
    erasure stands and before it is complete, so that an interrupted one comes to it again. Raises
    RetentionLocked and OnLegalHold before anything is removed.
    """
    tenant, recording_id = manifest.tenant, manifest.recording_id
    holds.refuse(tenant, recording_id)
    stone = _tombstone(signer, manifest, by=by, reason=reason, now=now)
    keys = files(tenant, recording_id)
    interrupted = store.stat(keys.audio) is None
    for key in _objects(keys):
        store.delete(key)
    remove_notes(store, tenant, recording_id)
    if not interrupted or not access_log.has(tenant, recording_id, "erased"):
        access_log.record(tenant, recording_id, "erased", {"by": by, "reason": reason}, at=now)
    if tombstone:
        store.put(keys.tombstone, [stone], if_absent=False)
    announce()
    remove_what_came_back(store, keys)
    remove_notes(store, tenant, recording_id)  # one that was written before the tombstone stood
    index.remove(store, manifest)
    store.delete(keys.manifest)


def _objects(keys: Files) -> tuple[str, ...]:
    return keys.audio, keys.analysis, keys.audio_next, keys.analysis_next


def remove_what_came_back(store: Store, keys: Files) -> bool:
    """Remove objects that a replacement wrote after they went; True where there were any.

    With the tombstone there, it writes no more.
    """
    folder = keys.audio.rpartition("/")[0] + "/"
    found = [stat.key for stat in store.list(folder) if stat.key in _objects(keys)]
    for key in found:
        store.delete(key)
    return bool(found)


def remove_notes(store: Store, tenant: str, recording_id: str) -> None:
    """Remove all notes on a recording."""
    for key in [stat.key for stat in store.list(notes_prefix(tenant, recording_id))]:
        store.delete(key)


def sweep(
    store: Store,
    erase_one: Callable[[Entry, date, str], None],
    days_of: Callable[[str], int | None],
    now: datetime,
) -> Iterator[tuple[Entry, bool]]:
    """Erase everything older than its tenant's days; yields each entry, and whether it went.

    `erase_one` gets an entry, the first day that is kept, and the reason.

    What a lock or a legal hold keeps, or whose manifest cannot be verified, is left for a later
    sweep: it must not keep the others. Raises StoreUnavailable.
    """

    def first_kept(tenant: str) -> date | None:
        days = days_of(tenant)
        return None if days is None else (now - timedelta(days)).astimezone(UTC).date()

    for entry in index.before_day(store, first_kept):
        reason = f"older than {days_of(entry.tenant)} days"
        try:
            erase_one(entry, first_kept(entry.tenant) or date.min, reason)
        except NotStored:
            store.delete(entry.key)  # an erasure died before it came to the index, or it is planted
        except (RetentionLocked, OnLegalHold, Tampered, KeyMissing, UnreadableDocument):
            yield entry, False
            continue
        yield entry, True


def _tombstone(signer: Signer, manifest: Manifest, *, by: str, reason: str, now: datetime) -> bytes:
    document = {
        "version": VERSION,
        "tenant": manifest.tenant,
        "recording_id": manifest.recording_id,
        "request_sid": manifest.facts.request_sid,
        "erased_at": now.isoformat(),
        "by": by,
        "reason": reason,
        "audio_sha256": manifest.audio.sha256,
        "written_at": manifest.written_at.isoformat(),
    }
    return signer.sign("tombstone", document)
