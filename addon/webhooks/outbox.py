"""Outbox: the events that were promised, in the store until every endpoint has taken them.

An event and a mark for each endpoint are durable before whatever promised it goes on, so that a
crash or a lost Redis loses none. The event itself is written last: as long as it is missing, its
promise is made again. It stays for KEPT, so that a promise that is repeated sends nothing twice,
and people can send it again.

A delivery has the name `<event>-<endpoint>`, in its job's id too: RQ takes no other characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple, Self

from addon.archive.manifest import Manifest
from addon.archive.prefixes import (
    WEBHOOK_ENDPOINTS,
    WEBHOOK_EVENTS,
    WEBHOOK_HEALTH,
    WEBHOOK_PENDING,
)
from addon.archive.store import Store
from addon.errors import AlreadyStored, NotFound, NotStored
from addon.settings import Settings
from addon.webhooks import events
from addon.webhooks.endpoints import Endpoint, Endpoints, Health
from addon.webhooks.events import Event
from addon.webhooks.sealed import SealedDocuments

KEPT = timedelta(days=7)
"""Twice as long as a delivery is tried, and a week to send an event again by hand."""


_NAME = re.compile(r"([A-Za-z0-9_]{1,64})-([A-Za-z0-9_]{1,64})")


class DeliveryName(NamedTuple):
    """A delivery: which event goes to which endpoint."""

    event_id: str
    endpoint_id: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """The reverse of `str`. Raises NotStored for a text that is no such name."""
        found = _NAME.fullmatch(text)
        if found is None:
            raise NotStored("no delivery can have such a name")
        return cls(*found.groups())

    def __str__(self) -> str:
        return "-".join(self)


class Outbox:
    """The events and the marks of pending deliveries in one store."""

    def __init__(self, documents: SealedDocuments, endpoints: Endpoints) -> None:
        self.endpoints = endpoints
        self._documents = documents
        self._store = documents.store

    @classmethod
    def from_settings(cls, settings: Settings, store: Store) -> Self:
        """The outbox of a deployment. Raises SettingsError for a wrong WEBHOOK_HOSTS."""
        return cls(
            SealedDocuments.from_settings(settings, store),
            Endpoints.from_settings(settings, store),
        )

    def is_wanted(self, install: str) -> bool:
        """True where the install has an endpoint; costs next to nothing where it has none."""
        return bool(self.endpoints.active(install))

    def promise(self, event: Event) -> list[str]:
        """Make an event durable for every endpoint that takes it; the names of its deliveries.

        None where no endpoint takes it, or it was promised before. Raises StoreUnavailable.
        """
        takers = [one for one in self.endpoints.active(event.install) if one.takes(event.type)]
        key = WEBHOOK_EVENTS + event.id
        if not takers or self._documents.get(Event, key) is not None:
            return []
        names = [DeliveryName(event.id, one.endpoint.id) for one in takers]
        for name in names:
            self.mark(name)
        self._documents.put(key, event)
        return [str(name) for name in names]

    def promise_erasure(self, manifest: Manifest, by: str) -> None:
        """Promise that a recording was erased; what `Archive.at_erasure` calls."""
        if self.is_wanted(manifest.tenant):
            self.promise(events.erased(manifest, by=by))

    def mark(self, name: DeliveryName) -> None:
        """Note that a delivery is to be made, also once more. Raises StoreUnavailable."""
        try:
            self._store.put(f"{WEBHOOK_PENDING}{name}", [])
        except AlreadyStored:
            return

    def event(self, event_id: str) -> Event:
        """A promised event; its install is the caller's to compare. Raises NotFound,
        StoreUnavailable."""
        found = self._documents.get(Event, WEBHOOK_EVENTS + event_id)
        if found is None:
            raise NotFound("there is no such event, or it is too old to be sent")
        return found

    def pending_since(self, name: DeliveryName) -> datetime | None:
        """Since when a delivery is to be made; None where it is not. Raises StoreUnavailable."""
        stat = self._store.stat(f"{WEBHOOK_PENDING}{name}")
        return None if stat is None else stat.modified

    def pending(self) -> Iterator[str]:
        """The names of all deliveries that are still to be made. Raises StoreUnavailable."""
        for stat in self._store.list(WEBHOOK_PENDING):
            yield stat.key.removeprefix(WEBHOOK_PENDING)

    def settle(self, name: DeliveryName) -> None:
        """A delivery is over, whatever became of it. Raises StoreUnavailable."""
        self._store.delete(f"{WEBHOOK_PENDING}{name}")

    def encrypt_anew(self) -> None:
        """Encrypt endpoints and events with the newest key. Raises StoreUnavailable."""
        self._documents.encrypt_anew(Endpoint, WEBHOOK_ENDPOINTS)
        self._documents.encrypt_anew(Health, WEBHOOK_HEALTH)
        self._documents.encrypt_anew(Event, WEBHOOK_EVENTS)

    def forget_before(self, moment: datetime) -> Iterator[str]:
        """Remove events that were promised before, with their marks; yields each that went.

        Raises StoreUnavailable.
        """
        for prefix in (WEBHOOK_PENDING, WEBHOOK_EVENTS):
            for stat in self._store.list(prefix):
                if stat.modified < moment:
                    self._store.delete(stat.key)
                    yield stat.key
