"""Looks after webhook deliveries that are not over: a step of the sweeper's process.

It queues what is due and what no job holds, finds in the store what Redis has forgotten, and
removes events that are too old to be sent. Without WEBHOOK_HOSTS it does nothing.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from addon.requests import scheduling
from addon.requests.lease import held_each
from addon.requests.queues import WEBHOOK_KIND
from addon.requests.scheduling import WEBHOOKS
from addon.webhooks.outbox import KEPT
from addon.webhooks.tries import Tries
from workers.services import Services

LOOKS = 500
"""Deliveries looked at in one step, so that no backlog of webhooks holds up the sweep."""

COMPARED_EVERY_S = 10.0
"""Between two comparisons of store and Redis: what a web process or a command promised is found."""

SHARE = 0.05
"""The most of this process's time that comparisons take, however many deliveries wait."""

FORGOTTEN_EVERY_S = 6 * 3600.0
FORGOTTEN_AT_ONCE = 500
"""Events removed between two sweeps."""


class WebhookSweep:
    """One look at everything that is due; `step` is called about every second."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._tries = Tries(services.redis)
        self._compare_at = 0.0
        self._forget_at = 0.0

    def step(self) -> None:
        """Look at what is due, and now and then at the store. Raises RedisError, Unavailable."""
        if not self.services.outbox.endpoints.is_offered:
            return
        self._queue_due()
        began = time.monotonic()
        if began >= self._compare_at:
            self._find_forgotten()
            took = time.monotonic() - began
            self._compare_at = began + max(COMPARED_EVERY_S, took / SHARE)
        if began >= self._forget_at and not self._forget_old():
            self._forget_at = began + FORGOTTEN_EVERY_S

    def _queue_due(self) -> None:
        """Queue what is due, unless a job of it waits or is at work."""
        names = self._tries.due(time.time(), LOOKS)
        if not names:
            return
        jobs = self._tries.jobs(names)
        waiting = self.services.dispatcher.waiting([(WEBHOOKS, job) for job in jobs])
        held = held_each(self.services.redis, [(WEBHOOK_KIND, name) for name in names])
        for name, job, is_held in zip(names, jobs, held, strict=True):
            if is_held or (WEBHOOKS, job) in waiting:
                self._tries.wait(name, scheduling.LOOK_S)
            else:
                self.services.dispatcher.webhook(name)

    def _find_forgotten(self) -> None:
        """Queue what is pending in the store and not known in Redis."""
        known = self._tries.known()
        for name in self.services.outbox.pending():
            if name not in known:
                self.services.dispatcher.webhook(name)

    def _forget_old(self) -> int:
        """Remove some events that can be sent no more; how many went."""
        gone = self.services.outbox.forget_before(datetime.now(UTC) - KEPT)
        return sum(1 for _ in zip(range(FORGOTTEN_AT_ONCE), gone, strict=False))
