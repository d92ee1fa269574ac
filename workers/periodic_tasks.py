"""Tasks that run every so often and belong to no request: each is a job in the queue for them.

The sweeper's process queues them, so that no long task holds up the sweep. A task that was lost,
with Redis or with its worker, is queued again when it is due next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from addon import log, redis_keys
from addon.errors import Unavailable
from addon.requests.lease import lease
from addon.requests.queues import PERIODIC_KIND
from addon.settings import Settings
from workers import catalogue_check, flex_deletion, flex_reconcile, ringcentral_poll
from workers.services import Services, services

DELETE_EVERY_S = 60
"""A deletion waits for hours; a minute more is nothing."""

COMPARE_EVERY_S = 3600
"""Only what a crash or a database out of order has left is found: names are listed, no more."""

logger = log.get("periodic-tasks")


@dataclass(frozen=True)
class PeriodicTask:
    """One task: its function, and every how many seconds it runs, 0 for never."""

    run: Callable[[Services], object]
    every: Callable[[Settings], int]


def _reconcile_every(settings: Settings) -> int:
    return settings.flex_reconcile_every_s if settings.flex_workspace_sid else 0


def _delete_every(settings: Settings) -> int:
    return DELETE_EVERY_S if settings.delete_at_source_after_s else 0


def _compare_every(settings: Settings) -> int:
    return COMPARE_EVERY_S if settings.catalogue_key else 0


PERIODIC_TASKS = {
    "reconcile": PeriodicTask(flex_reconcile.reconcile, _reconcile_every),
    "catalogue": PeriodicTask(catalogue_check.compare, _compare_every),
    "delete": PeriodicTask(flex_deletion.delete_due, _delete_every),
    "ringcentral": PeriodicTask(ringcentral_poll.poll, ringcentral_poll.poll_every),
    "ringcentral-subscription": PeriodicTask(
        ringcentral_poll.keep_subscribed, ringcentral_poll.subscribe_every
    ),
}


def run(name: str) -> None:
    """The job: one task, unless another worker runs it already."""
    log.clear()
    log.bind(task=name)
    with lease(services().redis, PERIODIC_KIND, name) as held:
        if held is None:
            return
        try:
            PERIODIC_TASKS[name].run(services())
        except Unavailable as error:
            logger.warning("a periodic task waits", reason=error.message)


class Schedule:
    """Queues each task when it is due."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def step(self) -> None:
        """Queue what is due. Raises RedisError."""
        for name, task in PERIODIC_TASKS.items():
            every, key = task.every(self.services.settings), redis_keys.PERIODIC_TASK + name
            if every and self.services.redis.set(key, 1, nx=True, ex=every):
                self.services.dispatcher.periodic_task(name)
            elif every and not 0 <= self.services.redis.ttl(key) <= every:
                self.services.redis.delete(key)  # not ours: it would keep the task from running
