"""Sealing recordings anew after a key was compromised: other data keys, other encryption keys.

No header is changed (spec/ciphertext 4): the plaintext streams through the SDK into a new message.
A recording stays readable at every moment, whatever is interrupted (`replacement`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING

from addon.archive.batch import Finding, each
from addon.archive.names import behind, files, recording_of
from addon.archive.notes import reseal_notes
from addon.archive.prefixes import RECORDINGS
from addon.archive.reader import fetch_header
from addon.archive.replacement import discard_staged, finish, replace_objects, stage
from addon.archive.sealing import fetcher
from addon.archive.store import Stat
from addon.archive.verification import REENCRYPTED
from addon.archive.wrapping import key_name

if TYPE_CHECKING:
    from addon.archive.archive import Archive


def reencrypt(archive: Archive, tenant: str, recording_id: str, *, by: str) -> None:
    """Replace a recording's objects by new messages for the present encryption keys.

    Needs keys that open, seal and sign. Raises NotStored, Tampered, KeyMissing, RetentionLocked,
    StoreUnavailable; the recording stays readable, and the call can be made again.
    """
    manifest = finish(archive, archive.manifest(tenant, recording_id))
    try:
        staged = {
            part: stage(archive, manifest, part, archive.decrypted(manifest, part))
            for part in manifest.parts
        }
    except BaseException:
        discard_staged(archive, manifest)
        raise
    replaced = replace_objects(archive, manifest, staged)
    reseal_notes(archive, tenant, recording_id)
    facts = {"by": by, "generation": replaced.generation}
    archive.access_log.record(tenant, recording_id, REENCRYPTED, facts, at=datetime.now(UTC))


def reencrypt_all(
    archive: Archive, *, by: str, after: tuple[str, str] | None = None, force: bool = False
) -> Iterator[Finding]:
    """Every recording that is not sealed for exactly the present encryption keys; all with `force`.

    Yields each recording replaced ("whole") or failed ("bad"); doing it again goes on where it
    ended. Raises StoreUnavailable for an outage, and KeyMissing where this process cannot seal or
    sign.
    """
    _ = archive.signer, archive.encryption_keys
    stats = archive.store.list(RECORDINGS, after=behind(*after) if after else None)

    def work(item: tuple[str, str, dict[str, Stat]]) -> Finding:
        tenant, recording_id, stored = item
        keys = files(tenant, recording_id)
        reseal_notes(archive, tenant, recording_id)
        objects = [stored[key] for key in (keys.audio, keys.analysis) if key in stored]
        finished = not {keys.audio_next, keys.analysis_next} & stored.keys()
        if not force and finished and _sealed_for_present(archive, objects):
            return Finding(tenant, recording_id, "current")
        reencrypt(archive, tenant, recording_id, by=by)
        return Finding(tenant, recording_id, "whole", sum(stat.size for stat in objects))

    found = each(_committed(stats), work, lambda item: item[:2])
    return (one for one in found if one.state != "current")


def _committed(stats: Iterable[Stat]) -> Iterator[tuple[str, str, dict[str, Stat]]]:
    """Tenant, id and objects of each recording with a manifest; `verify_all` names the others."""
    for recording, group in groupby(stats, lambda stat: recording_of(stat.key)):
        stored = {stat.key: stat for stat in group}
        if recording is not None and files(*recording).manifest in stored:
            yield *recording, stored


def _sealed_for_present(archive: Archive, objects: Iterable[Stat]) -> bool:
    """True where the headers name exactly the keys that this process encrypts to."""
    wanted = set(archive.encryption_keys.names)
    for stat in objects:
        header = fetch_header(fetcher(archive.store, stat), stat.size)
        if {key_name(sealed) for sealed in header.sealed_keys} != wanted:
            return False
    return True
