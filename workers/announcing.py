"""Promises the events of a request: that its recording is ready, muted, matched, or has failed.

Called after the commit, and again before anything of the request is removed: an event is durable
before the record that would make it again goes. Without an endpoint of the install it costs a look
into memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from addon import log
from addon.archive.manifest import Manifest
from addon.errors import Unavailable
from addon.requests.request import Request
from addon.requests.results import StoredResult
from addon.webhooks import events
from addon.webhooks.events import Event
from workers import deposit
from workers.services import Services

logger = log.get("webhooks")


def announce(
    services: Services,
    request: Request,
    *,
    stored: StoredResult | None = None,
    result: Mapping[str, Any] | None = None,
) -> None:
    """Promise what is true of a request by now; its answer or its analysis where it is at hand.

    Raises StoreUnavailable, and what reading its answer raises: then it is asked again.
    """
    if services.outbox.is_wanted(request.tenant):
        promise(services, _events(services, request, stored, result))


def announce_failure(services: Services, request: Request, code: int | None) -> None:
    """Promise that a request was given up. Raises StoreUnavailable."""
    if services.outbox.is_wanted(request.tenant):
        promise(services, [_failed(request, None, code)])


def promise(services: Services, found: Iterable[Event]) -> None:
    """Promise events and queue their deliveries; without Redis the sweeper finds them later.

    Raises StoreUnavailable.
    """
    for event in found:
        for name in services.outbox.promise(event):
            try:
                services.dispatcher.webhook(name)
            except Unavailable:
                logger.warning("a webhook waits for the sweeper", recording=event.recording_id)


def _events(
    services: Services,
    request: Request,
    stored: StoredResult | None,
    result: Mapping[str, Any] | None,
) -> list[Event]:
    manifest = deposit.committed(services.archive, request)
    if stored is None and result is None:
        stored = services.intake_store.stored_result(request.sid)
    if manifest is not None and manifest.facts.duration_seconds is not None:
        answered = stored.answer["result"] if stored is not None else None
        return events.of_analysis(manifest, result or answered)
    if stored is None or stored.answer["status"] != "failed":
        return []
    return [_failed(request, manifest, stored.answer["code"])]


def _failed(request: Request, manifest: Manifest | None, code: int | None) -> Event:
    return events.failed(
        install=request.tenant,
        recording_id=manifest.recording_id if manifest else request.recording_id,
        request_sid=request.sid,
        call_sid=request.call_sid,
        source=request.source,
        code=code,
        archived=manifest is not None,
    )
