"""The sweeper's process: one is active among all machines, the others stand by.

It rides out a Redis or a store that is away, without a busy loop.
"""

from __future__ import annotations

import secrets
import time
from typing import Any

from redis.exceptions import RedisError

from addon import log
from addon.errors import Unavailable
from workers.services import Services, services
from workers.sweep import Sweeper

KEY = "sweeper"
TURN_MS = 5000
"""A sweeper that dies is followed by another after this long."""

EVERY_S = 1.0
PAUSE_S = 2.0

TAKE_TURN = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

logger = log.get("sweep")


def watch() -> None:
    """Sweep about every second while it is this process's turn; never returns."""
    mine, sweeper = secrets.token_hex(8), Sweeper(services())
    take_turn: Any = services().redis.register_script(TAKE_TURN)
    while True:
        time.sleep(sweep_once(services(), sweeper, take_turn, mine))


def sweep_once(services: Services, sweeper: Sweeper, take_turn: Any, mine: str) -> float:
    """One sweep, if it is our turn; returns how long to pause."""
    try:
        if take_turn(keys=[KEY], args=[mine, TURN_MS], client=services.redis):
            sweeper.sweep()
    except (RedisError, Unavailable) as error:
        logger.warning("the sweep waits", reason=type(error).__name__)
        return PAUSE_S
    except Exception:
        logger.exception("the sweep failed")
        return PAUSE_S
    return EVERY_S
