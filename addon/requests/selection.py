"""Selection of the job that a free worker process takes next. Pure code: no clock, no Redis.

A queue is sorted by when its jobs are due. In front are the late ones, which a failure will answer
before their result could; they wait until nothing can be in time, apart from a share of the work
that is reserved for them. Of the others, Moore and Hodgson's rule says how many more have to be
given up so that all behind them are in time. Where those are few, the ones that are due first are
given up, and the next job is taken. Where they are many, one of the shortest is taken: it costs
least, and being due soon it would always be among those given up.
`taking.TAKE` is the same in Redis, tests hold the two together, and the simulation in
`benchmarks/scheduling.py` runs this code (decision 0704).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from addon.requests import scheduling
from addon.requests.scheduling import EXPRESS, PERIODIC, RECORDING_QUEUES

SAMPLES = 32
"""Service times kept for each queue: four seconds of voicemails on two busy cores."""

LEAST_SAMPLES = 16
"""With fewer the default is used; from here on two outliers change nothing."""

FIXED_S, SECONDS_PER_SECOND = 0.3, 0.0028
"""Service time before anything is measured: of one core, and what docs/capacity.md measured."""

DELIVERY_S = 1.0
"""From a process's end with a job to the accepted answer, with a callback host that answers."""

LONGER, LATE, FAILURES = "longer", "late", "failures"
SHARES = {LONGER: 0.2, LATE: 0.05, FAILURES: 0.02}
"""Shares of the work that are reserved: for urgent jobs of the longer queues, for late ones, and
for sending failures.

The last two get little, because each takes the place of an answer that counts; but recordings of an
overload that lasts must be archived before its end."""

FAILURE_S = 0.01
"""Seconds of a core to send a failure: the delivery's, Redis's and, beside them, the sweeper's."""

CREDIT_S, DEBT_S = 1.0, {LONGER: 60.0, LATE: 60.0, FAILURES: 0.0}
"""Bounds of what a reserve is owed. The share holds from second to second; nothing is saved up. The
failures of an idle hour are not paid for in the next overload."""

URGENT_AT = 3.0
"""A longer job is urgent after this many times its queue's shortest audio: Twilio's median."""

URGENT_LEFT = scheduling.ANSWER_AT - URGENT_AT

SHORT_FIRST_FROM = 0.4
"""Where this share of those that can be in time has to be given up, one of the shortest is taken.
In a burst less is better done in the order of deadlines: the long ones can wait for the short."""

SHORTEST_OF = 16
"""Waiting jobs of which the shortest is taken: the more, the more results, and the fewer long ones
among them."""

OVERLOADED_S = 2.0
"""There is an overload where a new short recording would wait longer than this for its turn. Its
202 may come a moment later then, where accepting costs less by that."""

OVERLOADED_TTL_S = 2
"""Seconds for which a noted overload counts; a busy process takes many jobs in them."""


@dataclass
class Backlog:
    """The state of all queues, as Redis holds it.

    `due` has the seconds since the epoch by which jobs are due, in the queue's order, `lengths` the
    seconds of their audio as guessed, `in_flight` the number that processes have taken, `samples`
    the latest service times in seconds, newest first, `owed` the seconds of work that each reserve
    is owed.
    """

    due: dict[str, list[float]] = field(default_factory=dict)
    lengths: dict[str, list[float]] = field(default_factory=dict)
    in_flight: dict[str, int] = field(default_factory=dict)
    samples: dict[str, list[float]] = field(default_factory=dict)
    owed: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """The job to take: its queue and index there, and True for `late` if the reserve pays."""

    queue: str
    index: int
    late: bool


def place(due: Sequence[float], mine: float) -> int:
    """The index of a new job in its queue: behind all that are due no later."""
    return bisect_right(due, mine)


def service_time(queue: str, samples: Sequence[float]) -> float:
    """Seconds that a process takes for a job of a queue: the 90th percentile of the latest."""
    if len(samples) < LEAST_SAMPLES:
        return default_service_time(queue)
    return sorted(samples)[9 * len(samples) // 10 - 1]


def default_service_time(queue: str) -> float:
    """Seconds that a process takes for the longest job of a queue, before any is measured."""
    limits = {each.name: each.limit for each in scheduling.SIZE_CLASSES}
    return FIXED_S + SECONDS_PER_SECOND * min(limits.get(queue, 0.0), scheduling.LONGEST_S)


def first_in_time(due: Sequence[float], now: float, service: float) -> int:
    """The index of the first job that can be answered with its result if it is begun now."""
    return bisect_left(due, now + service + DELIVERY_S)


def given_up(due: Sequence[float], first: int, now: float, service: float, processes: int) -> int:
    """The number of jobs from `first` on to leave out, so that those behind them are in time.

    The queue is looked at after 1, 2, 4, 8, … jobs and at its end: few looks, however many wait.
    """
    rate, skipped = processes / service, 0
    for ahead in _looks(len(due) - first):
        can = rate * (due[first + ahead - 1] - now - DELIVERY_S)
        skipped = max(skipped, min(ahead - 1, math.ceil(ahead - can)))
    return skipped


def shortest_of_some(lengths: Sequence[float], first: int) -> int:
    """The index of the shortest of SHORTEST_OF jobs, evenly spread from `first` on; of equal ones
    the last, which has most time left."""
    waiting = len(lengths) - first
    looks = min(SHORTEST_OF, waiting)
    indexes = [first + (2 * look + 1) * waiting // (2 * looks) for look in range(looks)]
    return min(indexes, key=lambda index: (lengths[index], -index))


def _looks(number: int) -> Iterator[int]:
    ahead = 1
    while ahead < number:
        yield ahead
        ahead *= 2
    if number:
        yield number


def is_overloaded(waiting: int, service: float, processes: int) -> bool:
    """True where so many short recordings wait, and can be in time, that a new one waits long."""
    return waiting * service > OVERLOADED_S * processes


def take(served: Sequence[str], backlog: Backlog, now: float) -> Choice | None:
    """The job for a process that serves these queues, in this order; None if there is none."""
    first = {
        queue: first_in_time(backlog.due.get(queue, ()), now, _service(queue, backlog))
        for queue in served
        if queue in RECORDING_QUEUES
    }
    reserved = _urgent(first, backlog, now) or _reserved_late(served, first, backlog)
    if reserved:
        return reserved
    for queue, index in first.items():
        due = backlog.due.get(queue, ())
        if index < len(due):
            return Choice(queue, _in_time(queue, index, backlog, now), late=False)
    others = (queue for queue in served if queue not in first and backlog.due.get(queue))
    return _oldest_late(first, backlog) or next(
        (Choice(queue, 0, late=queue == PERIODIC) for queue in others), None
    )


def _service(queue: str, backlog: Backlog) -> float:
    return service_time(queue, backlog.samples.get(queue, ()))


def _in_time(queue: str, first: int, backlog: Backlog, now: float) -> int:
    """The index of the job to take from a queue that has one in time."""
    due, processes = backlog.due[queue], backlog.in_flight.get(queue, 0) + 1
    skipped = given_up(due, first, now, _service(queue, backlog), processes)
    if skipped and skipped >= SHORT_FIRST_FROM * (len(due) - first):
        return shortest_of_some(backlog.lengths[queue], first)
    return first + skipped


def _urgent(first: Mapping[str, int], backlog: Backlog, now: float) -> Choice | None:
    """The most urgent job of the longer queues, where their reserve is owed something.

    The time left is compared over the shortest audio of each queue.
    """
    if backlog.owed.get(LONGER, 0.0) <= 0:
        return None
    left = {
        queue: (backlog.due[queue][index] - now) / scheduling.shortest(queue)
        for queue, index in first.items()
        if queue != EXPRESS and index < len(backlog.due.get(queue, ()))
    }
    queue = min(left, key=left.__getitem__, default=None)
    if queue is None or left[queue] > URGENT_LEFT:
        return None
    return Choice(queue, _in_time(queue, first[queue], backlog, now), late=False)


def _reserved_late(
    served: Sequence[str], first: Mapping[str, int], backlog: Backlog
) -> Choice | None:
    """A periodic task, else the oldest late job, where their reserve is owed something."""
    if backlog.owed.get(LATE, 0.0) <= 0:
        return None
    if PERIODIC in served and backlog.due.get(PERIODIC):
        return Choice(PERIODIC, 0, late=True)
    return _oldest_late(first, backlog)


def _oldest_late(first: Mapping[str, int], backlog: Backlog) -> Choice | None:
    oldest = {queue: backlog.due[queue][0] for queue, index in first.items() if index}
    queue = min(oldest, key=oldest.__getitem__, default=None)
    return None if queue is None else Choice(queue, 0, late=True)


def failures_to_send(backlog: Backlog, now: float, queued: int) -> int:
    """The number of failures to send now, of those that are due; `queued` deliveries wait already.

    While a recording waits that can be in time, their reserve pays FAILURE_S for each. Otherwise it
    is a second of a core at a time, so that what comes next waits no longer.
    """
    is_busy = any(
        due and first_in_time(due, now, _service(queue, backlog)) < len(due)
        for queue, due in backlog.due.items()
        if queue in RECORDING_QUEUES
    )
    room = backlog.owed.get(FAILURES, 0.0) if is_busy else CREDIT_S
    return max(0, int(room / FAILURE_S) - queued)


def charge(
    owed: Mapping[str, float], queue: str, seconds: float, *, late: bool
) -> dict[str, float]:
    """The seconds that each reserve is owed after a process has spent some on a job."""
    spent = {LONGER: not late and queue != EXPRESS, LATE: late, FAILURES: False}
    return {
        reserve: max(
            -DEBT_S[reserve],
            min(
                CREDIT_S,
                owed.get(reserve, 0.0) + (-seconds if spent[reserve] else share * seconds),
            ),
        )
        for reserve, share in SHARES.items()
    }


def forecast_wait(queue: str, depth: int, in_flight: int, samples: Sequence[float]) -> float:
    """Seconds that a job would wait which came to a queue now, at its present pace."""
    if queue not in RECORDING_QUEUES:
        return 0.0  # no pace is measured there
    return depth * service_time(queue, samples) / max(1, in_flight)
