"""Deletes recordings at Twilio that are safe here: planned in the store, proven, on record.

Nothing may be deleted that was not just read back whole and compared with its signed manifest, and
nothing before its time (spec/protocol 4.4). A plan outlives Redis and any crash; every step may be
taken twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from addon import log, steady_clock, stored_documents
from addon.archive.access_log import AccessLog
from addon.archive.archive import Archive
from addon.archive.configured import control_signer
from addon.archive.manifest import Manifest
from addon.archive.prefixes import FLEX_DELETIONS
from addon.archive.signed_documents import DocumentSigner
from addon.archive.store import Store
from addon.archive.verification import compare, verify
from addon.errors import (
    AlreadyStored,
    ArchiveError,
    KeyMissing,
    NotStored,
    Tampered,
    TwilioUnavailable,
    UnreadableDocument,
)
from addon.settings import DELETE_AT_SOURCE_FLOOR_S, Settings
from addon.twilio.recordings import Recordings
from addon.twilio.status_callback import StatusCallback
from workers.flex_source import rest
from workers.services import Services

HELD = "held"
"""Stands in a key where others have their time; it sorts behind every one of them."""

VERSION = 1
WHAT = "plan of deletion"
"""How errors and the MAC call a plan."""

STAMP = "%Y%m%dT%H%M%SZ"

POSTPONED = timedelta(hours=1)
"""Before what Twilio did not take is tried again; the others need not wait for it."""

PLANNED_EVENT = "deletion_planned"
DELETED_EVENT = "deleted_at_source"
KEPT_EVENT = "kept_at_source"

logger = log.get("flex")


@dataclass(frozen=True)
class Plan:
    """One recording that is to be deleted at Twilio, or, with `due` None, is held back."""

    tenant: str
    recording_sid: str
    due: datetime | None

    @property
    def key(self) -> str:
        """Its store key: plans are listed in the order of time."""
        stamp = self.due.strftime(STAMP) if self.due else HELD
        return f"{FLEX_DELETIONS}{stamp}-{self.tenant}-{self.recording_sid}"

    @classmethod
    def of_key(cls, key: str) -> Plan | None:
        """The reverse of `key`; None for a key of another release's form: nothing is deleted."""
        try:
            stamp, tenant, recording_sid = key.removeprefix(FLEX_DELETIONS).split("-")
            due = None if stamp == HELD else datetime.strptime(stamp, STAMP).replace(tzinfo=UTC)
        except ValueError:
            logger.error("a plan of deletion cannot be read", key=key)
            return None
        return cls(tenant, recording_sid, due)


def plan(archive: Archive, settings: Settings, callback: StatusCallback) -> None:
    """Plan a recording's deletion, durably; nothing where DELETE_AT_SOURCE_AFTER_S is 0.

    Raises StoreUnavailable.
    """
    if not settings.delete_at_source_after_s:
        return
    delay = max(settings.delete_at_source_after_s, DELETE_AT_SOURCE_FLOOR_S)
    # From its announcement, which comes after its end: the same time however often it is asked.
    due = callback.received_at.astimezone(UTC) + timedelta(seconds=delay)
    planned = Plan(callback.account_sid, callback.recording_sid, due)
    signer = control_signer(settings)
    content = [signer.sign(WHAT, planned.key, {"version": VERSION})]
    try:
        archive.store.put(planned.key, content)
    except AlreadyStored:
        if _believed(archive.store, signer, planned) is not None:
            return
        archive.store.put(planned.key, content, if_absent=False)
    _record(archive.access_log, planned, PLANNED_EVENT, {"due": due.isoformat(timespec="seconds")})


def plans(store: Store) -> Iterator[Plan]:
    """Everything that waits, in the order of time, and then what is held back: by its name alone,
    which proves nothing."""
    for stat in store.list(FLEX_DELETIONS):
        found = Plan.of_key(stat.key)
        if found is not None:
            yield found


def why_held(store: Store, settings: Settings, held: Plan) -> str:
    """The reason that a held plan gives; that it is none of ours where nobody here signed it."""
    document = _believed(store, control_signer(settings), held)
    return "this plan is not ours" if document is None else str(document.get("reason", ""))


def delete_due(services: Services, now: datetime | None = None) -> int:
    """Delete what is due; returns how many are gone. A recording that fails its proof is held back.

    Raises StoreUnavailable; what Twilio does not take is postponed, and this round ends.
    """
    if not services.settings.delete_at_source_after_s:
        return 0
    moment, deleted = now or datetime.fromtimestamp(steady_clock.now(), UTC), 0
    signer = control_signer(services.settings)
    for planned in plans(services.store):
        if planned.due is None or planned.due > moment:
            break
        if _believed(services.store, signer, planned) is None:
            continue
        try:
            _delete(services, planned)
            deleted += 1
        except ArchiveError as error:
            _hold(services, signer, planned, error.message)
        except TwilioUnavailable as error:
            logger.warning("not deleted at Twilio", reason=error.message)
            _move(services.store, signer, planned, Plan(*_who(planned), moment + POSTPONED), {})
            break
    return deleted


def _delete(services: Services, planned: Plan) -> None:
    """Prove, delete, record, forget: each step leaves what the one before needs to run again."""
    store, settings = services.store, services.settings
    if planned.tenant != settings.twilio_account_sid:
        raise NotStored("the recording belongs to another account than TWILIO_ACCOUNT_SID")
    if not services.archive.access_log.has(*_who(planned), DELETED_EVENT):
        manifest, decrypted = proven(services.archive, planned)
        Recordings(rest(settings)).delete(planned.recording_sid)
        facts = {"audio_sha256": manifest.audio.sha256, "decrypted": decrypted}
        _record(services.archive.access_log, planned, DELETED_EVENT, facts)
    store.delete(planned.key)
    logger.info("deleted at Twilio", recording=planned.recording_sid)


def proven(archive: Archive, planned: Plan) -> tuple[Manifest, bool]:
    """Read every object back and compare it with the manifest; also decrypt it where that can be.

    Gives the manifest, and whether it was decrypted. Raises NotStored, Tampered, KeyMissing for a
    signature of nobody known, StoreUnavailable.
    """
    who = _who(planned)
    if archive.decryption_keys:
        try:
            return verify(archive, *who), True
        except KeyMissing:
            logger.info("no key here opens the recording; its ciphertext is compared")
    return compare(archive, *who), False


def _hold(services: Services, signer: DocumentSigner, planned: Plan, reason: str) -> None:
    """Keep it at Twilio, on record, and call a person."""
    logger.error("kept at Twilio", alarm=True, recording=planned.recording_sid, reason=reason)
    _record(services.archive.access_log, planned, KEPT_EVENT, {"reason": reason})
    _move(services.store, signer, planned, Plan(*_who(planned), None), {"reason": reason})


def _move(
    store: Store, signer: DocumentSigner, planned: Plan, to: Plan, content: Mapping[str, Any]
) -> None:
    """Fields that a newer release wrote go along."""
    kept = _believed(store, signer, planned) or {}
    signed = signer.sign(WHAT, to.key, {**kept, "version": VERSION, **content})
    store.put(to.key, [signed], if_absent=False)
    store.delete(planned.key)


def _believed(store: Store, signer: DocumentSigner, planned: Plan) -> dict[str, Any] | None:
    """The document of a plan; None where there is none, it is not ours, or of a newer version.

    Raises StoreUnavailable.
    """
    try:
        document = signer.believed(WHAT, planned.key, store.get(planned.key))
        if document is not None:
            stored_documents.check_version(document, WHAT, VERSION)
        return document
    except (NotStored, Tampered, UnreadableDocument):
        return None


def _record(access_log: AccessLog, planned: Plan, event: str, facts: Mapping[str, Any]) -> None:
    access_log.record(
        *_who(planned), event, {"by": "deletion at source", **facts}, at=datetime.now(UTC)
    )


def _who(planned: Plan) -> tuple[str, str]:
    return planned.tenant, planned.recording_sid
