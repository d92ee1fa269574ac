"""Erases what is older than RETENTION_DAYS, a few at a time: recordings, and intakes left behind.

What a retention lock or a legal hold keeps stays until that has ended. Every erased recording
leaves its tombstone and its entry in the access log (`addon/archive/erasure.py`). An intake is left
behind by a request that was given up, whose record cannot be read, or whose source never answers;
its outcome stays, so that a late duplicate is still known.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from addon import log
from addon.errors import AddonError, KeyMissing, NotStored, Tampered, UnreadableDocument
from addon.metrics import declarations
from addon.requests import scheduling
from addon.requests.lease import lease
from addon.requests.request import has_deadline
from workers import handlers
from workers.services import Services

EVERY_S = 6 * 3600.0
"""Retention is counted in days; four looks a day are never late by much."""

BATCH = 20
"""Erasures between two sweeps, so that neither waits for the other."""

LONGEST_DEADLINE = timedelta(hours=48)
"""No intake goes before, however few days are to be kept: ten times the four hours that Twilio
records at most, and a margin. Where a recording is known to be longer, its own deadline counts."""

ERASED = "erased"
"""The outcome of a request whose intake went by age."""

logger = log.get("retention")


class Retention:
    """The sweep by age, in turns of BATCH; `step` does one of them."""

    def __init__(self, services: Services, clock: Callable[[], float] = time.time) -> None:
        self.services = services
        self.clock = clock
        self._next_at = 0.0
        self._running: Iterator[bool] | None = None

    def step(self) -> int:
        """Erase up to BATCH things; returns how many went. Raises StoreUnavailable."""
        days = self.services.settings.retention_days
        if not any(days.values()) or (self._running is None and self.clock() < self._next_at):
            return 0
        if self._running is None:
            self._running = self._everything_older()
        try:
            return self._some(self._running)
        except Exception:
            self._running = None  # an iterator that has raised is at its end: begin again
            raise

    def _some(self, running: Iterator[bool]) -> int:
        erased = 0
        for _ in range(BATCH):
            went = next(running, None)
            if went is None:
                self._running, self._next_at = None, self.clock() + EVERY_S
                break
            erased += went
        return erased

    def _days_of(self, install: str) -> int | None:
        days = self.services.settings.retention_days
        return days.get(install, days.get(""))

    def _everything_older(self) -> Iterator[bool]:
        """Yields for each thing that is old enough whether it went."""
        now = datetime.fromtimestamp(self.clock(), UTC)
        for entry, went in self.services.archive.erase_older(self._days_of, now=now):
            said = "erased by age" if went else "not erased: locked, on hold, or not verifiable"
            logger.info(said, recording=entry.recording_id)
            if went:
                self.services.catalogue.remove(entry.tenant, entry.recording_id)
            yield went
        least = min(filter(None, self.services.settings.retention_days.values()))
        before = now - max(timedelta(least), LONGEST_DEADLINE)
        for sid, accepted_at in self.services.intake_store.accepted_before(before):
            yield self._erase_intake(sid, now - accepted_at)

    def _days_of_intake(self, sid: str) -> int | None:
        """The days of its install; of a record that cannot be read, those of everybody."""
        try:
            record = self.services.intake_store.open(sid)
            return self._days_of(handlers.read(record).tenant)
        except (AddonError, ValueError, KeyError, TypeError):
            return self._days_of("")

    def _erase_intake(self, sid: str, age: timedelta) -> bool:
        """Remove what a request that never ended has left; False where it may still end."""
        services, days = self.services, self._days_of_intake(sid)
        if days is None or age < timedelta(days):
            return False
        with lease(services.redis, "process", sid) as held:
            if held is None or self._may_still_end(sid):
                return False
            self._record_erasure(sid, days)
            self._keep_signature(sid)
            services.intake_store.remove(sid)
            if services.states.get(sid) is not None:
                services.states.finish(sid, ERASED)
            else:
                services.states.drop_open(sid)
        services.counters.count(declarations.INTAKES_ERASED)
        logger.warning("an intake left behind is erased by age", request_sid=sid)
        return True

    def _record_erasure(self, sid: str, days: int) -> None:
        """First, so that a late duplicate is never taken for a new request."""
        store = self.services.intake_store
        erased = {"erased_at": self.clock(), "reason": f"older than {days} days"}
        with suppress(UnreadableDocument):  # a newer release's outcome says enough as it is
            store.record_outcome(sid, (store.outcome(sid) or {}) | erased)

    def _keep_signature(self, sid: str) -> None:
        """Its signature is good for no other request, either."""
        with suppress(NotStored, Tampered, KeyMissing, UnreadableDocument):
            self.services.signature_uses.settle(self.services.intake_store.open(sid).signature)

    def _may_still_end(self, sid: str) -> bool:
        """True if a request has just ended after all, or is within a deadline of its own."""
        if not self.services.intake_store.is_waiting(sid):
            return True
        state = self.services.states.get(sid)
        length = state and (state.duration or state.longest)
        if state is None or not length or not has_deadline(state.source):
            return False
        return self.clock() < scheduling.deadline(state.received_at, length)
