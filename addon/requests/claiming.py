"""Lua of a claim: enters a request and queues its job, or counts a duplicate, in one round trip.

A script runs alone in Redis, so of two claims of one request the second finds the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from itertools import chain
from typing import NamedTuple

import redis

from addon import redis_keys
from addon.redis_commands import Script, Word
from addon.requests.queued_job import QUEUES, QueuedJob

_PLACE = """
local function due(job) return tonumber(string.sub(job, -16, -9), 16) or math.huge end
local function place(queue, job)
  local mine, low, high = due(job), 0, redis.call('LLEN', queue)
  local length, pivot = high, false
  while low < high do
    local middle = math.floor((low + high) / 2)
    local other = redis.call('LINDEX', queue, middle)
    if mine < due(other) then high, pivot = middle, other else low = middle + 1 end
  end
  if low == length then redis.call('RPUSH', queue, job)
  else redis.call('LINSERT', queue, 'BEFORE', pivot, job) end
  return length
end
"""

PLACE = _PLACE + "return place(KEYS[1], ARGV[1])"
"""KEYS[1] a queue, ARGV[1] a job, whose id says when it is due: `selection.place` in Redis."""

CLAIM = Script(
    _PLACE
    + """
local found = redis.call('HMGET', KEYS[1], 'received_at', 'outcome')
if found[1] or found[2] then
  redis.call('HINCRBY', KEYS[1], 'duplicates', 1)
  return 0
end
local facts = 6 + ARGV[6]
redis.call('HSET', KEYS[1], unpack(ARGV, 7, facts))
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
redis.call('SADD', KEYS[3], KEYS[4])
redis.call('HSET', KEYS[5], unpack(ARGV, facts + 1))
local waiting = place(KEYS[4], ARGV[4])
redis.call('HINCRBYFLOAT', KEYS[6], ARGV[5], 1)
return 1 + (waiting > 0 and redis.call('EXISTS', KEYS[7]) or 0)
"""
)
"""KEYS: a request's state, the unfinished requests, all queues, a queue, a job, the metrics, and
the note of an overload.
ARGV: the request SID, when to look at it, seconds that the state lives, the job's id, the counter,
the number of words of the state, those words, and those of the job. Gives an `Entered`.
"""


class Entered(IntEnum):
    """The answer to a claim; true where the request is new."""

    DUPLICATE = 0
    QUEUED = 1
    QUEUED_IN_OVERLOAD = 2


class Claim(NamedTuple):
    """A request to enter: `facts` are the words of its state, `due` is when to look at it, and
    `counter` the field of the metrics that counts it."""

    sid: str
    facts: Mapping[str, Word]
    due: float
    lifetime_s: int
    counter: str
    job: QueuedJob


def enter(client: redis.Redis, claim: Claim) -> Entered:
    """Enter a request and queue its job, where it is not entered. Raises RedisError."""
    job, facts = claim.job, list(chain.from_iterable(claim.facts.items()))
    keys = (
        redis_keys.REQUEST + claim.sid,
        redis_keys.REQUESTS_OPEN,
        QUEUES,
        job.queue_key,
        job.key,
        redis_keys.METRICS,
        redis_keys.OVERLOADED,
    )
    words = (claim.sid, claim.due, claim.lifetime_s, job.id, claim.counter, len(facts), *facts)
    return Entered(CLAIM(client, keys, (*words, *chain.from_iterable(job.fields.items()))))
