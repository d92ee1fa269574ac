"""Reconciliation: finds recordings that no callback announced (spec/protocol 4.1).

The account's list is read now and then, and whatever is completed and unknown here becomes a
request like any other. How far it was read is kept in the store, so that a long absence is made
good. A recording that is known must never be taken up again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from addon import log
from addon.archive.prefixes import FLEX_RECONCILED
from addon.requests import acceptance
from addon.requests.intake_store import IntakeStore
from addon.requests.request import Request
from addon.requests.state import RequestStates
from addon.twilio.recordings import Recording, Recordings
from addon.twilio.sids import is_sid
from addon.twilio.status_callback import COMPLETED, AnnouncedBy, StatusCallback
from workers import last_look
from workers.flex_source import rest
from workers.services import Services

FIRST_LOOK = timedelta(hours=24)
"""The very first look goes so far back; `flask flex backfill` goes as far as one likes."""

OVERLAP = timedelta(hours=6)
"""A list goes by when a recording began, and the longest call lasts four hours."""

GRACE = timedelta(minutes=5)
"""A callback may take this long: it says more of a recording than the list does."""

logger = log.get("flex")


@dataclass
class ReconciliationCounts:
    """Counts of recordings that were listed, and of those that nobody had announced."""

    listed: int = 0
    picked_up: int = 0


def reconcile(services: Services, now: datetime | None = None) -> ReconciliationCounts:
    """Look through everything since the last complete look. Raises Unavailable."""
    moment, found = now or datetime.now(UTC), ReconciliationCounts()
    since = (looked_until(services) or moment - FIRST_LOOK) - OVERLAP
    for recording in Recordings(rest(services.settings)).all(after=since):
        found.listed += 1
        if _has_ended(recording, moment - GRACE):
            found.picked_up += take_up(services, recording, "list", moment)
    last_look.record_look(services, _key(_account(services)), moment)
    logger.info("looked for recordings", listed=found.listed, picked_up=found.picked_up)
    return found


def looked_until(services: Services) -> datetime | None:
    """Time at which the last complete look began, None where there was none."""
    return last_look.looked_until(services, _key(_account(services)))


def take_up(
    services: Services, recording: Recording, announced_by: AnnouncedBy, now: datetime
) -> bool:
    """Make a request of a listed recording; False where it is known, or is none that we can fetch.

    Raises StoreUnavailable, QueueUnavailable.
    """
    if recording.status != COMPLETED or not is_sid(recording.sid, "RE"):
        return False
    if recording.account_sid != _account(services) or is_known(
        services.states, services.intake_store, recording.sid
    ):
        return False
    callback = StatusCallback.from_recording(recording, announced_by=announced_by, now=now)
    logger.info("taken up", recording=recording.sid, by=announced_by)
    return acceptance.accept(services.intake_store, services.dispatcher, Request.flex(callback))


def is_known(states: RequestStates, intake_store: IntakeStore, sid: str) -> bool:
    """True if a recording was ever accepted here; nothing is counted as a duplicate."""
    return states.knows(sid) or intake_store.is_accepted(sid) or intake_store.has_outcome(sid)


def _has_ended(recording: Recording, before: datetime) -> bool:
    began = recording.started_at or recording.created_at
    if began is None:
        return True
    return began + timedelta(seconds=recording.duration_seconds or 0.0) <= before


def _account(services: Services) -> str:
    return services.settings.twilio_account_sid


def _key(account_sid: str) -> str:
    return f"{FLEX_RECONCILED}{account_sid}.json"
