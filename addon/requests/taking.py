"""The script by which a worker takes a job: `selection.take` and `selection.charge` in Redis.

One call charges the process for its last job, selects the next one and moves it in flight, and
notes an overload. Where 10,000 jobs wait it looks at some fifty of them; tests hold it equal to
`addon.requests.selection`.
"""

from __future__ import annotations

from collections.abc import Mapping

from addon import redis_keys
from addon.redis_commands import Script
from addon.requests import scheduling, selection
from addon.requests.scheduling import EXPRESS, PERIODIC, RECORDING_QUEUES
from addon.requests.selection import DEBT_S, FAILURES, LATE, LONGER, SHARES


def _table(values: Mapping[str, float]) -> str:
    """A mapping as a table in Lua, with every digit."""
    return "{" + ", ".join(f"{name} = {value!r}" for name, value in values.items()) + "}"


TAKE = f"""
local now = tonumber(ARGV[1])
local defaults = {_table({q: selection.default_service_time(q) for q in RECORDING_QUEUES})}
local shortest = {_table({q: scheduling.shortest(q) for q in RECORDING_QUEUES})}
local share, debt = {_table(SHARES)}, {_table(DEBT_S)}
local queues, owed = {{}}, {{}}

local function number(text, otherwise)
  local found = tonumber(text)
  if found and math.abs(found) < 1e9 then return found end
  return otherwise
end

local function due(queue, index)
  local job = redis.call('LINDEX', queue.key, index)
  return job and tonumber(string.sub(job, -16, -9), 16) or math.huge
end

local function length(queue, index)
  return tonumber(string.sub(redis.call('LINDEX', queue.key, index), -20, -17), 16) or math.huge
end

local function charge(name, late, seconds)
  if defaults[name] then
    local samples = '{redis_keys.SERVICE_TIMES}' .. name
    if redis.call('LPUSH', samples, seconds) >= {2 * selection.SAMPLES} then
      redis.call('LTRIM', samples, 0, {selection.SAMPLES - 1})
    end
  end
  local spent = {{ {LATE} = late, {LONGER} = not late and name ~= '{EXPRESS}' }}
  for reserve, part in pairs(share) do
    local change = part * seconds
    if spent[reserve] then change = -seconds end
    owed[reserve] = math.max(-debt[reserve],
      math.min({selection.CREDIT_S!r}, owed[reserve] + change))
  end
  for reserve, seconds in pairs(owed) do
    redis.call('HSET', '{redis_keys.RESERVES}', reserve, string.format('%.17g', seconds))
  end
end

local function service(queue)
  local samples = '{redis_keys.SERVICE_TIMES}' .. queue.name
  local times = redis.call('LRANGE', samples, 0, {selection.SAMPLES - 1})
  if #times < {selection.LEAST_SAMPLES} then return defaults[queue.name] end
  for i = 1, #times do times[i] = number(times[i], defaults[queue.name]) end
  table.sort(times)
  return times[math.floor(9 * #times / 10)]
end

local function look(queue)
  if queue.first then return end
  queue.length = redis.call('LLEN', queue.key)
  queue.first = 0
  if queue.length == 0 or not defaults[queue.name] then return end
  queue.service = service(queue)
  local low, high, soon = 0, queue.length, now + queue.service + {selection.DELIVERY_S!r}
  while low < high do
    local middle = math.floor((low + high) / 2)
    if due(queue, middle) < soon then low = middle + 1 else high = middle end
  end
  queue.first = low
end

local function shortest_of_some(queue, waiting)
  local looks, found, least = math.min({selection.SHORTEST_OF}, waiting), nil, nil
  for look = 0, looks - 1 do
    local index = queue.first + math.floor((2 * look + 1) * waiting / (2 * looks))
    local its = length(queue, index)
    if not least or its <= least then found, least = index, its end
  end
  return found
end

local function in_time(queue)
  local waiting, skipped = queue.length - queue.first, 0
  if waiting == 1 and queue.service <= {selection.OVERLOADED_S!r} then return queue.first end
  local processes = redis.call('LLEN', queue.key .. ':intermediate') + 1
  if queue.name == '{EXPRESS}'
    and waiting * queue.service > {selection.OVERLOADED_S!r} * processes then
    redis.call('SET', '{redis_keys.OVERLOADED}', 1, 'EX', {selection.OVERLOADED_TTL_S})
  end
  if waiting == 1 then return queue.first end
  local rate = processes / queue.service
  local function try(ahead)
    local can = rate * (due(queue, queue.first + ahead - 1) - now - {selection.DELIVERY_S!r})
    skipped = math.max(skipped, math.min(ahead - 1, math.ceil(ahead - can)))
  end
  local ahead = 1
  while ahead < waiting do
    try(ahead)
    ahead = ahead * 2
  end
  try(waiting)
  if skipped > 0 and skipped >= {selection.SHORT_FIRST_FROM!r} * waiting then
    return shortest_of_some(queue, waiting)
  end
  return queue.first + skipped
end

local function give(queue, index, late)
  local flight, job = queue.key .. ':intermediate', nil
  if index == 0 then
    job = redis.call('LMOVE', queue.key, flight, 'LEFT', 'RIGHT')
  else
    job = redis.call('LINDEX', queue.key, index)
    -- from the nearer end: thousands of late jobs may lie in front
    redis.call('LREM', queue.key, 2 * index < queue.length and 1 or -1, job)
    redis.call('RPUSH', flight, job)
  end
  return {{queue.key, job, late and 1 or 0}}
end

local function oldest_late()
  local oldest, earliest
  for _, queue in ipairs(queues) do
    if defaults[queue.name] then look(queue) end
    if queue.first and queue.first > 0 then
      local its = due(queue, 0)
      if not earliest or its < earliest then oldest, earliest = queue, its end
    end
  end
  return oldest
end

local function urgent()
  local found, least
  for _, queue in ipairs(queues) do
    if defaults[queue.name] and queue.name ~= '{EXPRESS}' then
      look(queue)
      if queue.first < queue.length then
        local left = (due(queue, queue.first) - now) / shortest[queue.name]
        if not least or left < least then found, least = queue, left end
      end
    end
  end
  if found and least <= {selection.URGENT_LEFT!r} then return found end
end

local stored = redis.call('HMGET', '{redis_keys.RESERVES}', '{LATE}', '{LONGER}', '{FAILURES}')
owed.{LATE}, owed.{LONGER} = number(stored[1] or 0, 0), number(stored[2] or 0, 0)
owed.{FAILURES} = number(stored[3] or 0, 0)
if ARGV[2] ~= '' then charge(ARGV[2], ARGV[3] == '1', tonumber(ARGV[4])) end
for i = 1, #KEYS do
  queues[i] = {{key = KEYS[i], name = string.match(KEYS[i], '[^:]*$')}}
end

if owed.{LONGER} > 0 then
  local queue = urgent()
  if queue then return give(queue, in_time(queue), false) end
end
if owed.{LATE} > 0 then
  for _, queue in ipairs(queues) do
    if queue.name == '{PERIODIC}' then
      look(queue)
      if queue.length > 0 then return give(queue, 0, true) end
    end
  end
  local queue = oldest_late()
  if queue then return give(queue, 0, true) end
end
for _, queue in ipairs(queues) do
  if defaults[queue.name] then
    look(queue)
    if queue.first < queue.length then return give(queue, in_time(queue), false) end
  end
end
local queue = oldest_late()
if queue then return give(queue, 0, true) end
for _, queue in ipairs(queues) do
  look(queue)
  if queue.length > 0 then return give(queue, 0, queue.name == '{PERIODIC}') end
end
return false
"""
"""KEYS: the queues that the process serves, in order. ARGV: the time; the queue of the job that the
process had, 1 where a reserve paid for it, and its seconds, or an empty queue for none. Gives
queue, id, and 1 where a reserve is to pay."""

take = Script(TAKE)
