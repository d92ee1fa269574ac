"""The archive as everyone uses it: write, read, list and erase recordings, over any store.

A process holds only the keys of its part: a worker seals and signs, a reader opens and verifies.
Nothing leaves here that was not verified against a signed manifest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from addon import stored_documents
from addon.archive import erasure, index, names
from addon.archive.access_log import AccessLog
from addon.archive.blocks import watched
from addon.archive.deposit import Deposit, settle
from addon.archive.holds import Holds
from addon.archive.keys import DecryptionKeys, EncryptionKeys
from addon.archive.layout import Header
from addon.archive.manifest import Manifest, Part, Sealed, Signer, Verifiers
from addon.archive.message import decrypt
from addon.archive.names import Unreadable, files
from addon.archive.opening import store_of
from addon.archive.planted import PlantedObjects
from addon.archive.reader import ArchivedAudio, RangeReader, open_with
from addon.archive.sealing import context_of, describes, fetcher, header_sha256, object_key
from addon.archive.signed_documents import DocumentSigner
from addon.archive.store import Patience, Stat, Store
from addon.bounded_cache import BoundedCache
from addon.errors import KeyMissing, NotStored, Tampered, UnreadableDocument

if TYPE_CHECKING:
    from addon.settings import Settings

MAX_REMEMBERED = 4096
"""Recordings of which something is kept in mind: not erased, the manifest's generation."""

ERASED_WITHIN_S = 60.0
"""A tombstone is asked for again after so long. An erasure takes the audio with it at once; only a
copy put back from a backup could be heard until then, by who was hearing it before."""

MAX_OPENED = 256
"""Opened recordings kept: a few kilobytes each, and a listener's next range is one read."""

DEFAULT_PAGE = 50


class Archive:
    """All recordings of all tenants in one store."""

    def __init__(
        self,
        store: Store,
        *,
        encryption_keys: EncryptionKeys | None = None,
        signer: Signer | None = None,
        verifiers: Verifiers | None = None,
        decryption_keys: DecryptionKeys | None = None,
        control_signer: DocumentSigner | None = None,
        lock: timedelta | None = None,
    ) -> None:
        self.store = store
        self.access_log = AccessLog(store, control_signer)
        self.holds = Holds(store, control_signer, self.access_log)
        self.control_signer = control_signer
        self.decryption_keys = DecryptionKeys() if decryption_keys is None else decryption_keys
        self.lock = lock
        self._encryption_keys = encryption_keys
        self._signer = signer
        self._verifiers = verifiers or Verifiers([signer.public_pem] if signer else [])
        self._at_erasure: list[Callable[[Manifest, str], object]] = []
        self._opened: BoundedCache[tuple[str, str], ArchivedAudio] = BoundedCache(MAX_OPENED)
        self._planted = PlantedObjects()
        self._generations: BoundedCache[tuple[str, str], int] = BoundedCache(MAX_REMEMBERED)
        self._not_erased: BoundedCache[tuple[str, str], bool] = BoundedCache(
            MAX_REMEMBERED, seconds=ERASED_WITHIN_S
        )

    @classmethod
    def from_settings(
        cls, settings: Settings, store: Store | None = None, *, patience: Patience | None = None
    ) -> Self:
        """The archive of ARCHIVE_URL with whatever keys the settings hold. Raises SettingsError."""
        from addon.archive.configured import keys_of

        store = store or store_of(settings, patience=patience)
        lock = timedelta(settings.archive_lock_days) if settings.archive_lock_days else None
        return cls(store, lock=lock, **keys_of(settings, store))

    def at_erasure(self, call: Callable[[Manifest, str], object]) -> None:
        """Call this with the manifest of each recording that is erased, and by whom.

        It may be called twice; what it raises interrupts the erasure, which is begun again.
        """
        self._at_erasure.append(call)

    @property
    def encryption_keys(self) -> EncryptionKeys:
        """The keys that this process encrypts to. Raises KeyMissing where it has none."""
        if self._encryption_keys is None:
            raise KeyMissing(
                "this process has no key to encrypt to",
                remedy="Set ARCHIVE_PUBLIC_KEYS or ARCHIVE_KMS_KEYS.",
            )
        return self._encryption_keys

    @property
    def signer(self) -> Signer:
        """The key that signs manifests. Raises KeyMissing where this process only reads."""
        if self._signer is None:
            raise KeyMissing(
                "this process has no key to sign with", remedy="Set MANIFEST_SIGNING_KEY."
            )
        return self._signer

    def deposit(self, tenant: str, recording_id: str) -> Deposit:
        """Begin to archive a recording; entering raises AlreadyStored where it is there."""
        return Deposit(
            self.store,
            self.encryption_keys,
            self.signer,
            lambda: self.manifest(tenant, recording_id),
            lambda: self.is_erased(tenant, recording_id),
            tenant=tenant,
            recording_id=recording_id,
            lock=self.lock,
        )

    def manifest(self, tenant: str, recording_id: str) -> Manifest:
        """The verified manifest of a recording that is not erased.

        Raises NotStored, also where an erased recording was put back; Tampered, KeyMissing,
        StoreUnavailable.
        """
        manifest = self._manifest(tenant, recording_id)
        self._refuse_erased(tenant, recording_id)
        self._refuse_older(manifest)
        return manifest

    def listed(self, entry: names.Entry) -> Manifest | None:
        """The manifest of an index entry; None where there is none, or it explains no such entry.

        An entry is but a name that anyone who can write to the store can make; nothing is shown or
        done because of one alone. Raises as `manifest`, but for NotStored.
        """
        try:
            manifest = self.manifest(entry.tenant, entry.recording_id)
        except NotStored:
            return None
        return manifest if entry.key in index.keys_of(manifest) else None

    def examined(self, entry: names.Entry) -> Manifest | Unreadable | None:
        """As `listed`, but one bad manifest is no error: it must not hide the others of a list.

        Raises StoreUnavailable.
        """
        try:
            return self.listed(entry)
        except (Tampered, KeyMissing, UnreadableDocument) as error:
            return Unreadable(entry, error.message)

    def is_erased(self, tenant: str, recording_id: str) -> bool:
        """True where a genuine tombstone says so; a planted one counts as absent, and is reported.

        Raises StoreUnavailable.
        """
        key = files(tenant, recording_id).tombstone
        try:
            if self.store.stat(key) is not None:
                self.tombstone(tenant, recording_id)
                return True
        except UnreadableDocument:
            return True  # genuine, of a newer release
        except NotStored:
            pass
        except (Tampered, KeyMissing) as error:
            self._planted.report(key, error.message)
        return False

    def tombstone(self, tenant: str, recording_id: str) -> dict[str, Any]:
        """The verified record of an erasure. Raises NotStored where there was none."""
        content = self.store.get(files(tenant, recording_id).tombstone)
        document = self._verifiers.verified("tombstone", content)
        if (document.get("tenant"), document.get("recording_id")) != (tenant, recording_id):
            raise Tampered("the tombstone belongs to another recording")
        stored_documents.check_version(document, "tombstone", erasure.VERSION)
        return document

    def open(self, tenant: str, recording_id: str) -> ArchivedAudio:
        """Open a recording for reading ranges. An opened one is kept while its object stays.

        Its manifest is read again after ERASED_WITHIN_S: it may say now that nobody may hear it.
        Raises NotStored, Tampered, KeyMissing, StoreUnavailable.
        """
        key = files(tenant, recording_id).audio
        stat = self.store.stat(key)
        kept = self._opened.get((tenant, recording_id))
        is_recent = self._not_erased.get((tenant, recording_id))
        if kept is not None and stat is not None and kept.version == stat.etag and is_recent:
            return kept
        opened = self._open(self.manifest(tenant, recording_id), stat)
        return self._opened.put((tenant, recording_id), opened)

    def analysis(self, tenant: str, recording_id: str) -> dict[str, Any]:
        """The decrypted analysis. Raises NotStored, Tampered, KeyMissing, StoreUnavailable."""
        manifest = self.manifest(tenant, recording_id)
        if manifest.analysis is None:
            raise NotStored("this recording was archived without an analysis")
        document: dict[str, Any] = json.loads(b"".join(self.decrypted(manifest, "analysis")))
        return document

    def decrypted(self, manifest: Manifest, part: Part) -> Iterator[bytes]:
        """A whole object through the SDK, checked against the manifest at its end.

        Only the end proves it. Raises NotStored, Tampered, KeyMissing, StoreUnavailable.
        """
        stored, plain = hashlib.sha256(), hashlib.sha256()
        blocks = watched(self.store.read(object_key(manifest, part)), stored.update)
        context = context_of(manifest.tenant, manifest.recording_id, part)
        yield from watched(decrypt(blocks, self.decryption_keys, context), plain.update)
        found = (stored.hexdigest(), plain.hexdigest())
        if found not in {(one.sha256, one.plaintext_sha256) for one in manifest.admits(part)}:
            raise Tampered(f"the {part} is not the one that the manifest speaks of")

    def complete(self, manifest: Manifest) -> None:
        """Make sure that a committed recording is whole, and finish what a crash left undone.

        Raises Tampered where objects and manifest do not belong together.
        """
        if not describes(self.store, manifest):
            raise Tampered("the stored objects are not those that the manifest speaks of")
        settle(self.store, manifest, self.lock)

    def find(self, recording_id: str) -> tuple[str, ...]:
        """The tenants that hold a recording of this id.

        A single one is from the index alone: whoever goes on meets its manifest. Several are
        confirmed by theirs, so that a planted entry makes no recording ambiguous.
        """
        found = index.tenants_of(self.store, recording_id)
        if len(found) < 2:
            return found
        return tuple(one for one in found if self._is_held(one, recording_id))

    def list(
        self,
        tenant: str,
        *,
        day: date | None = None,
        call_sid: str | None = None,
        cursor: str | None = None,
        limit: int = DEFAULT_PAGE,
    ) -> index.IndexPage:
        """A tenant's recordings: of a call, of a UTC day, or all in the order of time.

        Raises NotStored for an impossible id or cursor, and StoreUnavailable.
        """
        if call_sid is not None:
            return index.by_call(self.store, tenant, call_sid, cursor=cursor, limit=limit)
        return index.by_day(self.store, tenant, day, cursor=cursor, limit=limit)

    def erase(
        self, tenant: str, recording_id: str, *, by: str, reason: str, now: datetime | None = None
    ) -> None:
        """Remove a recording for good, leaving a signed tombstone and an entry in its access log.

        Of one that is erased, what a killed process wrote beside the tombstone.
        Raises NotStored; RetentionLocked, OnLegalHold (then nothing is removed); KeyMissing.
        """
        try:
            manifest = self._manifest(tenant, recording_id)
        except NotStored:
            if self.is_erased(tenant, recording_id) and erasure.remove_what_came_back(
                self.store, files(tenant, recording_id)
            ):
                return
            raise
        self._erase(manifest, by=by, reason=reason, now=now or datetime.now(UTC))

    def erase_older(
        self, days_of: Callable[[str], int | None], *, now: datetime
    ) -> Iterator[tuple[names.Entry, bool]]:
        """Erase what is older than a tenant's days; yields each, and whether it went.

        What is locked or held stays, and so do tenants without days. Raises StoreUnavailable.
        """

        def erase_one(entry: names.Entry, first_kept: date, reason: str) -> None:
            manifest = self._manifest(entry.tenant, entry.recording_id)
            if manifest.at.astimezone(UTC).date() >= first_kept:
                self.store.delete(entry.key)
                raise Tampered("an index entry says an earlier day than the manifest")
            self._erase(manifest, by="retention", reason=reason, now=now)

        return erasure.sweep(self.store, erase_one, days_of, now)

    def _manifest(self, tenant: str, recording_id: str) -> Manifest:
        """The verified manifest, also of a recording whose erasure was interrupted."""
        content = self.store.get(files(tenant, recording_id).manifest)
        manifest = Manifest.of_document(self._verifiers.verified("manifest", content))
        if (manifest.tenant, manifest.recording_id) != (tenant, recording_id):
            raise Tampered("the manifest belongs to another recording")
        return manifest

    def _erase(self, manifest: Manifest, *, by: str, reason: str, now: datetime) -> None:
        recording = manifest.tenant, manifest.recording_id
        erasure.erase(
            self.store,
            self.access_log,
            self.holds,
            self.signer,
            manifest,
            by=by,
            reason=reason,
            now=now,
            tombstone=not self.is_erased(*recording),
            announce=lambda: [call(manifest, by) for call in self._at_erasure],
        )
        self._not_erased.remove(recording)

    def _refuse_erased(self, tenant: str, recording_id: str) -> None:
        """Raises NotStored for an erased recording of which something was put back.

        The answer "not erased" is kept for ERASED_WITHIN_S: a listener asks for many ranges.
        """
        if self._not_erased.get((tenant, recording_id)):
            return
        if self.is_erased(tenant, recording_id):
            raise NotStored("this recording was erased, and something of it was put back")
        self._not_erased.put((tenant, recording_id), True)

    def _refuse_older(self, manifest: Manifest) -> None:
        """Raises Tampered for a manifest older than one that this process has seen.

        What no process remembers is compared with the access log by `verification`.
        """
        recording = manifest.tenant, manifest.recording_id
        if manifest.generation < (self._generations.get(recording) or 1):
            raise Tampered("an older manifest of this recording was put back")
        if manifest.generation > 1:
            self._generations.put(recording, manifest.generation)

    def _is_held(self, tenant: str, recording_id: str) -> bool:
        """False where there is no manifest; one that cannot be verified is for who asks for it."""
        try:
            self.manifest(tenant, recording_id)
        except NotStored:
            return False
        except (Tampered, KeyMissing, UnreadableDocument):
            return True
        return True

    def _open(self, manifest: Manifest, stat: Stat | None) -> ArchivedAudio:
        if stat is None:
            raise Tampered("the audio that the manifest speaks of is not there")
        admitted = {one.header_sha256: one for one in manifest.admits("audio")}
        if stat.size not in {one.size for one in admitted.values()}:
            raise Tampered("the audio is not of the size that the manifest says")
        context = context_of(manifest.tenant, manifest.recording_id, "audio")
        open_key = open_with(self.decryption_keys, context)
        found: list[Sealed] = []

        def open_pinned(header: Header) -> bytes:
            sealed = admitted.get(header_sha256(header))
            if sealed is None:
                raise Tampered("the audio is not the one that the manifest speaks of")
            found.append(sealed)
            return open_key(header)

        reader = RangeReader.open(fetcher(self.store, stat), stat.size, open_pinned)
        if reader.length != found[0].plaintext_size:
            raise Tampered("the audio is not as long as the manifest says")
        return ArchivedAudio(manifest, found[0], reader, stat.etag)
