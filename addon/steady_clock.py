"""The clock by which it is judged that something is too late, or old enough to be erased.

The wall clock may step: an operator sets it, a machine starts with a wrong one. `now` is the
earlier of the wall clock and one that began with it in this process, or in the one that this was
forked from, and cannot step. So a step forward expires nothing, and after a step back nothing that
was received since is late. A process that starts after a step goes by the new time. Nothing is
scheduled by this clock: times that processes tell each other are those of the wall clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

from addon import log

STEP_S = 60.0
"""Less is a clock that is being corrected, and is followed."""

logger = log.get("clock")


def _elapsed() -> float:
    """Seconds that no setting of the clock changes; on Linux those of a suspended machine too."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class SteadyClock:
    """A wall clock that cannot step forward."""

    def __init__(
        self, wall: Callable[[], float] = time.time, elapsed: Callable[[], float] = _elapsed
    ) -> None:
        self._wall = wall
        self._elapsed = elapsed
        self._offset = wall() - elapsed()
        self._has_stepped = False

    def now(self) -> float:
        """Seconds since 1970, no later than the wall clock. A step is an alarm in the log, once."""
        wall, steady = self._wall(), self._elapsed() + self._offset
        apart = wall - steady
        if abs(apart) <= STEP_S:
            self._offset += apart
            self._has_stepped = False
            return wall
        if not self._has_stepped:
            self._has_stepped = True
            logger.error("the clock stepped; restart when it is right", alarm=True, seconds=apart)
        return min(wall, steady)


@cache
def _of_process() -> SteadyClock:
    return SteadyClock()


def now() -> float:
    """The time by this process's clock, which begins with the first call."""
    return _of_process().now()
