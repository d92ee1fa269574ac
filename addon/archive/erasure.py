"""Erasing recordings, on request or by age, with proof that it was done.

An erasure interrupted at any point is finished by asking again: the manifest goes last. A retention
lock must be met before anything is removed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from addon.archive import index
from addon.archive.audit import Trail
from addon.archive.manifest import Manifest
from addon.archive.names import Entry, files
from addon.errors import AlreadyStored, NotStored, RetentionLocked

if TYPE_CHECKING:
    from addon.archive.archive import Archive


def erase(
    archive: Archive, tenant: str, recording_id: str, *, by: str, reason: str, now: datetime
) -> None:
    """Remove audio, analysis, index entries and manifest; leave tombstone and trail.

    Raises NotStored, RetentionLocked before anything is removed, KeyMissing without a signer.
    """
    manifest = archive.manifest(tenant, recording_id)
    stone = _tombstone(archive, manifest, by=by, reason=reason, now=now)
    keys = files(tenant, recording_id)
    store, trail = archive.store, Trail(archive.store)
    interrupted = store.stat(keys.audio) is None
    for key in (keys.audio, keys.analysis, keys.audio_next, keys.analysis_next):
        store.delete(key)
    if not interrupted or not _in_trail(trail, tenant, recording_id):
        trail.record(tenant, recording_id, "erased", {"by": by, "reason": reason}, at=now)
    with suppress(AlreadyStored):
        store.put(keys.tombstone, [stone])
    index.remove(store, manifest)
    store.delete(keys.manifest)


def sweep(
    archive: Archive, older_than: timedelta, *, now: datetime
) -> Iterator[tuple[Entry, bool]]:
    """Erase everything made before `now - older_than`; yields each entry, and whether it went.

    What a retention lock holds is left for a later sweep. Raises StoreUnavailable.
    """
    first_kept = (now - older_than).astimezone(UTC).date()
    for entry in index.before_day(archive.store, first_kept):
        try:
            erase(
                archive,
                entry.tenant,
                entry.recording_id,
                by="retention",
                reason=f"older than {older_than.days} days",
                now=now,
            )
        except NotStored:
            archive.store.delete(entry.key)  # an erasure that died before it came to the index
        except RetentionLocked:
            yield entry, False
            continue
        yield entry, True


def _in_trail(trail: Trail, tenant: str, recording_id: str) -> bool:
    return any(event["event"] == "erased" for event in trail.events(tenant, recording_id))


def _tombstone(
    archive: Archive, manifest: Manifest, *, by: str, reason: str, now: datetime
) -> bytes:
    document = {
        "version": 1,
        "tenant": manifest.tenant,
        "recording_id": manifest.recording_id,
        "request_sid": manifest.facts.request_sid,
        "erased_at": now.isoformat(),
        "by": by,
        "reason": reason,
        "audio_sha256": manifest.audio.sha256,
        "written_at": manifest.written_at.isoformat(),
    }
    return archive.signer.sign("tombstone", document)
