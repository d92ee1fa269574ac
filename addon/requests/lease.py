"""Lease of one request, renewed every second; a worker that stops renewing is taken for dead.

It keeps two workers from one request, and tells the sweeper within seconds that a worker was
killed. It is not a lock: with Redis wiped it comes back with the next renewal, and the lease of a
stalled holder goes to another. So a holder confirms it before any step that cannot be undone, and
then reads the store's record of what others did before; nothing may rest on a lease alone.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import redis
from redis.exceptions import RedisError

from addon import log
from addon.errors import LeaseLost
from addon.redis_commands import Script, all_done, execute, execute_all
from addon.redis_errors import ignoring_wrong_type
from addon.redis_keys import LEASE

TTL_MS = 4000
"""A lease ends after this long without renewal: a killed job must run again within 10 s."""

RENEW_S = 1.0
"""Four chances to renew within a lease's life."""

LONGEST_MS = 60_000
"""No lease of any release lives longer: what does is not ours, and nobody would ever renew it."""

RENEW = f"""
local kind, life = redis.call('TYPE', KEYS[1]).ok, redis.call('PTTL', KEYS[1])
if kind ~= 'string' or life < 0 or life > {LONGEST_MS} then redis.call('DEL', KEYS[1]) end
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return holder and 2 or 1
"""
"""KEYS[1] the lease, ARGV[1] its holder, ARGV[2] its life. Takes it where it is free or ours: 1
where it was free, 2 where it was ours. A key that would not end by itself is no lease."""

LAPSED = 1

RELEASE = """
local holder = redis.call('GET', KEYS[1])
if holder and string.sub(holder, 1, #ARGV[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
"""KEYS[1] the lease, ARGV[1] its holder, or how the holders of one process begin."""

_RENEW, _RELEASE = Script(RENEW), Script(RELEASE)

logger = log.get("lease")


def key(kind: str, sid: str) -> str:
    """The Redis key of the lease for one kind of work on one request."""
    return f"{LEASE}{kind}:{sid}"


def held(connection: redis.Redis, kind: str, sid: str) -> bool:
    """True if any worker holds the lease."""
    return held_each(connection, [(kind, sid)])[0]


def held_each(connection: redis.Redis, leases: Sequence[tuple[str, str]]) -> list[bool]:
    """For each of these kinds and SIDs, True if any worker holds its lease; one round trip."""
    asked = [("PTTL", key(kind, sid)) for kind, sid in leases]
    return [0 <= life <= LONGEST_MS for life in all_done(execute_all(connection, asked))]


class Lease:
    """One process's hold on a request; made by `lease`."""

    def __init__(self, connection: redis.Redis, kind: str, sid: str) -> None:
        self.name = key(kind, sid)
        self.holder = _holders_of(os.getpid()) + secrets.token_hex(8)
        self._connection = connection
        self._lost = threading.Event()
        self._lapsed = threading.Event()

    def confirm(self) -> None:
        """Renew it now: when this returns, nobody else is at work, though somebody may have been.

        Raises LeaseLost where another is, or was seen to be before, and RedisError where Redis
        does not answer: without a certain lease a holder must not go on.
        """
        if not self.renew():
            raise LeaseLost("another worker has taken this over")

    def has_lapsed(self) -> bool:
        """True if it was free for a time since this was last asked: somebody may have had it.

        To be asked after `confirm`, and the store's record is to be read after that.
        """
        lapsed = self._lapsed.is_set()
        self._lapsed.clear()
        return lapsed

    def take(self) -> bool:
        """Take it where it is free; as `renew`, in one command instead of a script's."""
        free = execute(self._connection, "SET", self.name, self.holder, "PX", TTL_MS, "NX")
        return bool(free or self._took())  # ours where only the answer to SET was lost

    def renew(self) -> bool:
        """Take or keep it; False for good once another was seen to have it. Raises RedisError.

        One command where it is ours. Where it is not, that lengthens another's lease once, by less
        than its life.
        """
        if self._lost.is_set():
            return False
        with ignoring_wrong_type():
            found = execute(self._connection, "GETEX", self.name, "PX", TTL_MS)
            if found == self.holder.encode():
                return True
        taken = self._took()
        if taken == LAPSED:
            self._lapsed.set()
        elif not taken:
            self._lost.set()
        return bool(taken)

    def _took(self) -> int:
        return int(_RENEW(self._connection, [self.name], [self.holder, TTL_MS]))

    def beat(self, stop: threading.Event) -> None:
        """Renew it until it is over, or another's."""
        while not stop.wait(RENEW_S):
            try:
                if not self.renew():
                    return
            except RedisError:
                continue  # an outage: the next beat tries again

    def release(self) -> None:
        """Give it back, where it is still ours."""
        try:
            _release(self._connection, self.name, self.holder)
        except RedisError:
            return  # it ends by itself


@contextmanager
def lease(
    connection: redis.Redis, kind: str, sid: str, taken: Lease | None = None
) -> Iterator[Lease | None]:
    """Hold a request for as long as the block runs; gives None where somebody else does.

    A lease that the caller has `taken` is held on to. A block that raises LeaseLost ends there
    without an error: the rest is the new holder's.
    """
    mine = taken or Lease(connection, kind, sid)
    if taken is None and not mine.take():
        yield None
        return
    stop = threading.Event()
    beat = threading.Thread(target=mine.beat, args=(stop,), daemon=True)
    beat.start()
    try:
        yield mine
    except LeaseLost as error:
        logger.warning("left to its new holder", work=kind, reason=error.message)
    finally:
        stop.set()
        beat.join(timeout=RENEW_S)
        mine.release()


def release_each(connection: redis.Redis, leases: Iterable[Lease]) -> None:
    """Give leases of this process back, each where it is still ours. Raises RedisError."""
    commands = [("EVAL", RELEASE, "1", each.name, each.holder) for each in leases]
    all_done(execute_all(connection, commands))


def release_of(connection: redis.Redis, kind: str, sid: str, pid: int) -> None:
    """Release what a dead process of this machine held, and nobody else's. Raises RedisError."""
    _release(connection, key(kind, sid), _holders_of(pid))


def _release(connection: redis.Redis, name: str, holder: str) -> None:
    _RELEASE(connection, [name], [holder])


def _holders_of(pid: int) -> str:
    """The beginning of every holder's name in one process."""
    return f"{socket.gethostname()}:{pid}:"
