"""The scheduling policy: the queue that a recording waits in, its deadlines and its time limit.

Short clips are the danger: three seconds of voicemail fail at thirty, an hour may wait an hour
(spec/protocol 1.8). The simulation in `benchmarks/` runs this very code; nothing here may touch
Redis.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from addon.metrics.declarations import LENGTHS

BYTES_PER_SECOND = 16_000
"""One telephone channel of 8 kHz, 16-bit audio (spec/protocol 4.3)."""

LEAST_BYTES_PER_SECOND = 1_000
"""Below any codec here: GSM has 1,625, a telephone MP3 4,000."""

MILLISECONDS_FROM = 1000
"""A declared duration of this or more may be milliseconds (spec/protocol 1.6)."""

FAIL_AT = 10.0
"""Twilio fails a request after this many times its audio's length (spec/protocol 1.8)."""

ANSWER_AT = 8.5
"""An unanswered request is answered with a failure at this multiple, so that it still counts."""

LEAST_GUESS_S = 1.0
"""No deadline comes from a shorter guess: Twilio counts whole seconds, and 30 bytes are no call."""

UNKNOWN_S = 10.0
"""Length that is assumed where none is known: short enough to be processed soon."""

LONGEST_S = 4 * 3600.0
"""The longest call that Twilio records."""

LAST = 0xFFFF_FFFF
"""Due after everything else, in the year 2106: a job that has no deadline."""

EXPRESS_BYTES = 6 * 1024 * 1024
"""More than 30 s of any telephone recording: two channels at 44.1 kHz and 16 bits have 5.3 MB."""

REFUTED_S = 600.0
"""Length that is assumed for a recording with more bytes, where nothing else tells it."""

SHORT_S = 60.0
"""Recordings up to this length run in a warm process: a fork costs as much as analysing ten seconds
(decision 0707)."""

LONG_NICE = 10
"""About a tenth of a core while others want it, and all of it otherwise (sched(7))."""

SHORTEST_S = 3.0
"""A voicemail that says anything, and about what a result may wait in a queue without audio."""

LOOK_S = 30.0
"""Every unfinished request is looked at this often at the least."""

JOB_FLOOR_S = 300.0
"""No job is stopped sooner, however short its audio: a download alone may take this long."""


@dataclass(frozen=True)
class Length:
    """Seconds of audio: as guessed, and at most (None where nobody can say)."""

    estimate: float
    longest: float | None


@dataclass(frozen=True)
class SizeClass:
    """A queue for recordings of up to `limit` seconds."""

    name: str
    limit: float


SIZE_CLASSES = tuple(
    map(SizeClass, ("express", "q60", "q180", "q600", "q1800", "qlong"), LENGTHS.values())
)
"""Six queues, shortest first; one process serves the first alone (spec/runtime 5)."""

EXPRESS = SIZE_CLASSES[0].name
DELIVER = "deliver"
REDELIVER = "redeliver"
PERIODIC = "errands"
"""Jobs of periodic tasks; the name is an older word, and stays while two releases share Redis."""

BACKFILL = "backfill"
WEBHOOKS = "webhooks"
"""Events for integrators: a process of its own serves it, so that no result waits for one."""

RECORDING_QUEUES = tuple(each.name for each in SIZE_CLASSES)
ALL_QUEUES = (*RECORDING_QUEUES, DELIVER, REDELIVER, PERIODIC, BACKFILL, WEBHOOKS)

ROLES = {
    "express": (EXPRESS,),
    "general": (*RECORDING_QUEUES, PERIODIC, BACKFILL),
    "deliver": (DELIVER,),
    "redeliver": (REDELIVER, DELIVER),
    "webhooks": (WEBHOOKS,),
}
"""The queues that each kind of worker process takes from, in this order."""


def queue_for(seconds: float) -> str:
    """The queue for a recording of this length."""
    return next(each.name for each in SIZE_CLASSES if seconds <= each.limit)


def longer(longest: float | None) -> float:
    """The length to go by once the guess of a short clip is refuted: the other reading, if any."""
    return longest if longest and queue_for(longest) != EXPRESS else REFUTED_S


def due(received_at: float, seconds: float) -> int:
    """The second by which a job's result has to be there: after it a failure is the answer."""
    return int(max(0, min(LAST, answer_by(received_at, seconds))))


def is_short(queue: str) -> bool:
    """True for the queues of recordings up to SHORT_S."""
    return any(each.name == queue and each.limit <= SHORT_S for each in SIZE_CLASSES)


def niceness(queue: str) -> int:
    """The nice value of a process with a job of this queue: LONG_NICE but for short recordings.

    An hour's call has ten hours; a voicemail, its delivery and the web's 202 have seconds.
    """
    return 0 if is_short(queue) else LONG_NICE


def shortest(queue: str) -> float:
    """The shortest audio, in seconds, that a queue is for."""
    for shorter, own in pairwise(SIZE_CLASSES):
        if own.name == queue:
            return shorter.limit
    return SHORTEST_S


def pressure(queue: str, wait: float) -> float:
    """A wait in a queue over the shortest audio that the queue is for.

    At 1 a recording may wait its own length: a third of what Twilio wants for the whole.
    """
    return wait / shortest(queue)


def length(declared: float | None, size: float | None, channels: float | None) -> Length:
    """A recording's length, guessed before anything is decoded.

    `declared` may be seconds or milliseconds (spec/protocol 1.6): the bytes decide where there are
    any. Without them the shorter reading decides the queue, because waiting too long is the greater
    harm, and the longer one the deadline, because a failure must never be answered too early. Fewer
    bytes than any call has give no deadline at all.
    """
    readings = [] if not declared or declared < 0 else [declared]
    if declared and declared >= MILLISECONDS_FROM:
        readings.append(declared / 1000)
    if not size:
        return Length(min(readings, default=UNKNOWN_S), max(readings, default=None))
    by_size = max(size / (BYTES_PER_SECOND * max(1, channels or 1)), LEAST_GUESS_S)
    if not readings:
        longest = size / LEAST_BYTES_PER_SECOND
        return Length(by_size, longest if longest >= LEAST_GUESS_S else None)
    nearest = min(readings, key=lambda seconds: abs(seconds - by_size))
    return Length(nearest, max(nearest, by_size))


def answer_by(received_at: float, seconds: float) -> float:
    """The time at which an unfinished request is answered with a failure instead."""
    return received_at + ANSWER_AT * seconds


def deadline(received_at: float, seconds: float) -> float:
    """The time at which Twilio gives a request up."""
    return received_at + FAIL_AT * seconds


def first_look(received_at: float, longest: float | None, now: float) -> float:
    """The time at which the sweeper first looks at a new request."""
    if longest is None:
        return now + LOOK_S
    return min(now + LOOK_S, answer_by(received_at, longest))


def job_timeout(seconds: float) -> int:
    """Seconds after which a job is stopped: beyond the deadline only the archive is served."""
    return int(max(JOB_FLOOR_S, min(FAIL_AT * seconds, LONGEST_S)))
