"""Endpoints: the addresses that an install's events are sent to, with the secrets that sign them.

People and programs write an endpoint, workers alone its health, so that neither loses what the
other has written. A secret is shown once, when it is made; after a rotation the one before signs
as well for ROTATION.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

from addon.archive.names import checked_id
from addon.archive.prefixes import WEBHOOK_ENDPOINTS, WEBHOOK_HEALTH
from addon.archive.store import Store
from addon.bounded_cache import BoundedCache
from addon.errors import InvalidParameter, NotFound, NotStored
from addon.outbound import Origins, split
from addon.settings import Settings
from addon.stored_documents import StoredDocument
from addon.webhooks.events import TYPES
from addon.webhooks.sealed import SealedDocuments

ROTATION = timedelta(hours=24)
"""How long the secret before signs beside a new one: a working day to change a receiver."""

DISABLED_AFTER = timedelta(days=5)
"""An endpoint that has taken nothing for so long is disabled: longer than a weekend."""

TRIES_TO_DISABLE = 5
"""A delivery of so many tries has waited for hours: a clock that jumps disables no endpoint."""

MAX_ENDPOINTS = 10
"""Endpoints of one install: each event is stored and sent once for each."""

MAX_URL = 2000
MAX_LABEL = 100

REMEMBERED = 4096
REMEMBERED_S = 10.0
"""A worker asks for an install's endpoints with every recording: a new one counts after so long,
and an install without any costs a look into memory."""

SECRET_MARK = "whsec_"  # noqa: S105 - how every secret begins
SECRET_BYTES = 32
ID_MARK = "whk_"


@dataclass(frozen=True)
class Health(StoredDocument):
    """The state of an endpoint as deliveries found it. Times are ISO 8601."""

    KIND: ClassVar[str] = "health of a webhook endpoint"

    failing_since: str | None = None
    disabled_at: str | None = None
    reason: str | None = None
    version: int = 1


HEALTHY = Health()


@dataclass(frozen=True)
class Endpoint(StoredDocument):
    """One endpoint. `events` are the types that it gets; `disabled_at` is when a person stopped it.

    `previous` is the secret before, which signs as well until `previous_until`.
    """

    KIND: ClassVar[str] = "webhook endpoint"

    id: str
    install: str
    url: str = field(repr=False)
    events: tuple[str, ...]
    secret: str = field(repr=False)
    created_at: str
    label: str = ""
    previous: str | None = field(default=None, repr=False)
    previous_until: str | None = None
    disabled_at: str | None = None
    removed_at: str | None = None
    version: int = 1

    @property
    def key(self) -> str:
        """Its key in the store."""
        return f"{WEBHOOK_ENDPOINTS}{self.install}/{self.id}"

    @property
    def origin(self) -> str:
        """Scheme, host and port of its URL, whose path may hold a secret of the receiver's."""
        return str(split(self.url).origin)

    def secrets(self, now: datetime) -> tuple[str, ...]:
        """The secrets that sign at this moment, newest first."""
        until = self.previous_until and datetime.fromisoformat(self.previous_until)
        return (
            (self.secret, self.previous)
            if self.previous and until and now < until
            else (self.secret,)
        )


@dataclass(frozen=True)
class Known:
    """An endpoint with its health."""

    endpoint: Endpoint
    health: Health = HEALTHY

    @property
    def state(self) -> str:
        """ "active", "failing" or "disabled"."""
        if self.disabled_at is not None:
            return "disabled"
        return "failing" if self.health.failing_since else "active"

    @property
    def disabled_at(self) -> str | None:
        """When it was disabled, by a person or by itself."""
        return self.endpoint.disabled_at or self.health.disabled_at

    @property
    def reason(self) -> str | None:
        """Why it is disabled or failing, in words."""
        return "A person disabled it." if self.endpoint.disabled_at else self.health.reason

    def takes(self, kind: str) -> bool:
        """True where an event of this type is to be sent there."""
        return self.disabled_at is None and kind in self.endpoint.events

    def as_document(self) -> dict[str, Any]:
        """For people and programs: all but the secrets."""
        endpoint = self.endpoint
        return {
            "id": endpoint.id,
            "install": endpoint.install,
            "url": endpoint.url,
            "label": endpoint.label,
            "events": list(endpoint.events),
            "state": self.state,
            "state_reason": self.reason,
            "created_at": endpoint.created_at,
            "failing_since": self.health.failing_since,
            "disabled_at": self.disabled_at,
            "previous_secret_until": endpoint.previous_until,
        }


class Endpoints:
    """The endpoints of all installs."""

    def __init__(self, documents: SealedDocuments, hosts: Iterable[str]) -> None:
        self._documents = documents
        self.origins = Origins(hosts, setting="WEBHOOK_HOSTS")
        self.is_offered = bool(tuple(hosts))
        self._active: BoundedCache[str, tuple[Known, ...]] = BoundedCache(
            REMEMBERED, seconds=REMEMBERED_S
        )

    @classmethod
    def from_settings(cls, settings: Settings, store: Store) -> Self:
        """The endpoints of a deployment. Raises SettingsError for a wrong WEBHOOK_HOSTS."""
        return cls(SealedDocuments.from_settings(settings, store), settings.webhook_hosts)

    def active(self, install: str) -> tuple[Known, ...]:
        """The endpoints of an install that are not disabled; known for REMEMBERED_S.

        Raises StoreUnavailable.
        """
        if not self.is_offered:
            return ()
        return self._active.get_or(install, lambda: self._find_active(install))

    def _find_active(self, install: str) -> tuple[Known, ...]:
        return tuple(one for one in self.of(install) if one.disabled_at is None)

    def of(self, install: str) -> Iterator[Known]:
        """Every endpoint of an install, oldest first. Raises StoreUnavailable."""
        try:
            beginning = f"{WEBHOOK_ENDPOINTS}{checked_id(install)}/"
        except NotStored:
            return
        yield from sorted(self._under(beginning), key=lambda one: one.endpoint.created_at)

    def all(self) -> Iterator[Known]:
        """Every endpoint, by install. Raises StoreUnavailable."""
        return self._under(WEBHOOK_ENDPOINTS)

    def _under(self, prefix: str) -> Iterator[Known]:
        for stat in self._documents.store.list(prefix):
            found = self._read(stat.key)
            if found is not None:
                yield found

    def get(self, install: str, endpoint_id: str) -> Known:
        """One endpoint as it is now. Raises NotFound, StoreUnavailable."""
        try:
            key = f"{WEBHOOK_ENDPOINTS}{checked_id(install)}/{checked_id(endpoint_id)}"
        except NotStored:
            raise NotFound("there is no such endpoint") from None
        found = self._read(key)
        if found is None:
            raise NotFound("there is no such endpoint")
        return found

    def find(self, endpoint_id: str, installs: Iterable[str]) -> Known:
        """The endpoint of this id in one of the installs. Raises NotFound, StoreUnavailable."""
        for install in installs:
            try:
                return self.get(install, endpoint_id)
            except NotFound:
                continue
        raise NotFound("there is no such endpoint")

    def installs(self) -> list[str]:
        """The installs that have, or had, an endpoint. Raises StoreUnavailable."""
        keys = (stat.key for stat in self._documents.store.list(WEBHOOK_ENDPOINTS))
        return sorted({key.split("/")[1] for key in keys})

    def create(
        self, install: str, url: str, events: Iterable[str] = TYPES, label: str = ""
    ) -> Endpoint:
        """A new endpoint, with its secret in the clear for this once.

        Raises InvalidParameter for a URL that may not be sent to, an unknown event, or one endpoint
        too many; NotStored for an impossible install; StoreUnavailable.
        """
        self._check_url(url)
        chosen = self._checked_events(events)
        if len(label) > MAX_LABEL or not label.isprintable():
            raise InvalidParameter(f"label: at most {MAX_LABEL} printable characters")
        if len(list(self.of(install))) >= MAX_ENDPOINTS:
            raise InvalidParameter(f"install: it has {MAX_ENDPOINTS} endpoints, remove one first")
        made = Endpoint(
            id=ID_MARK + secrets.token_hex(12),
            install=checked_id(install),
            url=url,
            events=chosen,
            secret=_new_secret(),
            created_at=_iso(datetime.now(UTC)),
            label=label,
        )
        self._write(made)
        return made

    def rotate(self, install: str, endpoint_id: str) -> Endpoint:
        """Give it a new secret; the one before signs as well for ROTATION. Raises NotFound."""
        found = self.get(install, endpoint_id).endpoint
        rotated = replace(
            found,
            secret=_new_secret(),
            previous=found.secret,
            previous_until=_iso(datetime.now(UTC) + ROTATION),
        )
        self._write(rotated)
        return rotated

    def disable(self, install: str, endpoint_id: str) -> None:
        """Stop it, as a person wants it. Raises NotFound."""
        found = self.get(install, endpoint_id).endpoint
        self._write(replace(found, disabled_at=_iso(datetime.now(UTC))))

    def enable(self, install: str, endpoint_id: str) -> None:
        """Let it have events again; what was missed meanwhile is not sent. Raises NotFound."""
        found = self.get(install, endpoint_id).endpoint
        self.recovered(found)
        self._write(replace(found, disabled_at=None))

    def remove(self, install: str, endpoint_id: str) -> None:
        """Remove it with its secret. Raises NotFound.

        A document that says so stays: one that is put back from a backup beside it changes nothing.
        """
        found = self.get(install, endpoint_id).endpoint
        self.recovered(found)
        gone = replace(found, url="", secret="", previous=None, label="")
        self._write(replace(gone, removed_at=_iso(datetime.now(UTC))))

    def failed(
        self, known: Known, reason: str, *, for_good: bool, tries: int, now: datetime
    ) -> Health:
        """Note a try that was not taken, of a delivery with so many; `for_good` disables it.

        It is also disabled where it has taken nothing for DISABLED_AFTER: told by times in the
        store, and only by a delivery that has waited itself. Raises StoreUnavailable.
        """
        since = known.health.failing_since or _iso(now)
        lasts = now - datetime.fromisoformat(since) >= DISABLED_AFTER
        is_over = for_good or (lasts and tries >= TRIES_TO_DISABLE)
        if is_over and not for_good:
            reason = f"It took nothing for {DISABLED_AFTER.days} days. At last: {reason}"
        health = Health(since, _iso(now) if is_over else None, reason)
        if is_over or known.health.failing_since is None:
            self._documents.put(_health_key(known.endpoint), health)
        return health

    def recovered(self, endpoint: Endpoint) -> None:
        """Forget that it failed. Raises StoreUnavailable."""
        self._documents.store.delete(_health_key(endpoint))

    def _read(self, key: str) -> Known | None:
        endpoint = self._documents.get(Endpoint, key)
        if endpoint is None or endpoint.removed_at is not None:
            return None
        endpoint = replace(endpoint, events=tuple(endpoint.events))
        return Known(endpoint, self._documents.get(Health, _health_key(endpoint)) or HEALTHY)

    def _write(self, endpoint: Endpoint) -> None:
        self._documents.put(endpoint.key, endpoint)
        self._active.remove(endpoint.install)

    def _check_url(self, url: str) -> None:
        if not self.origins.admits(url) or len(url) > MAX_URL:
            raise InvalidParameter(
                "url: not one that events may be sent to; the operator names hosts in WEBHOOK_HOSTS"
            )

    def _checked_events(self, events: Iterable[str]) -> tuple[str, ...]:
        chosen = set(events)
        if not chosen or not chosen <= set(TYPES):
            raise InvalidParameter(f"events: one or several of {', '.join(TYPES)}")
        return tuple(kind for kind in TYPES if kind in chosen)


def _new_secret() -> str:
    return SECRET_MARK + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _health_key(endpoint: Endpoint) -> str:
    return f"{WEBHOOK_HEALTH}{endpoint.install}/{endpoint.id}"


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
