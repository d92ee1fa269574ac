"""Access log of playback: events are gathered in memory and written to the store by a thread.

A permission is written before its link is given out, and the beginning of a hearing before its
first byte. The bytes that were sent and what a player reports are written after the answer, the
ranges of one listener together, so no range waits for the store. What the store refuses is kept and
tried again (decision 0503). Refusals have room of their own.
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
from addon.bounded_cache import BoundedCache
from addon.errors import AddonError, StoreUnavailable
from addon.playback.ranges import Range, coalesced

BATCH_S = 30.0
"""A player asks for a range every few seconds: one event in this time says it as well."""

TICK_S = 0.5
"""The longest that a listener's first event waits. A crash loses at most what waits."""

MAX_WAITING = 10_000
"""Events of hearings in memory; more come only while the store is away, and then no other hearing
begins."""

MAX_DENIALS = 1_000
"""Refusals in memory, apart from hearings: whoever makes them by the thousand loses only some of
his own, which are counted in the log."""

DENIALS_AT_ONCE = 50
"""Refusals that are written before hearings have their turn again."""

MAX_BEGUN = 4096
BEGUN_FOR_S = 3600.0
"""Hearings that are on record as begun, and how long: a listener who goes on costs no write."""

HEAD_EVERY_S = 30.0
"""The chain's head is written so often while there are events: a missing end shows but for these
seconds."""

MAX_RANGES = 64
"""Ranges named in one event; a listener who jumps about more has heard the recording."""

GATHERED_RANGES = 256
"""Ranges of one event that are kept before they are joined: joining each would slow its answer."""

logger = log.get("access-log")


@dataclass(frozen=True)
class Access:
    """One listener's access to recordings: name, right, address and purpose.

    `right` is a sentence fragment ("Flex role admin"), `grant` a grant's nonce, `form` the format
    of a converted download, `clip_seconds` the stretch where it is not for the whole. Equal ones
    are the same listener going on.
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
    clip_seconds: tuple[float, float] | None = None

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
    seconds: float | None = None

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
        self._denials: dict[Key, Waiting] = {}
        self._denials_lost = 0
        self._written: dict[Key, float] = {}
        self._begun: BoundedCache[Access, bool] = BoundedCache(MAX_BEGUN, seconds=BEGUN_FOR_S)
        self._head_due = 0.0
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def granted(self, access: Access, *, expires: int) -> None:
        """Log that a link is given. Raises StoreUnavailable: then it must not be given."""
        self._write(access, "granted", {"expires": expires}, datetime.now(UTC))

    def exported(self, access: Access) -> None:
        """Log that the words are taken away. Raises StoreUnavailable: then they must not be."""
        self._write(access, "exported", {}, datetime.now(UTC))

    def begin(self, access: Access) -> None:
        """Log that a hearing begins, once for all its ranges. To be called before its first byte.

        Raises StoreUnavailable: then nothing must be played.
        """
        with self._lock:
            full = len(self._waiting) >= MAX_WAITING
        try:
            if full:
                raise StoreUnavailable("too many events wait for the store")
            if not self._begun.get(access):
                self._write(access, "began", {}, datetime.now(UTC))
                self._begun.put(access, True)
        except StoreUnavailable as error:
            raise StoreUnavailable(
                f"this cannot be written into the access log, so it is not played: {error.message}"
            ) from None
        self._start()

    def heard(
        self, access: Access, ranges: list[Range], length: int, seconds: float | None = None
    ) -> None:
        """Log which bytes of `length` were sent; all of them last `seconds`. Returns at once."""
        if ranges:
            self._add(("heard", access, ""), ranges, length, seconds)

    def played(self, access: Access, ranges: list[Range], length: int, seconds: float) -> None:
        """Log what a player says that it played: milliseconds of `length`. Returns at once."""
        self._add(("played", access, ""), ranges, length, seconds)

    def denied(self, access: Access, reason: str) -> None:
        """Log a refusal. Returns at once."""
        with self._lock:
            self._gather(self._denials, ("denied", access, reason), MAX_DENIALS).count += 1
        self._start()

    def flush(self) -> None:
        """Write everything that waits, and return when it is written or was refused."""
        with self._lock:
            for waiting in (*self._waiting.values(), *self._denials.values()):
                waiting.due = 0
            self._head_due = 0
        self._write_due(MAX_DENIALS)

    def close(self) -> None:
        """Write everything that waits, once, and end the thread. It starts again with an event."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._stop.set()
        if thread is not None:
            thread.join()
        self.flush()

    def _add(self, key: Key, ranges: list[Range], length: int, seconds: float | None) -> None:
        with self._lock:
            # Not refused here: `begin` lets no hearing begin that has no room.
            waiting = self._gather(self._waiting, key, 2 * MAX_WAITING)
            waiting.add(ranges, length)
            waiting.seconds = seconds
        self._start()

    def _gather(self, gathered: dict[Key, Waiting], key: Key, room: int) -> Waiting:
        """The event of this key that waits, or a new one; one that is lost where there is no room.

        The caller holds the lock.
        """
        waiting = gathered.get(key)
        if waiting is not None:
            return waiting
        now = time.monotonic()
        due = self._written.get(key, now - self._batch_s) + self._batch_s
        waiting = Waiting(datetime.now(UTC), due)
        if len(gathered) < room:
            gathered[key] = waiting
        elif gathered is self._denials:
            self._denials_lost += 1
        else:
            logger.error("an event of the access log is lost", happened=key[0])
        return waiting

    def _start(self) -> None:
        """Start the thread; not in __init__, because threads do not survive gunicorn's fork."""
        with self._lock:
            if self._thread is None:
                self._stop = threading.Event()
                self._thread = threading.Thread(
                    target=self._run, args=(self._stop,), name="access-log", daemon=True
                )
                self._thread.start()

    def _run(self, stop: threading.Event) -> None:
        while not stop.wait(TICK_S):
            self._write_due(DENIALS_AT_ONCE)

    def _write_due(self, denials: int = MAX_DENIALS) -> None:
        """Write what is due, hearings first; what the store refuses waits on."""
        with self._writing:
            for key, waiting in (
                *self._take_due(self._waiting),
                *self._take_due(self._denials, denials),
            ):
                try:
                    self._write(key[1], key[0], _facts(key, waiting), waiting.since)
                except AddonError as error:
                    logger.error("the access log cannot be written", reason=error.message)
                    self._put_back(key, waiting)
            self._write_head()

    def _write_head(self) -> None:
        with self._lock:
            now, lost = time.monotonic(), self._denials_lost
            if self._head_due > now:
                return
            self._head_due, self._denials_lost = now + HEAD_EVERY_S, 0
        if lost:
            logger.error("refusals are not in the access log, as there were too many", lost=lost)
        try:
            self._access_log.write_head()
        except AddonError as error:
            logger.error("the access log's head cannot be written", reason=error.message)

    def _take_due(
        self, gathered: dict[Key, Waiting], most: int | None = None
    ) -> list[tuple[Key, Waiting]]:
        now = time.monotonic()
        with self._lock:
            due = [(key, one) for key, one in gathered.items() if one.due <= now][:most]
            for key, _ in due:
                del gathered[key]
                self._written[key] = now
            horizon = now - self._batch_s
            self._written = {key: at for key, at in self._written.items() if at > horizon}
        return due

    def _put_back(self, key: Key, waiting: Waiting) -> None:
        gathered = self._denials if key[0] == "denied" else self._waiting
        with self._lock:
            newer = gathered.get(key)
            if newer is not None:
                waiting.add(newer.ranges, newer.length, newer.count)
            waiting.due = time.monotonic() + self._batch_s / 4
            gathered[key] = waiting

    def _write(self, access: Access, event: str, facts: Mapping[str, Any], at: datetime) -> None:
        told = {**access.facts(), **facts}
        for recording_id in access.recordings:
            self._access_log.record(
                access.tenant, recording_id, event, told, at=at, with_head=False
            )


def _facts(key: Key, waiting: Waiting) -> dict[str, Any]:
    event, _, reason = key
    if event == "denied":
        return {"reason": reason, "times": waiting.count}
    ranges = coalesced(waiting.ranges)
    shown = [list(one) for one in ranges[:MAX_RANGES]]
    share = sum(one.length for one in ranges) / max(waiting.length, 1)
    lasted = {} if waiting.seconds is None else {"seconds": round(share * waiting.seconds, 1)}
    if event == "played":
        told = [[start / 1000, stop / 1000] for start, stop in shown]
        return {"reports": waiting.count, "ranges_seconds": told, **lasted}
    return {"requests": waiting.count, "ranges": shown, "of_bytes": waiting.length, **lasted}
