"""The sweeper's process: one is active among all machines, the others stand by.

It rides out a Redis or a store that is away, without a busy loop.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any

from redis.exceptions import RedisError

from addon import log
from addon.errors import Unavailable
from workers.errands import Errands
from workers.lease import RENEW
from workers.retention import Retention
from workers.services import Services, services
from workers.sweep import Sweeper

KEY = "sweeper"
TURN_MS = 5000
"""A sweeper that dies is followed by another after this long."""

EVERY_S = 1.0
PAUSE_S = 2.0

logger = log.get("sweep")


def watch() -> None:
    """Sweep about every second while it is this process's turn; never returns."""
    mine = secrets.token_hex(8)
    steps = (
        services().dispatcher.make_room,
        Sweeper(services()).sweep,
        Errands(services()).step,
        Retention(services()).step,
    )
    while True:
        time.sleep(take_turn(services(), mine, steps))


def take_turn(services: Services, mine: str, steps: Sequence[Callable[[], object]]) -> float:
    """Every step once, if it is our turn; returns how long to pause."""
    renew: Any = services.redis.register_script(RENEW)
    try:
        if renew(keys=[KEY], args=[mine, TURN_MS]):
            for step in steps:
                step()
    except (RedisError, Unavailable) as error:
        logger.warning("the sweep waits", reason=type(error).__name__)
        return PAUSE_S
    except Exception:
        logger.exception("the sweep failed")
        return PAUSE_S
    return EVERY_S
