"""Who was let in, who listened to what, and who was turned away: the playback's part of the trail.

Permissions are on record before they are used; what was heard is written behind the listener's
back, the ranges of one permission together, so that no answer waits for the store. A trail that
cannot be written just now is kept and tried again, never dropped in silence.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from addon import log
from addon.archive.audit import Trail
from addon.errors import AddonError
from addon.playback.ranges import Range, coalesced

BATCH_S = 30.0
"""A player asks for a range every few seconds: one event in this time says it as well."""

TICK_S = 0.5
"""How long the first event of a permission may wait. A crash loses at most what waits."""

MAX_WAITING = 10_000
"""Events in memory; more come only while the store is away, and are then logged and dropped."""

MAX_RANGES = 64
"""Of one event; who jumps about more than this has heard the recording."""

logger = log.get("listening")


@dataclass(frozen=True)
class Visit:
    """Who comes, by which right, from where, and for what.

    `right` is a sentence fragment ("Flex role admin"); `address` is the client's. `grant` is the
    nonce of a grant. Two visits that are equal are one listener going on.
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
        """As an event of the trail holds it."""
        told = {k: v for k, v in asdict(self).items() if v is not None}
        del told["tenant"], told["recordings"]
        return told


@dataclass
class Waiting:
    """What is to be written of one visit."""

    since: datetime
    due: float
    ranges: list[Range] = field(default_factory=list)
    length: int = 0
    tries: int = 0


Key = tuple[str, Visit, str]
"""Event, visit, and the reason where it is a denial."""


class Listening:
    """Writes the trail of one process. Safe to share between threads."""

    def __init__(self, trail: Trail, *, batch_s: float = BATCH_S) -> None:
        self._trail = trail
        self._batch_s = batch_s
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._waiting: dict[Key, Waiting] = {}
        self._written: dict[Key, float] = {}
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def granted(self, visit: Visit, *, expires: int) -> None:
        """Somebody was given a link. Raises StoreUnavailable: then he must not get it."""
        self._write(visit, "granted", {"expires": expires}, datetime.now(UTC))

    def heard(self, visit: Visit, ranges: Iterable[Range], length: int) -> None:
        """Bytes of a sound of `length` bytes were sent. Returns at once."""
        heard = list(ranges)
        if heard:
            self._add(("heard", visit, ""), heard, length)

    def denied(self, visit: Visit, reason: str) -> None:
        """Somebody was refused. Returns at once."""
        self._add(("denied", visit, reason), [], 0)

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
                    logger.error("an event of the trail is lost", happened=key[0])
                    return
                due = self._written.get(key, now - self._batch_s) + self._batch_s
                waiting = self._waiting[key] = Waiting(datetime.now(UTC), due)
            waiting.ranges = coalesced([*waiting.ranges, *ranges])
            waiting.length = length
            waiting.tries += 1
            # Started here and not in __init__, because threads do not survive gunicorn's fork.
            if self._thread is None:
                self._stop = threading.Event()
                self._thread = threading.Thread(
                    target=self._run, args=(self._stop,), name="trail", daemon=True
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
                    logger.error("the trail cannot be written", reason=error.message)
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
                waiting.ranges = coalesced([*waiting.ranges, *newer.ranges])
                waiting.tries += newer.tries
            waiting.due = time.monotonic() + self._batch_s / 4
            self._waiting[key] = waiting

    def _write(self, visit: Visit, event: str, facts: Mapping[str, Any], at: datetime) -> None:
        for recording_id in visit.recordings:
            self._trail.record(visit.tenant, recording_id, event, {**visit.facts(), **facts}, at=at)


def _facts(key: Key, waiting: Waiting) -> dict[str, Any]:
    event, _, reason = key
    if event == "denied":
        return {"reason": reason, "times": waiting.tries}
    shown = [list(one) for one in waiting.ranges[:MAX_RANGES]]
    return {"requests": waiting.tries, "ranges": shown, "of_bytes": waiting.length}
