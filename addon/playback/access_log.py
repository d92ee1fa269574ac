"""Access log of playback: events are gathered in memory and written to the store by a thread.

A permission is written before its link is given out. The bytes that were sent are written after the
answer, the ranges of one listener together, so no answer waits for the store. What the store
refuses is kept and tried again (decision 0503).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from addon import log
from addon.archive.access_log import AccessLog
from addon.errors import AddonError
from addon.playback.ranges import Range, coalesced

BATCH_S = 30.0
"""A player asks for a range every few seconds: one event in this time says it as well."""

TICK_S = 0.5
"""The longest that a listener's first event waits. A crash loses at most what waits."""

MAX_WAITING = 10_000
"""Events in memory; more come only while the store is away, and are then logged and dropped."""

MAX_RANGES = 64
"""Ranges named in one event; a listener who jumps about more has heard the recording."""

GATHERED_RANGES = 256
"""Ranges of one event that are kept before they are joined: joining each would slow its answer."""

logger = log.get("access-log")


@dataclass(frozen=True)
class Access:
    """One listener's access to recordings: name, right, address and purpose.

    `right` is a sentence fragment ("Flex role admin"), `grant` a grant's nonce, `form` the format
    of a converted download. Equal ones are the same listener going on.
    """

    tenant: str
    recordings: tuple[str, ...]
    listener: str
    right: str
    address: str
    purpose: str = "listen"
    call_sid: str | None = None
    grant: str | None = None
    form: str | None = None

    def facts(self) -> dict[str, Any]:
        """The fields as an event holds them, without tenant and recordings."""
        told = {k: v for k, v in asdict(self).items() if v is not None}
        del told["tenant"], told["recordings"]
        return told


@dataclass
class Waiting:
    """An event that is not written yet; `due` is monotonic."""

    since: datetime
    due: float
    ranges: list[Range] = field(default_factory=list)
    length: int = 0
    count: int = 0
    joined: int = 0

    def add(self, ranges: Iterable[Range], length: int, count: int = 1) -> None:
        """Add what `count` requests were sent of `length` bytes."""
        self.ranges += ranges
        self.length = length
        self.count += count
        if len(self.ranges) > GATHERED_RANGES + 2 * self.joined:
            self.ranges = coalesced(self.ranges)
            self.joined = len(self.ranges)


Key = tuple[str, Access, str]
"""Event, access, and the reason where it is a denial."""


class AccessLogWriter:
    """Writes the access log for one process. Safe to share between threads."""

    def __init__(self, access_log: AccessLog, *, batch_s: float = BATCH_S) -> None:
        self._access_log = access_log
        self._batch_s = batch_s
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._waiting: dict[Key, Waiting] = {}
        self._written: dict[Key, float] = {}
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def granted(self, access: Access, *, expires: int) -> None:
        """Log that a link is given. Raises StoreUnavailable: then it must not be given."""
        self._write(access, "granted", {"expires": expires}, datetime.now(UTC))

    def heard(self, access: Access, ranges: list[Range], length: int) -> None:
        """Log which bytes of `length` were sent. Returns at once."""
        if ranges:
            self._add(("heard", access, ""), ranges, length)

    def denied(self, access: Access, reason: str) -> None:
        """Log a refusal. Returns at once."""
        self._add(("denied", access, reason), [], 0)

    def flush(self) -> None:
        """Write everything that waits, and return when it is written or was refused."""
        with self._lock:
            for waiting in self._waiting.values():
                waiting.due = 0
        self._write_due()

    def close(self) -> None:
        """Write everything that waits, once, and end the thread. It starts again with an event."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._stop.set()
        if thread is not None:
            thread.join()
        self.flush()

    def _add(self, key: Key, ranges: list[Range], length: int) -> None:
        now = time.monotonic()
        with self._lock:
            waiting = self._waiting.get(key)
            if waiting is None:
                if len(self._waiting) >= MAX_WAITING:
                    logger.error("an event of the access log is lost", happened=key[0])
                    return
                due = self._written.get(key, now - self._batch_s) + self._batch_s
                waiting = self._waiting[key] = Waiting(datetime.now(UTC), due)
            waiting.add(ranges, length)
            # Started here and not in __init__, because threads do not survive gunicorn's fork.
            if self._thread is None:
                self._stop = threading.Event()
                self._thread = threading.Thread(
                    target=self._run, args=(self._stop,), name="access-log", daemon=True
                )
                self._thread.start()

    def _run(self, stop: threading.Event) -> None:
        while not stop.wait(TICK_S):
            self._write_due()

    def _write_due(self) -> None:
        """Write what is due; what the store refuses waits on."""
        with self._writing:
            for key, waiting in self._take_due():
                try:
                    self._write(key[1], key[0], _facts(key, waiting), waiting.since)
                except AddonError as error:
                    logger.error("the access log cannot be written", reason=error.message)
                    self._put_back(key, waiting)

    def _take_due(self) -> list[tuple[Key, Waiting]]:
        now = time.monotonic()
        with self._lock:
            due = [(key, one) for key, one in self._waiting.items() if one.due <= now]
            for key, _ in due:
                del self._waiting[key]
                self._written[key] = now
            horizon = now - self._batch_s
            self._written = {key: at for key, at in self._written.items() if at > horizon}
        return due

    def _put_back(self, key: Key, waiting: Waiting) -> None:
        with self._lock:
            newer = self._waiting.get(key)
            if newer is not None:
                waiting.add(newer.ranges, newer.length, newer.count)
            waiting.due = time.monotonic() + self._batch_s / 4
            self._waiting[key] = waiting

    def _write(self, access: Access, event: str, facts: Mapping[str, Any], at: datetime) -> None:
        told = {**access.facts(), **facts}
        for recording_id in access.recordings:
            self._access_log.record(access.tenant, recording_id, event, told, at=at)


def _facts(key: Key, waiting: Waiting) -> dict[str, Any]:
    event, _, reason = key
    if event == "denied":
        return {"reason": reason, "times": waiting.count}
    shown = [list(one) for one in coalesced(waiting.ranges)[:MAX_RANGES]]
    return {"requests": waiting.count, "ranges": shown, "of_bytes": waiting.length}
