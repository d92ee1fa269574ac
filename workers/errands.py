"""What is to be done now and then and belongs to no request: each errand a job in its own lane.

The sweeper's process queues them, so that nothing long ever holds up the sweep; an errand that was
lost, with Redis or with its worker, comes round again by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from addon import log
from addon.errors import Unavailable
from addon.settings import Settings
from workers import flex_deletion, flex_reconcile, ringcentral_poll
from workers.lease import lease
from workers.services import Services, services

DELETE_EVERY_S = 60
"""A deletion waits for hours; a minute more is nothing."""

logger = log.get("errands")


@dataclass(frozen=True)
class Errand:
    """One errand: what it does, and every how many seconds, 0 for never."""

    run: Callable[[Services], object]
    every: Callable[[Settings], int]


def _reconcile_every(settings: Settings) -> int:
    return settings.flex_reconcile_every_s if settings.flex_workspace_sid else 0


def _delete_every(settings: Settings) -> int:
    return DELETE_EVERY_S if settings.delete_at_source_after_s else 0


ERRANDS = {
    "reconcile": Errand(flex_reconcile.reconcile, _reconcile_every),
    "delete": Errand(flex_deletion.delete_due, _delete_every),
    "ringcentral": Errand(ringcentral_poll.poll, ringcentral_poll.poll_every),
    "ringcentral-subscription": Errand(
        ringcentral_poll.keep_subscribed, ringcentral_poll.subscribe_every
    ),
}


def run(name: str) -> None:
    """The job: one errand, unless somebody is at it already."""
    log.clear()
    log.bind(errand=name)
    with lease(services().redis, "errand", name) as held:
        if held is None:
            return
        try:
            ERRANDS[name].run(services())
        except Unavailable as error:
            logger.warning("an errand waits", reason=error.message)


class Errands:
    """Queues each errand when its time has come."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def step(self) -> None:
        """Queue what is due. Raises RedisError."""
        for name, errand in ERRANDS.items():
            every = errand.every(self.services.settings)
            if every and self.services.redis.set(f"errand:{name}", 1, nx=True, ex=every):
                self.services.dispatcher.errand(name)
