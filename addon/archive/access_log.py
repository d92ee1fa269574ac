"""Access log of each recording: one small object an event, signed and chained, never changed.

Events outlive their recording. The only personal data in one is the name of who acted. The chain
(event_chain) shows a missing event; its heads, one object a process, show a missing end.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple

from addon.archive import event_chain
from addon.archive.event_chain import EventChain
from addon.archive.names import checked_id
from addon.archive.prefixes import AUDIT, AUDIT_HEADS
from addon.archive.signed_documents import DocumentSigner
from addon.archive.store import Store
from addon.errors import AddonError, NotStored, Tampered

KIND = "access log event"
HEAD_KIND = "access log head"

Event = dict[str, Any]


class EventPage(NamedTuple):
    """Events, the latest first; `cursor` goes on with the older ones, None at the end."""

    events: list[Event]
    cursor: str | None


class AccessLog:
    """Access log of all recordings in one store.

    Without a key it neither signs nor judges: a process that holds none can still read and act.
    """

    def __init__(self, store: Store, signer: DocumentSigner | None = None) -> None:
        self._store = store
        self._signer = signer if signer is not None and signer.can_sign else None
        self._chain = EventChain()

    def record(
        self,
        tenant: str,
        recording_id: str,
        event: str,
        facts: Mapping[str, Any],
        *,
        at: datetime,
        with_head: bool = True,
    ) -> None:
        """Add an event, durably. Raises StoreUnavailable.

        Without `with_head` the caller writes the head later, for many events at once.
        """
        at = at.astimezone(UTC)
        document = {"at": at.isoformat(), "event": event, **facts}
        name = f"{at:%Y%m%dT%H%M%S.%f}Z-{secrets.token_hex(4)}.json"
        key = _prefix(tenant, recording_id) + name
        if self._signer is None:
            self._store.put(key, [json.dumps(document).encode() + b"\n"])
            return
        signer = self._signer
        number, content = self._chain.add(
            key, document, lambda linked: signer.sign(KIND, key, linked)
        )
        try:
            self._store.put(key, [content])
        except BaseException:
            self._chain.refused(number)
            raise
        self._chain.written(number)
        if with_head:
            self.write_head()

    def write_head(self) -> None:
        """Write how far this process's chain goes. Raises StoreUnavailable."""
        head = self._chain.head()
        if head is None or self._signer is None:
            return
        key = f"{AUDIT_HEADS}{head.writer}.json"
        content = self._signer.sign(HEAD_KIND, key, {"version": 1, **head._asdict()})
        self._store.put(key, [content], if_absent=False)

    def events(self, tenant: str, recording_id: str) -> Iterator[Event]:
        """A recording's events in the order of time.

        One that is not genuine is given too, with `trouble`: the reason.
        """
        for stat in self._store.list(_prefix(tenant, recording_id)):
            yield self._event(stat.key)

    def has(self, tenant: str, recording_id: str, event: str) -> bool:
        """True where a genuine event of this name is there."""
        events = self.events(tenant, recording_id)
        return any(one["event"] == event and "trouble" not in one for one in events)

    def page(
        self, tenant: str, recording_id: str, *, cursor: str | None = None, limit: int
    ) -> EventPage:
        """The last `limit` events, or those before `cursor`, the latest first; no other is read."""
        prefix = _prefix(tenant, recording_id)
        before = prefix + cursor if cursor is not None else None
        keys = [stat.key for stat in self._store.list(prefix)]
        older = (key for key in reversed(keys) if before is None or key < before)
        found = list(islice(older, limit + 1))
        more = len(found) > limit
        shown = found[:limit]
        cursor = shown[-1].removeprefix(prefix) if more else None
        return EventPage([self._event(key) for key in shown], cursor)

    def _event(self, key: str) -> Event:
        """The event at a key, without link and MAC."""
        try:
            content = self._store.get(key)
        except (Tampered, NotStored) as error:
            return _unreadable(key, error)
        try:
            if self._signer is not None:
                return _shown(self._signer.verified(KIND, key, content))
        except Tampered as error:
            return {**_read(key, content), "trouble": error.message}
        return _read(key, content)


def _read(key: str, content: bytes) -> Event:
    try:
        document = json.loads(content)
        document.pop("mac", None)
        return _shown(document)
    except (ValueError, TypeError, AttributeError, RecursionError, Tampered):
        return _unreadable(key, Tampered("this event of the access log is malformed"))


def _shown(document: dict[str, Any]) -> Event:
    """An event of another form than ours is malformed, whoever signed it."""
    document.pop(event_chain.FIELD, None)
    try:
        moment = datetime.fromisoformat(document["at"])
        if moment.tzinfo is None or not isinstance(document["event"], str):
            raise ValueError("no zone, or no name")
    except (KeyError, TypeError, ValueError):
        raise Tampered("this event of the access log is malformed") from None
    return document


def _unreadable(key: str, error: AddonError) -> Event:
    """An event of which only the name of its object is known."""
    moment = key.rpartition("/")[2].partition("Z-")[0]
    try:
        at = datetime.strptime(moment, "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC).isoformat()
    except ValueError:
        at = datetime.min.replace(tzinfo=UTC).isoformat()
    return {"at": at, "event": "unreadable", "trouble": error.message}


def _prefix(tenant: str, recording_id: str) -> str:
    return f"{AUDIT}{checked_id(tenant)}/{checked_id(recording_id)}/"
