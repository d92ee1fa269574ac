"""Checks that everything is still what was written: one recording, or all of them.

With a key that opens, each object is decrypted whole by the SDK; without one its ciphertext is
compared with the signed manifest. Verifying must never change anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

from addon.archive.batch import Finding, State, each
from addon.archive.manifest import Manifest, Part
from addon.archive.names import behind, files, recording_of
from addon.archive.prefixes import RECORDINGS
from addon.archive.sealing import object_key
from addon.archive.store import Stat
from addon.errors import ArchiveError, Tampered

if TYPE_CHECKING:
    from addon.archive.archive import Archive

REENCRYPTED, REANALYSED = "reencrypted", "reanalysed"
"""The events in the access log that say which generation a manifest has reached."""


def verify(archive: Archive, tenant: str, recording_id: str) -> Manifest:
    """Check signature, hashes, and where there is a key every frame of a recording.

    Raises NotStored, Tampered, also for an older manifest that was put back; KeyMissing,
    StoreUnavailable.
    """
    manifest = archive.manifest(tenant, recording_id)
    _refuse_older(archive, manifest)
    check = _decrypt if archive.decryption_keys else _compare
    for part in manifest.parts:
        check(archive, manifest, part)
    return manifest


def compare(archive: Archive, tenant: str, recording_id: str) -> Manifest:
    """Check signature and ciphertext only, whatever keys there are. Raises as `verify`."""
    manifest = archive.manifest(tenant, recording_id)
    for part in manifest.parts:
        _compare(archive, manifest, part)
    return manifest


def verify_all(archive: Archive, *, after: tuple[str, str] | None = None) -> Iterator[Finding]:
    """Every recording in key order, from behind `after` (tenant and id) where that is given.

    An object that fails, or that no recording has, is a finding, not an exception. Raises
    StoreUnavailable for an outage.
    """
    stats = archive.store.list(RECORDINGS, after=behind(*after) if after else None)
    return each(_grouped(stats), lambda item: _found(archive, *item), lambda item: item[:2])


def _grouped(stats: Iterator[Stat]) -> Iterator[tuple[str, str, dict[str, int]]]:
    """Tenant and id of each recording, and the sizes of its objects; none for a strange key."""
    for recording, group in groupby(stats, lambda stat: recording_of(stat.key)):
        if recording is not None:
            yield *recording, {stat.key: stat.size for stat in group}
            continue
        for stat in group:
            tenant, _, rest = stat.key.removeprefix(RECORDINGS).partition("/")
            yield tenant, rest, {}


def _found(archive: Archive, tenant: str, recording_id: str, sizes: dict[str, int]) -> Finding:
    if not sizes:
        raise Tampered("no recording has an object of such a name")
    keys = files(tenant, recording_id)
    state: State = "unfinished"
    try:
        if keys.manifest in sizes:
            verify(archive, tenant, recording_id)
            state = "whole"
        elif keys.tombstone in sizes:
            archive.tombstone(tenant, recording_id)
            if {keys.audio, keys.analysis, keys.audio_next, keys.analysis_next} & sizes.keys():
                raise Tampered("it is erased, and objects of it are left: erase it again")
            state = "erased"
    except ArchiveError as error:
        return Finding(tenant, recording_id, "bad", sum(sizes.values()), error.message)
    return Finding(tenant, recording_id, state, sum(sizes.values()))


def _refuse_older(archive: Archive, manifest: Manifest) -> None:
    """Raises Tampered where the access log knows of a later manifest than this one."""
    events = archive.access_log.events(manifest.tenant, manifest.recording_id)
    reached = max((_generation(event) for event in events), default=1)
    if manifest.generation < reached:
        raise Tampered(f"an older manifest was put back: {manifest.generation}, not {reached}")


def _generation(event: Mapping[str, Any]) -> int:
    genuine = event.get("event") in (REENCRYPTED, REANALYSED) and "trouble" not in event
    reached = event.get("generation") if genuine else None
    return reached if isinstance(reached, int) else 1


def _decrypt(archive: Archive, manifest: Manifest, part: Part) -> None:
    for _ in archive.decrypted(manifest, part):
        pass


def _compare(archive: Archive, manifest: Manifest, part: Part) -> None:
    stored = hashlib.sha256()
    for block in archive.store.read(object_key(manifest, part)):
        stored.update(block)
    if stored.hexdigest() not in {one.sha256 for one in manifest.admits(part)}:
        raise Tampered(f"the {part} is not the one that the manifest speaks of")
