"""Buffered counters: counts in memory, which a thread adds to Redis about a second later.

Counting costs a web request nothing, and what is refused while Redis is down is still counted when
it is back. A killed process loses the last second's counts and nothing else.
"""

from __future__ import annotations

import os
import threading
from collections import Counter

from addon.metrics.counters import Counters, field
from addon.metrics.declarations import Metric

EVERY_S = 1.0


class BufferedCounters:
    """Counts in memory; safe for threads, and for a fork: a child starts with nothing."""

    def __init__(self, counters: Counters, every: float = EVERY_S) -> None:
        self._counters = counters
        self._every = every
        self._lock = threading.Lock()
        self._amounts: Counter[str] = Counter()
        self._timer: threading.Timer | None = None
        self._process = os.getpid()

    def count(self, metric: Metric, *labels: str) -> None:
        """Add one to a counter."""
        name = field(metric, *labels)
        with self._lock:
            if self._process != os.getpid():
                self._process, self._timer, self._amounts = os.getpid(), None, Counter()
            self._amounts[name] += 1
            self._arm()

    def flush(self) -> None:
        """Hand over what was counted; where Redis does not answer, a little later."""
        with self._lock:
            amounts, self._amounts = self._amounts, Counter()
            self._disarm()
        if amounts and not self._counters.add(amounts):
            with self._lock:
                self._amounts += amounts
                self._arm()

    def close(self) -> None:
        """Hand over what was counted, once, and leave no timer running."""
        self.flush()
        with self._lock:
            self._disarm()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        if self._timer is None:
            self._timer = threading.Timer(self._every, self.flush)
            self._timer.daemon = True
            self._timer.start()
