"""Writes one recording into the archive: audio, analysis, and the manifest that commits them.

Until the signed manifest is written the recording is not archived, and leaving early takes back
what was written, unless another worker has the recording now. A committed recording must never be
replaced from here, nor hold less than what was received.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Any, Self

from addon.archive import index
from addon.archive.keys import EncryptionKeys
from addon.archive.manifest import Manifest, Part, RecordingFacts, Sealed, Signer
from addon.archive.names import files, files_prefix
from addon.archive.sealing import context_of, describes, object_key, seal
from addon.archive.store import Stat, Store
from addon.errors import (
    AddonError,
    AlreadyStored,
    ArchiveMismatch,
    KeyMissing,
    LeaseLost,
    NotStored,
    RetentionLocked,
    StoreUnavailable,
    Tampered,
)

_CONTENDED = "another worker is storing the same recording"


@dataclass(frozen=True)
class Reencoded:
    """The sample frames of audio that was encoded anew: `heard` before, `archived` in the file."""

    heard: int
    archived: int


class Deposit:
    """One recording being written: a context manager that is left once, after `commit` or without.

    Archive.deposit makes it.
    """

    def __init__(
        self,
        store: Store,
        encryption_keys: EncryptionKeys,
        signer: Signer,
        read_manifest: Callable[[], Manifest],
        is_erased: Callable[[], bool],
        *,
        tenant: str,
        recording_id: str,
        lock: timedelta | None,
    ) -> None:
        self._store = store
        self._encryption_keys = encryption_keys
        self._signer = signer
        self._read_manifest = read_manifest
        self._is_erased = is_erased
        self._tenant, self._recording_id = tenant, recording_id
        self._files = files(tenant, recording_id)
        self._prefix = files_prefix(tenant, recording_id)
        self._found: frozenset[str] = frozenset()
        self._lock = lock
        self._audio: Sealed | None = None
        self._analysis: Sealed | None = None
        self._written: list[Stat] = []
        self._committed = False

    def __enter__(self) -> Self:
        self._look()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Whoever has the lease now clears what lies in its way: to take it back could hit theirs.
        if not self._committed and not isinstance(error, LeaseLost):
            self._take_back()

    def audio(self, blocks: Iterable[bytes]) -> Sealed:
        """Seal the recording as it streams by; memory does not grow with it.

        Raises AlreadyStored, StoreUnavailable, and what `blocks` raises.
        """
        self._audio = self._seal("audio", self._files.audio, blocks)
        return self._audio

    def analysis(self, document: Mapping[str, Any]) -> Sealed:
        """Seal the analysis beside the audio. Raises AlreadyStored, StoreUnavailable."""
        self._analysis = self._seal("analysis", self._files.analysis, [as_bytes(document)])
        return self._analysis

    def compare(self, facts: RecordingFacts, reencoded: Reencoded | None = None) -> None:
        """Make sure that the audio sealed holds all that was received; `commit` asks it too.

        What was `reencoded` is compared in sample frames, everything else in bytes, and where
        nothing is muted by its hash. Raises ArchiveMismatch.
        """
        sealed = self._sealed_audio()
        if reencoded is not None:
            if reencoded.archived != reencoded.heard:
                raise ArchiveMismatch(
                    f"{reencoded.archived} of {reencoded.heard} sample frames were encoded anew"
                )
        elif sealed.plaintext_size != facts.received_bytes:
            raise ArchiveMismatch(
                f"{sealed.plaintext_size} of {facts.received_bytes} bytes were written"
            )
        elif not facts.redacted and sealed.plaintext_sha256 != facts.received_sha256:
            raise ArchiveMismatch("other bytes were written than were received")

    def commit(self, facts: RecordingFacts, reencoded: Reencoded | None = None) -> Manifest:
        """Sign and write the manifest: from here on the recording is archived.

        Raises ArchiveMismatch, AlreadyStored where another worker committed the recording first,
        and StoreUnavailable where two workers' objects are mixed: the job is to be tried again.
        """
        self.compare(facts, reencoded)
        manifest = Manifest(
            tenant=self._tenant,
            recording_id=self._recording_id,
            facts=facts,
            audio=self._sealed_audio(),
            analysis=self._analysis,
            written_at=datetime.now(UTC),
        )
        self._publish(manifest)
        self._committed = True
        settle(self._store, manifest, self._lock)
        return manifest

    def _sealed_audio(self) -> Sealed:
        if self._audio is None:
            raise ValueError("there is no recording without audio")
        return self._audio

    @property
    def written(self) -> tuple[Stat, ...]:
        """Every object that was written here; after `commit` the manifest is among them."""
        return tuple(self._written)

    def _publish(self, manifest: Manifest) -> None:
        content = self._signer.sign("manifest", manifest.as_document())
        if not are_unchanged(self._store, self._written):
            raise StoreUnavailable(_CONTENDED)
        try:
            self._written.append(self._store.put(self._files.manifest, [content]))
        except AlreadyStored:
            self._contend(manifest, content)

    def _contend(self, mine: Manifest, content: bytes) -> None:
        """A manifest is there: one of another worker stays where its objects are those stored.

        It is replaced only where it speaks of objects that mine have replaced, or is not ours.
        """
        theirs = self._genuine_manifest()
        if theirs is not None and describes(self._store, theirs):
            raise AlreadyStored("another worker committed this recording")
        if not describes(self._store, mine):
            raise StoreUnavailable(_CONTENDED)
        stat = self._store.put(self._files.manifest, [content], if_absent=False)
        self._written.append(stat)

    def _seal(self, part: Part, key: str, blocks: Iterable[bytes]) -> Sealed:
        if_absent = self._clear(key)
        put = partial(self._store.put, key, if_absent=if_absent)
        context = context_of(self._tenant, self._recording_id, part)
        try:
            sealed, stat = seal(blocks, self._encryption_keys, context, put)
        except AlreadyStored:
            self._look()
            raise StoreUnavailable(_CONTENDED) from None
        self._written.append(stat)
        return sealed

    def _clear(self, key: str) -> bool:
        """Remove what a crashed attempt left; False where it can only be written over.

        What comes after the first look is another worker's, and a conditional create meets it.
        """
        if key not in self._found:
            return True
        self._look()
        try:
            self._store.delete(key)
        except RetentionLocked:
            return False
        return True

    def _look(self) -> None:
        """See in one listing what is stored of this recording.

        Raises AlreadyStored. What was only planted must not keep a recording from its place.
        """
        self._found = frozenset(stat.key for stat in self._store.list(self._prefix))
        if self._files.manifest in self._found and self._genuine_manifest():
            raise AlreadyStored("this recording is archived")
        if self._files.tombstone in self._found and self._is_erased():
            raise AlreadyStored("this recording was archived and erased")

    def _genuine_manifest(self) -> Manifest | None:
        """The manifest in this place; None where there is none, or one that nobody here signed."""
        try:
            return self._read_manifest()
        except (NotStored, Tampered, KeyMissing):
            return None

    def _take_back(self) -> None:
        """Remove what this deposit wrote, and nothing that another worker put in its place."""
        for written in self._written:
            with suppress(AddonError):
                now = self._store.stat(written.key)
                if now is not None and now.etag == written.etag:
                    self._store.delete(written.key)


def as_bytes(document: Mapping[str, Any]) -> bytes:
    """An analysis as it is sealed: JSON without white space."""
    return json.dumps(document, separators=(",", ":")).encode()


def are_unchanged(store: Store, written: Sequence[Stat]) -> bool:
    """True if every object of a recording is still the one that was written: one listing."""
    prefix = written[0].key.rpartition("/")[0] + "/"
    found = {stat.key: stat.etag for stat in store.list(prefix)}
    return all(found.get(each.key) == each.etag for each in written)


def settle(store: Store, manifest: Manifest, lock: timedelta | None) -> None:
    """Write index entries and lock for a committed manifest; doing it again changes nothing."""
    index.write(store, manifest)
    if lock is None:
        return
    for part in manifest.parts:
        store.retain(object_key(manifest, part), manifest.written_at + lock)
    key = files(manifest.tenant, manifest.recording_id).manifest
    store.retain(key, manifest.written_at + lock)
