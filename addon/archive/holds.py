"""Legal holds: signed documents that keep single recordings from being erased.

A hold says who placed it, when and why, in a document with a MAC at `holds/<tenant>/<id>`. Lifting
it writes that it was lifted; the document is never removed. The access log has both steps, so an
erasure also notices a hold that somebody removed, or an older document that was put back. Whatever
cannot be believed counts as a hold: an erasure cannot be taken back, and a hold can be lifted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from addon import stored_documents
from addon.archive.access_log import AccessLog
from addon.archive.manifest import Manifest
from addon.archive.names import checked_id, files
from addon.archive.prefixes import HOLDS
from addon.archive.signed_documents import DocumentSigner
from addon.archive.store import Store
from addon.errors import KeyMissing, NotStored, OnLegalHold, Tampered, UnreadableDocument

VERSION = 1
KIND = "legal hold"
"""The name of the document in errors and in its signature."""

HELD, RELEASED = "held", "released"
"""The events in the access log."""

MAX_REASON = 500
"""Characters: a sentence and the number of a case."""


@dataclass(frozen=True)
class Hold:
    """A hold on one recording; `trouble` says why it counts as one although it is not believed."""

    tenant: str
    recording_id: str
    by: str = ""
    at: datetime | None = None
    reason: str = ""
    trouble: str | None = None


class Holds:
    """The legal holds in one store; `signer` None reads none of them as genuine."""

    def __init__(self, store: Store, signer: DocumentSigner | None, access_log: AccessLog) -> None:
        self._store = store
        self._signer = signer
        self._access_log = access_log

    def get(self, tenant: str, recording_id: str) -> Hold | None:
        """The hold that the document says, for pages: one request. Raises StoreUnavailable."""
        document = self._document(tenant, recording_id)
        if isinstance(document, Hold):
            return document
        return _hold(tenant, recording_id, document) if document and document["held"] else None

    def standing(self, tenant: str, recording_id: str) -> Hold | None:
        """The hold by the document and the access log, for an erasure. Raises StoreUnavailable."""
        found = self.get(tenant, recording_id)
        if found is not None:
            return found
        events = self._access_log.events(tenant, recording_id)
        steps = [e for e in events if e["event"] in (HELD, RELEASED) and "trouble" not in e]
        if not steps or steps[-1]["event"] == RELEASED:
            return None
        trouble = "the access log has a hold whose document was removed or replaced"
        return _hold(tenant, recording_id, steps[-1], trouble)

    def refuse(self, tenant: str, recording_id: str) -> None:
        """Raises OnLegalHold for a recording that is held."""
        found = self.standing(tenant, recording_id)
        if found is None:
            return
        since = f" since {found.at:%Y-%m-%d}" if found.at else ""
        raise OnLegalHold(
            f"{recording_id} is on legal hold{since}: {found.trouble or found.reason}"
        )

    def all(self) -> Iterator[Hold]:
        """Every hold whose document is there. Raises StoreUnavailable."""
        for stat in self._store.list(HOLDS):
            tenant, _, recording_id = stat.key.removeprefix(HOLDS).partition("/")
            try:
                found = self.get(tenant, recording_id)
            except NotStored:
                continue  # a key that is not written here
            if found is not None:
                yield found

    def _write(self, tenant: str, recording_id: str, document: dict[str, Any]) -> None:
        if self._signer is None or not self._signer.can_sign:
            raise KeyMissing(
                "this process has no key to sign a hold with", remedy="Set CONTROL_KEYS."
            )
        key = _key(tenant, recording_id)
        content = self._signer.sign(KIND, key, {"version": VERSION, **document})
        self._store.put(key, [content], if_absent=False)
        event = HELD if document["held"] else RELEASED
        facts = {"by": document["by"], "reason": document["reason"]}
        at = datetime.fromisoformat(document["at"])
        self._access_log.record(tenant, recording_id, event, facts, at=at)

    def place(self, hold: Hold, manifest_of: Callable[[str, str], Manifest]) -> None:
        """Write a hold, and make sure that the recording is still there afterwards.

        `manifest_of` is the archive's. Raises NotStored for a recording that is not there or was
        erased meanwhile, KeyMissing, StoreUnavailable.
        """
        recording = hold.tenant, hold.recording_id
        self._require(recording, manifest_of)
        self._write(*recording, _document_of(hold, held=True))
        self._require(recording, manifest_of)

    def lift(self, hold: Hold) -> None:
        """Lift a hold; `by`, `at` and `reason` are those of the lifting.

        Raises NotStored where none stands, KeyMissing, StoreUnavailable.
        """
        if self.standing(hold.tenant, hold.recording_id) is None:
            raise NotStored("this recording is not on hold")
        self._write(hold.tenant, hold.recording_id, _document_of(hold, held=False))

    def _require(
        self, recording: tuple[str, str], manifest_of: Callable[[str, str], Manifest]
    ) -> None:
        manifest_of(*recording)
        if self._store.stat(files(*recording).audio) is None:
            raise NotStored("this recording is being erased")

    def _document(self, tenant: str, recording_id: str) -> dict[str, Any] | Hold | None:
        """The genuine document, a hold with trouble for another one, None where there is none."""
        key = _key(tenant, recording_id)
        try:
            content = self._store.get(key)
            if self._signer is None:
                raise Tampered("no key is here that verifies the hold")
            document = self._signer.verified(KIND, key, content)
            stored_documents.check_version(document, KIND, VERSION)
            if not isinstance(document.get("held"), bool):
                raise UnreadableDocument("the hold does not say whether it stands")
            return document
        except NotStored:
            return None
        except (Tampered, UnreadableDocument) as error:
            return Hold(tenant, recording_id, trouble=error.message)


def _key(tenant: str, recording_id: str) -> str:
    return f"{HOLDS}{checked_id(tenant)}/{checked_id(recording_id)}"


def _hold(
    tenant: str, recording_id: str, document: dict[str, Any], trouble: str | None = None
) -> Hold:
    try:
        at = datetime.fromisoformat(str(document.get("at")))
    except ValueError:
        at = None
    by, reason = str(document.get("by", "")), str(document.get("reason", ""))
    return Hold(tenant, recording_id, by, at, reason, trouble)


def _document_of(hold: Hold, *, held: bool) -> dict[str, Any]:
    at = (hold.at or datetime.now(UTC)).astimezone(UTC).isoformat()
    return {"held": held, "by": hold.by, "at": at, "reason": hold.reason[:MAX_REASON]}
