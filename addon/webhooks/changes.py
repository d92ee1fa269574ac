"""Creates and removes webhook endpoints, each on record in the access log of its install."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from addon.archive.access_log import AccessLog
from addon.webhooks.endpoints import Endpoint, Endpoints

WEBHOOKS = "webhooks"
"""In the place of a recording's id in the access log: where an install's events are sent."""


class EndpointChanges:
    """Changes of endpoints by one person, token or operator, named by `by`."""

    def __init__(self, endpoints: Endpoints, access_log: AccessLog, by: str) -> None:
        self._endpoints = endpoints
        self._access_log = access_log
        self._by = by

    def create(self, install: str, url: str, events: Sequence[str], label: str) -> Endpoint:
        """Create an endpoint, which is gone again where it cannot be put on record.

        Raises as `Endpoints.create`.
        """
        made = self._endpoints.create(install, url, events, label)
        try:
            self._record("webhook_created", made)
        except BaseException:
            self._endpoints.remove(install, made.id)
            raise
        return made

    def remove(self, endpoint: Endpoint) -> None:
        """Remove an endpoint, once it is on record. Raises StoreUnavailable."""
        self._record("webhook_removed", endpoint)
        self._endpoints.remove(endpoint.install, endpoint.id)

    def _record(self, event: str, endpoint: Endpoint) -> None:
        facts = {"by": self._by, "endpoint": endpoint.id, "host": endpoint.origin}
        self._access_log.record(endpoint.install, WEBHOOKS, event, facts, at=datetime.now(UTC))
