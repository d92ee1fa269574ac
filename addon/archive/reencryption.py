"""Sealing recordings anew after a key was compromised: other data keys, other encryption keys.

No header is changed (spec/ciphertext 4): the plaintext streams through the SDK into a new message.
A recording stays readable at every moment, whatever is interrupted: while the objects change, a
signed manifest admits the old ones and the new ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING

from addon.archive.manifest import Manifest, Part, Sealed
from addon.archive.names import behind, files, recording_of
from addon.archive.prefixes import RECORDINGS
from addon.archive.reader import fetch_header
from addon.archive.sealing import context_of, fetcher, object_key, seal, stored_version
from addon.archive.store import Stat
from addon.archive.verification import REENCRYPTED, Finding
from addon.archive.wrapping import key_name
from addon.errors import ArchiveError, Tampered

if TYPE_CHECKING:
    from addon.archive.archive import Archive


def reencrypt(archive: Archive, tenant: str, recording_id: str, *, by: str) -> None:
    """Replace a recording's objects by new messages for the present encryption keys.

    Needs keys that open, seal and sign. Raises NotStored, Tampered, KeyMissing, RetentionLocked,
    StoreUnavailable; the recording stays readable, and the call can be made again.
    """
    manifest = archive.manifest(tenant, recording_id)
    staged = {part: _stage(archive, manifest, part) for part in manifest.parts}
    before = {part: _stored(archive, manifest, part) for part in manifest.parts}
    after = replace(
        manifest,
        audio=staged["audio"],
        analysis=staged.get("analysis"),
        audio_before=before["audio"],
        analysis_before=before.get("analysis"),
        generation=manifest.generation + 1,
    )
    replaced = replace(
        after, audio_before=None, analysis_before=None, generation=after.generation + 1
    )
    try:
        _write(archive, after)
        _replace_objects(archive, manifest)
        _write(archive, replaced)
    finally:
        # Never needed once this call ends: whichever manifest stands admits what is stored.
        for part in manifest.parts:
            archive.store.delete(_next_key(manifest, part))
    facts = {"by": by, "generation": replaced.generation}
    archive.access_log.record(tenant, recording_id, REENCRYPTED, facts, at=datetime.now(UTC))


def reencrypt_all(
    archive: Archive, *, by: str, after: tuple[str, str] | None = None, force: bool = False
) -> Iterator[Finding]:
    """Every recording that is not sealed for exactly the present encryption keys; all with `force`.

    Yields each recording replaced ("whole") or failed ("bad"); doing it again goes on where it
    ended. Raises StoreUnavailable, and KeyMissing where this process cannot seal or sign.
    """
    _ = archive.signer, archive.encryption_keys
    stats = archive.store.list(RECORDINGS, after=behind(*after) if after else None)
    for recording, group in groupby(stats, lambda stat: recording_of(stat.key)):
        if recording is None:
            continue  # `verify_all` names it
        tenant, recording_id = recording
        stored = {stat.key: stat for stat in group}
        keys = files(tenant, recording_id)
        if keys.manifest not in stored:
            continue
        try:
            objects = [stored[key] for key in (keys.audio, keys.analysis) if key in stored]
            finished = not {keys.audio_next, keys.analysis_next} & stored.keys()
            if not force and finished and _sealed_for_present(archive, objects):
                continue
            reencrypt(archive, tenant, recording_id, by=by)
            yield Finding(tenant, recording_id, "whole", sum(stat.size for stat in objects))
        except ArchiveError as error:
            yield Finding(tenant, recording_id, "bad", 0, error.message)


def _stage(archive: Archive, manifest: Manifest, part: Part) -> Sealed:
    """Write a part's new message beside the old one, from verified plaintext."""
    key = _next_key(manifest, part)

    def put(blocks: Iterable[bytes]) -> Stat:
        return archive.store.put(key, blocks, if_absent=False)

    context = context_of(manifest.tenant, manifest.recording_id, part)
    return seal(archive.decrypted(manifest, part), archive.encryption_keys, context, put)[0]


def _replace_objects(archive: Archive, manifest: Manifest) -> None:
    store = archive.store
    for part in manifest.parts:
        staged = store.read(_next_key(manifest, part))
        store.put(object_key(manifest, part), staged, if_absent=False)


def _stored(archive: Archive, manifest: Manifest, part: Part) -> Sealed:
    stored = stored_version(archive.store, manifest, part)
    if stored is None:
        raise Tampered(f"the {part} is not the one that the manifest speaks of")
    return stored


def _write(archive: Archive, manifest: Manifest) -> None:
    key = files(manifest.tenant, manifest.recording_id).manifest
    content = archive.signer.sign("manifest", manifest.as_document())
    archive.store.put(key, [content], if_absent=False)


def _next_key(manifest: Manifest, part: Part) -> str:
    keys = files(manifest.tenant, manifest.recording_id)
    return keys.audio_next if part == "audio" else keys.analysis_next


def _sealed_for_present(archive: Archive, objects: Iterable[Stat]) -> bool:
    """True where the headers name exactly the keys that this process encrypts to."""
    wanted = set(archive.encryption_keys.names)
    for stat in objects:
        header = fetch_header(fetcher(archive.store, stat), stat.size)
        if {key_name(sealed) for sealed in header.sealed_keys} != wanted:
            return False
    return True
