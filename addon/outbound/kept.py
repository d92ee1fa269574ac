"""Connections that are kept open for a moment, for the next request to the same origin.

A new one costs a handshake, and over TLS a millisecond of CPU and two round trips. What a request
may do is checked for each anew: its origin is judged and its name resolved, and a kept connection
is used only if it goes to one of the addresses that were found (decision 0309).
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from addon.outbound.adapter import PinnedAdapter
from addon.outbound.origins import Origin, Target
from addon.outbound.total_timeout import TotalTimeout

IDLE_S = 1.0
"""Less than any server waits for another request, so that it hardly ever closes one meanwhile."""

MOST, MOST_TO_ONE = 8, 4
"""Kept in a process, and of these to one origin."""


@dataclass(frozen=True)
class _Kept:
    origin: Origin
    tls: ssl.SSLContext | None
    adapter: PinnedAdapter
    since: float = field(default_factory=time.monotonic)


class KeptConnections:
    """The idle connections of one process; safe to share among its threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Kept] = []
        self._timer: threading.Timer | None = None

    def take(
        self,
        target: Target,
        addresses: Sequence[str],
        tls: ssl.SSLContext | None,
        timeout: TotalTimeout,
    ) -> PinnedAdapter | None:
        """The one used last to this origin, if it goes to one of these addresses."""
        with self._lock:
            for kept in reversed(self._idle):
                is_it = kept.origin == target.origin and kept.tls is tls and not _is_old(kept)
                if is_it and kept.adapter.begin(target, addresses, timeout):
                    self._idle.remove(kept)
                    return kept.adapter
        return None

    def keep(self, target: Target, tls: ssl.SSLContext | None, adapter: PinnedAdapter) -> None:
        """Keep one whose request is over, or close it where there are enough."""
        with self._lock:
            to_it = sum(kept.origin == target.origin for kept in self._idle)
            if len(self._idle) < MOST and to_it < MOST_TO_ONE:
                self._idle.append(_Kept(target.origin, tls, adapter))
                if self._timer is None:
                    self._close_later()
                return
        adapter.close()

    def _close_old(self) -> None:
        """Close what has been idle for IDLE_S, and look again while there are others."""
        with self._lock:
            self._timer = None
            old = [kept for kept in self._idle if _is_old(kept)]
            self._idle = [kept for kept in self._idle if kept not in old]
            if self._idle:
                self._close_later()
        for kept in old:
            kept.adapter.close()

    def _close_later(self) -> None:
        self._timer = threading.Timer(IDLE_S, self._close_old)
        self._timer.daemon = True
        self._timer.start()


def _is_old(kept: _Kept) -> bool:
    return time.monotonic() - kept.since >= IDLE_S
