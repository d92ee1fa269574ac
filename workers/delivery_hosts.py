"""Limits of how many results are sent to one callback host at once, and to all of them.

A host that takes results has many places. One that fails, or is slow to answer, has few, and all
such hosts together leave most places to others: so nobody's result waits for another's callback.
Kept in one process's memory and forgotten with it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

SENDS = 48
"""Results sent at once by one process: each is a thread, and another that keeps its time limit."""

RESERVED = 16
"""Of SENDS, the places for hosts that are known to take results."""

SLOW_SENDS = 12
"""Of SENDS, the places for all slow hosts together."""

HOST_SENDS = 12
"""Sends at once to one host: 60 results a second for one that answers in 0.2 s."""

SLOW_HOST_SENDS = 4
"""Sends at once to one slow host: enough to notice that it takes results again."""

SLOW_S = 5.0
"""A host that has not answered for this long is slow; Twilio's own answers take 0.2 s."""

REMEMBERED = 20
"""The latest sends by which a host is judged."""

FAILURES = 3
"""Fewer failures than this make no host slow, and as many successes in a row redeem it."""

KNOWN_HOSTS = 500
"""Hosts that are remembered: 1 MB at most, however many names a stranger makes up."""

LEAST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
"""A result without a place waits this long: the sweeper looks every second, and 1,000 that wait
for one host are 17 looks a second."""

PATIENCE_S = 1.0
"""A result waits in its thread for so long where the host takes results: a place is soon free."""


@dataclass
class Host:
    """Record of one host: its sends under way and their latest outcomes; times are monotonic."""

    started: list[float] = field(default_factory=list)
    waiting: int = 0
    outcomes: deque[bool] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    seconds: float = 0.0
    next_turn: float = 0.0

    def is_good(self, now: float) -> bool:
        """True if it takes results: it has done so, and is not slow."""
        return any(self.outcomes) and not self.is_slow(now)

    def is_slow(self, now: float) -> bool:
        """True if most of its latest sends failed, or took long, or still do."""
        late = sum(now - started > SLOW_S for started in self.started)
        failures = self.outcomes.count(False) + late
        return failures >= FAILURES and failures > self.outcomes.count(True)

    def add(self, taken: bool, seconds: float) -> None:
        """Note how a send ended."""
        self.outcomes.append(taken and seconds <= SLOW_S)
        self.seconds = seconds if not self.seconds else (3 * self.seconds + seconds) / 4
        if list(self.outcomes)[-FAILURES:] == [True] * FAILURES:
            self.outcomes = deque([True] * FAILURES, REMEMBERED)

    def places(self, now: float, first: bool) -> int:
        """The number of sends it may have at once; half of it for results that were sent before."""
        places = SLOW_HOST_SENDS if self.is_slow(now) else HOST_SENDS
        return places if first else places // 2


@dataclass
class Place:
    """Leave to send one result now; with `pause` set there is none for so many seconds.

    The sender sets `taken`: False where the host has to be asked again. None says nothing of it.
    """

    pause: float = 0.0
    started: float = 0.0
    taken: bool | None = None


class HostLimits:
    """The places for sends to every host; shared by all threads of a process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._hosts: dict[str, Host] = {}
        self._changed = threading.Condition()

    @contextmanager
    def place(self, host: str, *, first: bool, patience: float = PATIENCE_S) -> Iterator[Place]:
        """A place for one send to `host`, for as long as the block runs.

        `first` is True for a result that was never sent. Waits up to `patience` seconds for a place
        at a host that is not slow.
        """
        found = self._enter(host, first, patience)
        try:
            yield found
        finally:
            if not found.pause:
                self._leave(host, found)

    def _enter(self, host: str, first: bool, patience: float) -> Place:
        with self._changed:
            known = self._known(host)
            free = partial(self._has_place, known, first)
            known.waiting += 1
            self._changed.wait_for(lambda: free() or known.is_slow(self._clock()), patience)
            known.waiting -= 1
            if not free():
                return Place(pause=self._pause(known, first))
            known.started.append(self._clock())
            return Place(started=known.started[-1])

    def _leave(self, host: str, place: Place) -> None:
        with self._changed:
            known = self._hosts[host]
            known.started.remove(place.started)
            if place.taken is not None:
                known.add(place.taken, self._clock() - place.started)
            self._changed.notify_all()

    def _has_place(self, known: Host, first: bool) -> bool:
        now = self._clock()
        sending = sum(len(each.started) for each in self._hosts.values())
        if len(known.started) >= known.places(now, first):
            return False
        if known.is_good(now):
            return sending < SENDS
        if known.is_slow(now):
            slow = sum(len(h.started) for h in self._hosts.values() if h.started and h.is_slow(now))
            if slow >= SLOW_SENDS:
                return False
        return sending < SENDS - RESERVED

    def _pause(self, known: Host, first: bool) -> float:
        """Seconds until its turn, at the pace at which the host has taken results so far."""
        now = self._clock()
        longest = max([known.seconds, *(now - started for started in known.started)])
        step = longest / known.places(now, first)
        known.next_turn = min(max(known.next_turn, now) + step, now + LONGEST_PAUSE_S)
        return max(LEAST_PAUSE_S, known.next_turn - now)

    def _known(self, host: str) -> Host:
        """The record of a host, made where there is none; one that takes results stays longest."""
        known = self._hosts.pop(host, None) or Host()
        if len(self._hosts) >= KNOWN_HOSTS:
            now = self._clock()
            idle = [n for n, each in self._hosts.items() if not each.started and not each.waiting]
            self._hosts.pop(min(idle, key=lambda name: self._hosts[name].is_good(now)))
        self._hosts[host] = known
        return known
