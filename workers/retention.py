"""Erases what is older than RETENTION_DAYS, a few recordings at a time, beside the sweep.

What a retention lock holds stays until the lock has ended. Every erasure leaves its tombstone and
its entry in the audit trail (`addon/archive/erasure.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from addon import log
from addon.archive.names import Entry
from workers.services import Services

EVERY_S = 6 * 3600.0
"""Retention is counted in days; four looks a day are never late by much."""

BATCH = 20
"""Erasures between two sweeps, so that neither waits for the other."""

logger = log.get("retention")


class Retention:
    """The sweep by age, in turns of BATCH; `step` does one of them."""

    def __init__(self, services: Services, clock: Callable[[], float] = time.time) -> None:
        self.services = services
        self.clock = clock
        self._next_at = 0.0
        self._running: Iterator[tuple[Entry, bool]] | None = None

    def step(self) -> int:
        """Erase up to BATCH recordings; returns how many went. Raises StoreUnavailable."""
        days = self.services.settings.retention_days
        if days is None or (self._running is None and self.clock() < self._next_at):
            return 0
        if self._running is None:
            now = datetime.fromtimestamp(self.clock(), UTC)
            older = timedelta(days=days)
            self._running = self.services.archive.erase_older(older, now=now)
        return self._some(self._running)

    def _some(self, running: Iterator[tuple[Entry, bool]]) -> int:
        erased = 0
        for _ in range(BATCH):
            found = next(running, None)
            if found is None:
                self._running, self._next_at = None, self.clock() + EVERY_S
                break
            entry, went = found
            erased += went
            logger.info("erased by age" if went else "held by a lock", recording=entry.recording_id)
        return erased
