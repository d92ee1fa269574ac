"""Lua of a claim: enters a request and queues its job, or counts a duplicate, in one round trip.

A script runs alone in Redis, so of two claims of one request the second finds the first. The
commands of the first are those of a pipeline that was filled but not executed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import redis
from redis.client import Pipeline

SIZE = struct.Struct(">I")

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
  if low == length then return redis.call('RPUSH', queue, job) end
  return redis.call('LINSERT', queue, 'BEFORE', pivot, job)
end
"""

PLACE = _PLACE + "return place(KEYS[1], ARGV[1])"
"""KEYS[1] a queue, ARGV[1] a job, whose id says when it is due: `selection.place` in Redis."""

CLAIM = (
    _PLACE
    + """
local found = redis.call('HMGET', KEYS[1], 'received_at', 'outcome')
if found[1] or found[2] then
  redis.call('HINCRBY', KEYS[1], 'duplicates', 1)
  return 0
end
local at = 1
while at <= #ARGV[1] do
  local count, words = nil, {}
  count, at = struct.unpack('>I4', ARGV[1], at)
  for i = 1, count do words[i], at = struct.unpack('>I4c0', ARGV[1], at) end
  if words[1] == 'PLACE' then
    place(words[2], words[3])
  else
    redis.call(unpack(words))
  end
end
return 1
"""
)
"""KEYS[1] a request's state, ARGV[1] the commands to run as `_packed` has them; PLACE is followed
by a queue and a job. Gives 1, or 0 for a duplicate."""


def claim(connection: redis.Redis, state: str, commands: Pipeline) -> bool:
    """Run the commands of a pipeline where nothing is entered under the key `state`.

    False where something is. Raises RedisError.
    """
    packed = b"".join(_packed(command) for command in _commands(commands))
    return bool(connection.register_script(CLAIM)(keys=[state], args=[packed]))


def _commands(pipeline: Pipeline) -> Iterator[tuple[Any, ...]]:
    """The commands that a pipeline holds; the script cannot run another one, only PLACE."""
    for command, _ in pipeline.command_stack:
        yield ("PLACE", *command[3:]) if command[:2] == ("EVAL", PLACE) else command


def _packed(command: tuple[Any, ...]) -> bytes:
    """The number of a command's words, and each after its length: one argument costs redis-py less
    than a hundred do."""
    parts = [SIZE.pack(len(command))]
    for word in command:
        text = word if isinstance(word, bytes | str) else str(word)
        encoded = text.encode() if isinstance(text, str) else text  # str() would name an enum
        parts += (SIZE.pack(len(encoded)), encoded)
    return b"".join(parts)
