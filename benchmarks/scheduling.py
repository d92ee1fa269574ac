"""Simulates waiting policies: discrete events that run the real `addon.requests.scheduling`.

Recordings arrive at random, are guessed and put into queues by the real code, and are taken by
processes in the real roles. All share the cores evenly, which is harder than it is: in truth the
general ones step back (`scheduling.niceness`). Measured is elapsed over duration, as in production.
`python -m benchmarks.scheduling [--jobs N]`.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from addon.requests import scheduling
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
        return self.fixed + self.per_second * duration


MEASURED = Engine("as measured", 0.19, 0.0028)
"""docs/capacity.md says how."""

SLOW = Engine("7 times slower", 0.30, 0.02)
"""A transcriber, or a machine much weaker than this one."""


@dataclass(frozen=True)
class Job:
    arrived: float
    duration: float
    work: float
    lane: str
    due: int


@dataclass(frozen=True)
class Policy:
    """The roles of a machine's processes, and the lane that every recording goes to, if one."""

    name: str
    roles: Sequence[Sequence[str]]
    single_lane: str | None = None


def deployed(cores: int) -> Policy:
    """What the launcher starts on so many cores (workers/launcher.py)."""
    return Policy("lanes", [*[scheduling.ROLES["general"]] * cores, scheduling.ROLES["express"]])


def fifo(cores: int) -> Policy:
    """One queue for all."""
    return Policy("fifo", [["only"]] * cores, single_lane="only")


def unreserved(cores: int) -> Policy:
    """The queues, but no process kept for short clips."""
    return Policy("lanes, none reserved", [scheduling.ROLES["general"]] * cores)


@dataclass
class Process:
    serves: Sequence[str]
    job: Job | None = None
    left: float = 0.0


@dataclass
class Machine:
    """Cores shared evenly by all processes at work; time moves from event to event."""

    policy: Policy
    cores: int
    now: float = 0.0
    waiting: dict[str, deque[Job]] = field(default_factory=dict)
    paces: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.processes = [Process(serves) for serves in self.policy.roles]

    def run(self, arrivals: Iterable[Job]) -> list[float]:
        """Every job's elapsed time over its duration, in the order of their ends."""
        for job in arrivals:
            self._until(job.arrived)
            self._enter(job)
            self._assign()
        self._until(math.inf)
        return self.paces

    def _enter(self, job: Job) -> None:
        if self.policy.single_lane:
            self.waiting.setdefault(self.policy.single_lane, deque()).append(job)
            return
        lane = self.waiting.setdefault(job.lane, deque())
        lane.insert(scheduling.place([waiting.due for waiting in lane], job.due), job)

    def _until(self, moment: float) -> None:
        while busy := [process for process in self.processes if process.job]:
            rate = min(1.0, self.cores / len(busy))
            first = min(busy, key=lambda process: process.left)
            ends = self.now + first.left / rate
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
        for process in busy:
            process.left -= (moment - self.now) * rate
        self.now = moment

    def _end(self, process: Process) -> None:
        job, process.job = process.job, None
        if job is not None:
            self.paces.append((self.now - job.arrived + AROUND_S) / job.duration)

    def _assign(self) -> None:
        for process in self.processes:
            if process.job is None:
                lane = scheduling.next_queue(
                    process.serves, lambda name: bool(self.waiting.get(name))
                )
                if lane is not None:
                    process.job = self.waiting[lane].popleft()
                    process.left = process.job.work


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
            yield from (_job(now, BURST_S, engine) for _ in range(BURST_CALLS))
        yield _job(now, next(lengths), engine)


def _job(now: float, duration: float, engine: Engine) -> Job:
    """A two-channel upload whose declared length is in whole seconds (spec/protocol 1.6)."""
    size = int(44 + duration * scheduling.BYTES_PER_SECOND * CHANNELS)
    guess = scheduling.length(float(math.ceil(duration)), size, CHANNELS)
    return Job(
        arrived=now,
        duration=duration,
        work=engine.work(duration),
        lane=scheduling.queue_for(guess.estimate),
        due=scheduling.due(now, guess.estimate, now),
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
        paces += Machine(policy, cores).run(stream)
    return Outcome.of(paces)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=30_000, help="recordings a run")
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args(arguments)
    began = time.monotonic()
    for engine in (MEASURED, SLOW):
        print(f"\nengine {engine.name}: {engine.fixed} s + {engine.per_second:.4f} s a second")
        print(f"{'':34}{'median':>8}{'p99':>9}{'worst':>10}{'>3x':>9}{'>5x':>9}{'>10x':>9}")
        for load, burst in ((0.7, False), (0.9, False), (0.95, False), (0.9, True)):
            for policy in (make(options.cores) for make in (fifo, unreserved, deployed)):
                found = outcome(
                    policy, load, engine, jobs=options.jobs, cores=options.cores, burst=burst
                )
                what = f"{load:.0%}{' + burst' if burst else ''}, {policy.name}"
                print(f"{what:<34}{found}")
    print(f"\n{time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
