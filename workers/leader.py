"""The sweeper's process: of all machines' sweepers, the leader works and the others stand by.

It waits through an outage of Redis or the store without a busy loop.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from redis.exceptions import RedisError

from addon import log, redis_keys, steady_clock
from addon.archive.access_log_checkpoint import Checkpoints
from addon.archive.configured import control_signer
from addon.errors import Unavailable
from addon.redis_errors import unavailable
from addon.requests.lease import RENEW
from addon.requests.measures import FinishedCounting
from addon.requests.spoilt_keys import SpoiltKeys
from workers.periodic_tasks import Schedule
from workers.retention import Retention
from workers.services import Services, services
from workers.sweeper import Sweeper
from workers.webhook_sweep import WebhookSweep

LEADERSHIP_MS = 5000
"""A leader that dies is followed by another after this long."""

EVERY_S = 1.0
PAUSE_S = 2.0

logger = log.get("sweep")


def run() -> None:
    """Sweep about every second while this process is the leader; never returns."""
    mine = secrets.token_hex(8)
    spoilt_keys = SpoiltKeys(services().redis)
    steps = (
        spoilt_keys.step,
        services().dispatcher.make_room,
        services().states.forget_old,
        Sweeper(services(), judge=steady_clock.now).sweep,
        FinishedCounting(services().states, services().counters).step,
        Schedule(services()).step,
        Retention(services(), steady_clock.now).step,
        WebhookSweep(services()).step,
        Checkpoints(services().store, control_signer(services().settings)).step,
    )
    while True:
        time.sleep(lead(services(), mine, steps))


def lead(services: Services, mine: str, steps: Sequence[Callable[[], object]]) -> float:
    """Run every step once, if `mine` is or becomes the leader; returns seconds to pause."""
    renew: Any = services.redis.register_script(RENEW)
    try:
        if renew(keys=[redis_keys.SWEEPER], args=[mine, LEADERSHIP_MS]):
            for step in steps:
                step()
    except (RedisError, Unavailable) as raised:
        error = unavailable(raised) if isinstance(raised, RedisError) else raised
        logger.warning("the sweep waits", reason=error.message)
        return _pause(services)
    except Exception:
        logger.exception("the sweep failed")
        return _pause(services)
    return EVERY_S


def _pause(services: Services) -> float:
    """Look at once whether a spoilt key is the reason; seconds until the next try."""
    with suppress(RedisError):
        SpoiltKeys(services.redis).remove()
    return PAUSE_S
