"""Replacement of a committed recording's objects by others: sealed anew, analysed anew, muted more.

New objects are written aside; a signed manifest then admits the old ones and the new ones; the
objects are replaced, the audio first; a last manifest admits the new ones alone. No header is
changed (spec/ciphertext 4). Interrupted anywhere, the recording reads, and `finish` goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from addon.archive import index
from addon.archive.deposit import settle
from addon.archive.manifest import Manifest, Part, RecordingFacts, Sealed
from addon.archive.names import files
from addon.archive.sealing import context_of, is_stored, object_key, seal, stored_version
from addon.errors import AlreadyStored, ArchiveError, NotStored, Tampered

if TYPE_CHECKING:
    from addon.archive.archive import Archive

PARTS: tuple[Part, ...] = ("audio", "analysis")

BEING_MUTED = "Numbers that were found later are being muted in the archived recording."


def stage(archive: Archive, manifest: Manifest, part: Part, blocks: Iterable[bytes]) -> Sealed:
    """Write a part's new message beside the stored one. Raises what the store and `blocks` do."""
    key = _next_key(manifest, part)
    put = partial(archive.store.put, key, if_absent=False)
    context = context_of(manifest.tenant, manifest.recording_id, part)
    return seal(blocks, archive.encryption_keys, context, put)[0]


def replace_objects(
    archive: Archive,
    manifest: Manifest,
    staged: Mapping[Part, Sealed],
    facts: RecordingFacts | None = None,
) -> Manifest:
    """Put the staged parts in the place of the stored ones; the manifest that stands then.

    With `facts` these are the recording's from then on. What was staged goes, unless `finish` can
    still use it. Raises NotStored where the recording is erased in the meantime, and then nothing
    of it is left; AlreadyStored where another process replaces it too; Tampered, RetentionLocked,
    StoreUnavailable.
    """
    try:
        _give_way_to_erasure(archive, manifest)
        after = _meanwhile(archive, manifest, staged, facts)
        _write(archive, manifest, after)
    except BaseException:
        discard_staged(archive, manifest)
        raise
    return finish(archive, after)


def generation_after(manifest: Manifest) -> int:
    """The generation that a recording has once its objects are replaced: of the last manifest."""
    return manifest.generation + 2


def is_unfinished(archive: Archive, manifest: Manifest) -> bool:
    """True where a replacement was interrupted; only a later generation has something left over."""
    if manifest.is_replacing or manifest.generation == 1:
        return manifest.is_replacing
    return any(archive.store.stat(_next_key(manifest, part)) for part in PARTS)


def finish(archive: Archive, manifest: Manifest) -> Manifest:
    """Bring a replacement to its end, also one that was interrupted; the manifest that stands then.

    A part whose staged object is lost stays the one before. Raises as `replace_objects`.
    """
    if not manifest.is_replacing:
        if manifest.generation > 1:
            discard_staged(archive, manifest)
        return manifest
    try:
        after = _last(archive, manifest)
        _write(archive, manifest, after)
    except ArchiveError:
        _give_way_to_erasure(archive, manifest)
        raise
    _give_way_to_erasure(archive, after)
    discard_staged(archive, after)
    if archive.lock is not None:
        settle(archive.store, after, archive.lock)
    return after


def _last(archive: Archive, manifest: Manifest) -> Manifest:
    """The manifest of what is stored once the staged objects are in their places."""
    for part, sealed in manifest.sealed_parts:
        key, aside = object_key(manifest, part), _next_key(manifest, part)
        if not is_stored(archive.store, key, sealed) and is_stored(archive.store, aside, sealed):
            _give_way_to_erasure(archive, manifest)
            archive.store.put(key, archive.store.read(aside), if_absent=False)
    stored = {part: stored_version(archive.store, manifest, part) for part in manifest.parts}
    audio, analysis = stored["audio"], stored.get("analysis")
    if audio is None or (analysis is None and manifest.analysis_before is not None):
        raise Tampered("the stored objects are not those that the manifest speaks of")
    is_complete = (audio, analysis) == (manifest.audio, manifest.analysis)
    return replace(
        manifest,
        facts=manifest.facts_after if is_complete and manifest.facts_after else manifest.facts,
        facts_after=None,
        audio=audio,
        analysis=analysis,
        audio_before=None,
        analysis_before=None,
        generation=manifest.generation + 1,
    )


def discard_staged(archive: Archive, manifest: Manifest) -> None:
    """Remove what was written aside."""
    for part in PARTS:
        key = _next_key(manifest, part)
        if archive.store.stat(key) is not None:
            archive.store.delete(key)


def _meanwhile(
    archive: Archive,
    manifest: Manifest,
    staged: Mapping[Part, Sealed],
    facts: RecordingFacts | None,
) -> Manifest:
    """The manifest that admits the stored objects and the staged ones."""
    before = {part: _stored(archive, manifest, part) for part in manifest.parts if part in staged}
    return replace(
        manifest,
        facts=_facts_meanwhile(manifest, staged, facts),
        facts_after=facts,
        audio=staged.get("audio", manifest.audio),
        analysis=staged.get("analysis", manifest.analysis),
        audio_before=before.get("audio"),
        analysis_before=before.get("analysis"),
        generation=manifest.generation + 1,
    )


def _facts_meanwhile(
    manifest: Manifest, staged: Mapping[Part, Sealed], facts: RecordingFacts | None
) -> RecordingFacts:
    """The facts while either object may be stored: audio that is not muted yet is never called so.

    The format stays the one before until the end.
    """
    if facts is None or "audio" not in staged:
        return facts or manifest.facts
    return replace(manifest.facts, redaction="incomplete", redaction_reason=BEING_MUTED)


def _stored(archive: Archive, manifest: Manifest, part: Part) -> Sealed:
    stored = stored_version(archive.store, manifest, part)
    if stored is None:
        raise Tampered(f"the {part} is not the one that the manifest speaks of")
    return stored


def _write(archive: Archive, before: Manifest, after: Manifest) -> None:
    """Write a manifest in the place of `before`, which has to stand there still."""
    _give_way_to_erasure(archive, before)
    if archive.manifest(before.tenant, before.recording_id) != before:
        raise AlreadyStored("another process has replaced this recording")
    key = files(before.tenant, before.recording_id).manifest
    content = archive.signer.sign("manifest", after.as_document())
    archive.store.put(key, [content], if_absent=False)


def _give_way_to_erasure(archive: Archive, manifest: Manifest) -> None:
    """Remove what was written here of a recording that is erased. Raises NotStored then.

    It is asked before each step and after the last; an erasure looks for what came back after its
    tombstone. So one of the two sees what the other has done.
    """
    if not archive.is_erased(manifest.tenant, manifest.recording_id):
        return
    keys = files(manifest.tenant, manifest.recording_id)
    for key in (keys.audio, keys.analysis, keys.audio_next, keys.analysis_next):
        archive.store.delete(key)
    index.remove(archive.store, manifest)
    archive.store.delete(keys.manifest)
    raise NotStored("this recording was erased in the meantime")


def _next_key(manifest: Manifest, part: Part) -> str:
    keys = files(manifest.tenant, manifest.recording_id)
    return keys.audio_next if part == "audio" else keys.analysis_next
