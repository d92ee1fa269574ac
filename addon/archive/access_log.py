"""Access log of each recording: one small object an event, never changed once written.

Events outlive their recording. The only personal data in one is the name of who acted.
"""

from __future__ import annotations

import json
import secrets
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from addon.archive.names import checked_id
from addon.archive.prefixes import AUDIT
from addon.archive.store import Store


class AccessLog:
    """Access log of all recordings in one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def record(
        self, tenant: str, recording_id: str, event: str, facts: Mapping[str, Any], *, at: datetime
    ) -> None:
        """Add an event, durably. Raises StoreUnavailable."""
        at = at.astimezone(UTC)
        content = json.dumps({"at": at.isoformat(), "event": event, **facts}).encode() + b"\n"
        name = f"{at:%Y%m%dT%H%M%S.%f}Z-{secrets.token_hex(4)}.json"
        self._store.put(_prefix(tenant, recording_id) + name, [content])

    def events(self, tenant: str, recording_id: str) -> Iterator[dict[str, Any]]:
        """A recording's events in the order of time."""
        for stat in self._store.list(_prefix(tenant, recording_id)):
            yield json.loads(self._store.get(stat.key))

    def latest(self, tenant: str, recording_id: str, count: int) -> list[dict[str, Any]]:
        """The last `count` events, the latest first; no other one is read."""
        stats = deque(self._store.list(_prefix(tenant, recording_id)), maxlen=count)
        return [json.loads(self._store.get(stat.key)) for stat in reversed(stats)]


def _prefix(tenant: str, recording_id: str) -> str:
    return f"{AUDIT}{checked_id(tenant)}/{checked_id(recording_id)}/"
