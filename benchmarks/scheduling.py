"""Simulates scheduling policies: discrete events that run the real `addon.requests.selection`.

Recordings arrive at random, are guessed and put into queues by the real code, and are taken by
processes in the real roles. All share the cores evenly, which is harder than it is: in truth the
jobs of long calls step back (`scheduling.niceness`). Measured is elapsed over duration, as in
production. `python -m benchmarks.scheduling [--jobs N]`.
"""

from __future__ import annotations

import argparse
import bisect
import heapq
import math
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from addon.requests import scheduling, selection
from addon.requests.selection import FAILURES, Backlog, Choice
from addon.requests.sla import LIMITS, percentile

MEDIAN_CALL_S = 180.0
SIGMA = 1.0
VOICEMAILS = 0.3
"""Share of recordings of 2 to 10 s."""

CHANNELS = 2
AROUND_S = 0.3
"""Waiting that is no work: two looks of an idle worker at its queues, two forks, the callback."""

BURST_CALLS, BURST_S = 100, 3600.0


@dataclass(frozen=True)
class Engine:
    """What one recording costs, in seconds of one core."""

    name: str
    fixed: float
    per_second: float

    def work(self, duration: float) -> float:
        """Core seconds for a recording of so many seconds."""
        return self.fixed + self.per_second * duration


MEASURED = Engine("as measured", 0.19, 0.0028)
"""Before short jobs ran in warm processes (decision 0707); the tables of 0700 and 0704 are made
with it."""

BY_LENGTH = Engine("by length", 0.033, 0.0035)
"""As `benchmarks.overload` has it in memory since requests share their steps: the CPU of a job is
29.6 ms where they last 3.2 s on average, 40.7 at 6.1 s and 45.5 at 7.8 s."""

SLOW = Engine("7 times slower", 0.30, 0.02)
"""A transcriber, or a machine much weaker than this one."""


@dataclass(frozen=True)
class Around:
    """Core seconds around the jobs, which go first: to accept a recording, and to answer one with a
    failure when its result can no longer be in time."""

    accepting: float = 0.0
    failure: float = 0.0


@dataclass(frozen=True)
class Job:
    """A recording that waits; the machine guesses neither `work` nor `duration`."""

    arrived: float
    duration: float
    work: float
    queue: str
    due: float
    guess: float = 10.0


Take = Callable[[Sequence[str], Backlog, float], Choice | None]
Failures = Callable[[Backlog, float, int], int]


@dataclass(frozen=True)
class Policy:
    """The roles of a machine's processes, and how each takes its next job.

    `order` gives what a queue is sorted by, and with `single` there is one queue for all.
    `failures` gives the number of failures to send at a moment.
    """

    name: str
    roles: Sequence[Sequence[str]]
    take: Take = selection.take
    order: Callable[[Job], float] = lambda job: job.due
    single: bool = False
    failures: Failures = lambda _backlog, _now, _queued: sys.maxsize


def _roles(cores: int) -> list[Sequence[str]]:
    """What the launcher starts on so many cores (workers/launcher.py)."""
    return [*[scheduling.ROLES["general"]] * cores, scheduling.ROLES["express"]]


def answered_by(job: Job) -> float:
    """Seconds after its receipt at which a job is answered with a failure."""
    return scheduling.ANSWER_AT * job.duration


def first_job(served: Sequence[str], backlog: Backlog, _now: float) -> Choice | None:
    """The first job of the first queue that has any, in time or not."""
    queue = next((queue for queue in served if backlog.due.get(queue)), None)
    return None if queue is None else Choice(queue, 0, late=False)


def deployed(cores: int) -> Policy:
    """What this release does: what can be in time first, reserves for the rest and for failures."""
    return Policy("in time first", _roles(cores), failures=selection.failures_to_send)


def failures_at_once(cores: int) -> Policy:
    """What the release before did: the same, but each failure is sent when it is due."""
    return Policy("failures at once", _roles(cores))


def earliest_deadline(cores: int) -> Policy:
    """Queues by length, the earliest deadline first, late or not."""
    return Policy("earliest deadline", _roles(cores), first_job)


def fifo(cores: int) -> Policy:
    """One queue for all, first in, first out."""
    roles = [[scheduling.EXPRESS]] * cores
    return Policy("first in first out", roles, first_job, lambda job: job.arrived, single=True)


def unreserved(cores: int) -> Policy:
    """The queues, but no process kept for short clips."""
    return Policy("no process reserved", [scheduling.ROLES["general"]] * cores)


def policies(cores: int) -> list[Policy]:
    """All that are compared."""
    return [
        make(cores) for make in (fifo, unreserved, earliest_deadline, failures_at_once, deployed)
    ]


@dataclass
class Process:
    """A worker process: the queues it serves, and the job it has."""

    serves: Sequence[str]
    job: Job | None = None
    choice: Choice | None = None
    since: float = 0.0
    left: float = 0.0


@dataclass(frozen=True)
class Done:
    """A job and when its result was accepted."""

    job: Job
    at: float

    @property
    def pace(self) -> float:
        """Elapsed over duration."""
        return (self.at - self.job.arrived) / self.job.duration

    @property
    def in_time(self) -> bool:
        """True if no failure was the answer before the result was there."""
        return self.pace <= scheduling.ANSWER_AT


@dataclass
class Machine:
    """Cores shared evenly by all processes at work; time moves from event to event."""

    policy: Policy
    cores: int
    around: Around = field(default_factory=Around)
    now: float = 0.0
    backlog: Backlog = field(default_factory=Backlog)
    waiting: dict[str, list[Job]] = field(default_factory=dict)
    done: list[Done] = field(default_factory=list)
    failures_in_time: int = 0
    """Sent before Twilio fails their request."""
    pressed_at: float = math.inf
    """When the signal to scale by first was above 1."""

    def __post_init__(self) -> None:
        self.processes = [Process(serves) for serves in self.policy.roles]
        self._debt = 0.0  # core seconds of what goes before the jobs
        self._unanswered: list[tuple[float, float, int]] = []
        self._failing: list[tuple[float, int]] = []  # when Twilio fails each, in this order
        self._answered: set[int] = set()

    def run(self, arrivals: Iterable[Job]) -> list[Done]:
        """All jobs, in the order of their ends."""
        for job in arrivals:
            self._until(job.arrived)
            self._enter(job)
            self._assign()
        self._until(math.inf)
        return self.done

    def _enter(self, job: Job) -> None:
        queue = scheduling.EXPRESS if self.policy.single else job.queue
        due, order = self.backlog.due.setdefault(queue, []), self.policy.order(job)
        at = selection.place(due, order)
        due.insert(at, order)
        self.backlog.lengths.setdefault(queue, []).insert(at, math.ceil(job.guess))
        self.waiting.setdefault(queue, []).insert(at, job)
        self._debt += self.around.accepting
        fails_at = scheduling.deadline(job.arrived, job.duration)
        heapq.heappush(self._unanswered, (job.arrived + answered_by(job), fails_at, id(job)))
        self._look_at_signal(queue)

    def _answer_late(self) -> None:
        """Answer with a failure what is due, as much of it as the policy says."""
        while self._unanswered and self._unanswered[0][0] <= self.now:
            _, fails_at, job = heapq.heappop(self._unanswered)
            if job not in self._answered:
                bisect.insort(self._failing, (fails_at, job))
        number = self.policy.failures(self.backlog, self.now, 0) if self._failing else 0
        owed, sent = self.backlog.owed, 0
        while self._failing and sent < number:
            first = bisect.bisect(self._failing, (self.now, 0))
            fails_at, job = self._failing.pop(first if first < len(self._failing) else 0)
            if job not in self._answered:
                self._answered.add(job)
                self._debt += self.around.failure
                self.failures_in_time += fails_at > self.now
                sent += 1
        owed[FAILURES] = owed.get(FAILURES, 0.0) - sent * selection.FAILURE_S

    def _look_at_signal(self, queue: str) -> None:
        """Note when the queue's pressure passes 1."""
        jobs, samples = self.waiting[queue], self.backlog.samples.get(queue, ())
        in_flight = self.backlog.in_flight.get(queue, 0)
        forecast = selection.forecast_wait(queue, len(jobs), in_flight, samples)
        waited = max(forecast, self.now - jobs[0].arrived)
        if self.pressed_at == math.inf and scheduling.pressure(queue, waited) > 1:
            self.pressed_at = self.now

    def _until(self, moment: float) -> None:
        while busy := [process for process in self.processes if process.job]:
            rate = min(1.0, self.cores / len(busy))
            first = min(busy, key=lambda process: process.left)
            ends = self.now + self._debt / self.cores + first.left / rate
            if ends > moment:
                break
            self._advance(busy, ends, rate)
            self._end(first)
            self._assign()
        else:
            busy, rate = [], 1.0
        if moment < math.inf:
            self._advance(busy, moment, rate)

    def _advance(self, busy: Sequence[Process], moment: float, rate: float) -> None:
        seconds = moment - self.now
        first = min(seconds, self._debt / self.cores)
        self._debt -= first * self.cores
        for process in busy:
            process.left -= (seconds - first) * rate
        self.now = moment
        self._answer_late()

    def _end(self, process: Process) -> None:
        job, choice, backlog = process.job, process.choice, self.backlog
        process.job = process.choice = None
        if job is None or choice is None:
            return
        queue, seconds = choice.queue, self.now - process.since
        self.done.append(Done(job, self.now + AROUND_S))
        self._answered.add(id(job))
        backlog.in_flight[queue] -= 1
        samples = backlog.samples.setdefault(queue, [])
        samples.insert(0, seconds)
        del samples[selection.SAMPLES :]
        backlog.owed = selection.charge(backlog.owed, queue, seconds, late=choice.late)

    def _assign(self) -> None:
        for process in self.processes:
            if process.job is not None or not any(map(self.waiting.get, process.serves)):
                continue
            choice = self.policy.take(process.serves, self.backlog, self.now)
            if choice is not None:
                queue = choice.queue
                del self.backlog.due[queue][choice.index]
                del self.backlog.lengths[queue][choice.index]
                job = self.waiting[queue].pop(choice.index)
                process.job, process.choice = job, choice
                process.since, process.left = self.now, job.work
                self.backlog.in_flight[queue] = self.backlog.in_flight.get(queue, 0) + 1


def durations(random_: random.Random) -> Iterator[float]:
    """Voicemails and calls for ever, in seconds."""
    while True:
        if random_.random() < VOICEMAILS:
            yield random_.uniform(2, 10)
        else:
            yield min(random_.lognormvariate(math.log(MEDIAN_CALL_S), SIGMA), scheduling.LONGEST_S)


def mean_work(engine: Engine) -> float:
    """Of a recording of this mixture, in core seconds."""
    call = MEDIAN_CALL_S * math.exp(SIGMA**2 / 2)
    return engine.work(VOICEMAILS * 6 + (1 - VOICEMAILS) * call)


def arrivals(
    jobs: int, load: float, cores: int, engine: Engine, seed: int, *, burst: bool = False
) -> Iterator[Job]:
    """A stream of recordings that keeps the cores busy to `load`; a burst comes after a third."""
    random_ = random.Random(seed)
    lengths, now = durations(random_), 0.0
    for number in range(jobs):
        now += random_.expovariate(load * cores / mean_work(engine))
        if burst and number == jobs // 3:
            yield from (job(now, BURST_S, engine) for _ in range(BURST_CALLS))
        yield job(now, next(lengths), engine)


def job(now: float, duration: float, engine: Engine, work: float | None = None) -> Job:
    """A two-channel upload whose declared length is in whole seconds (spec/protocol 1.6)."""
    size = int(44 + duration * scheduling.BYTES_PER_SECOND * CHANNELS)
    guess = scheduling.length(float(math.ceil(duration)), size, CHANNELS)
    return Job(
        arrived=now,
        duration=duration,
        work=engine.work(duration) if work is None else work,
        queue=scheduling.queue_for(guess.estimate),
        due=scheduling.due(now, guess.estimate),
        guess=guess.estimate,
    )


@dataclass(frozen=True)
class Outcome:
    """What came of a run: paces' percentiles, and the share over each limit."""

    median: float
    p99: float
    worst: float
    over: tuple[float, ...]

    @classmethod
    def of(cls, paces: list[float]) -> Outcome:
        ordered = sorted(paces)
        over = tuple(sum(pace > limit for pace in ordered) / len(ordered) for limit in LIMITS)
        return cls(percentile(ordered, 0.5), percentile(ordered, 0.99), ordered[-1], over)

    def __str__(self) -> str:
        shares = "".join(f"{share:>9.3%}" for share in self.over)
        return f"{self.median:>7.2f}x{self.p99:>8.2f}x{self.worst:>9.2f}x{shares}"


def outcome(
    policy: Policy,
    load: float,
    engine: Engine,
    *,
    jobs: int,
    cores: int = 2,
    seeds: Sequence[int] = (1, 2, 3),
    burst: bool = False,
) -> Outcome:
    """The same arrivals for every policy; the runs of all seeds counted together."""
    paces: list[float] = []
    for seed in seeds:
        stream = arrivals(jobs, load, cores, engine, seed, burst=burst)
        paces += [done.pace for done in Machine(policy, cores).run(stream)]
    return Outcome.of(paces)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=30_000, help="recordings a run")
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args(arguments)
    began = time.monotonic()
    for engine in (MEASURED, SLOW):
        print(f"\nengine {engine.name}: {engine.fixed} s + {engine.per_second:.4f} s a second")
        print(f"{'':40}{'median':>8}{'p99':>9}{'worst':>10}{'>3x':>9}{'>5x':>9}{'>10x':>9}")
        for load, burst in ((0.7, False), (0.9, False), (0.95, False), (0.9, True)):
            for policy in policies(options.cores):
                found = outcome(
                    policy, load, engine, jobs=options.jobs, cores=options.cores, burst=burst
                )
                what = f"{load:.0%}{' + burst' if burst else ''}, {policy.name}"
                print(f"{what:<40}{found}")
    print(f"\n{time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
