"""The requests whose failure is due and not queued, and how many of them may be sent now.

While recordings wait that can be in time, few failures are sent (decision 0704). All of it can be
lost with Redis: the sweeper enters a request again when it next looks at it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import redis

from addon import redis_keys
from addon.redis_commands import Word, all_done, execute, execute_all
from addon.requests import scheduling, selection
from addon.requests.queues import DeadlineQueue, due_of
from addon.requests.selection import FAILURES, Backlog
from addon.requests.spoilt_keys import is_number

_KEY = redis_keys.REQUESTS_FAILING


class FailuresDue:
    """A sorted set in Redis, scored by when Twilio fails each request. Raises RedisError."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection
        names = (scheduling.DELIVER, *scheduling.RECORDING_QUEUES)
        self._queues = {name: DeadlineQueue(name, connection=connection).key for name in names}

    def add(self, requests: Mapping[str, float]) -> None:
        """Enter requests, each with the time at which Twilio fails it."""
        if requests:
            words = [word for sid, at in requests.items() for word in (at, sid)]
            execute(self._redis, "ZADD", _KEY, *words)

    def first(self, now: float, number: int) -> list[str]:
        """So many of them: those that Twilio fails next, then those that it has failed."""
        found: list[bytes] = []
        for lowest, highest in ((f"({now}", "+inf"), ("-inf", now)):
            if number > len(found):
                limit = ("LIMIT", 0, number - len(found))
                found += execute(self._redis, "ZRANGEBYSCORE", _KEY, lowest, highest, *limit)
        return [sid.decode(errors="replace") for sid in found]

    def count(self) -> int:
        """The number of them."""
        return int(execute(self._redis, "ZCARD", _KEY))

    def drop(self, sids: Sequence[str]) -> None:
        """Take requests off: their failure is queued, or they have their answer."""
        if sids:
            execute(self._redis, "ZREM", _KEY, *sids)

    def may_be_sent(self, now: float) -> int:
        """The number of failures to send now: `selection.failures_to_send` of what Redis holds.

        The last job of a queue tells whether one waits that can be in time.
        """
        commands: list[tuple[Word, ...]] = [
            ("HGET", redis_keys.RESERVES, FAILURES),
            ("LLEN", self._queues[scheduling.DELIVER]),
        ]
        for name in scheduling.RECORDING_QUEUES:
            commands.append(("LINDEX", self._queues[name], -1))
            commands.append(("LRANGE", redis_keys.SERVICE_TIMES + name, 0, selection.SAMPLES - 1))
        owed, queued, *found = all_done(execute_all(self._redis, commands))
        backlog = Backlog(owed={FAILURES: float(owed) if owed and is_number(owed) else 0.0})
        for name, job, samples in zip(
            scheduling.RECORDING_QUEUES, found[::2], found[1::2], strict=True
        ):
            backlog.due[name] = [due_of(job.decode(errors="replace"))] if job else []
            backlog.samples[name] = list(map(float, filter(is_number, samples)))
        return selection.failures_to_send(backlog, now, queued)
