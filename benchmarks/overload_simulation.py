"""Simulates more voicemails than a machine can do, under each scheduling policy.

`python -m benchmarks.overload_simulation [--cores N]`. A burst of voicemails within seconds, one
and a half and three times the capacity for minutes, each with the time after it. A job's work
varies as measured times do. In time is what was answered with its result before a failure was the
answer. The bound is Moore and Hodgson's: with all recordings known and there at the start, no order
answers more in time.
"""

from __future__ import annotations

import argparse
import heapq
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from addon.requests.sla import percentile
from benchmarks import scheduling
from benchmarks.scheduling import (
    BY_LENGTH,
    MEASURED,
    Around,
    Done,
    Engine,
    Job,
    Machine,
    Policy,
    answered_by,
)

SHORTEST_S, LONGEST_S = 2.0, 10.0
"""Seconds of a voicemail."""

VARIATION = 0.3
"""Standard deviation of the logarithm of a job's work: half of them within a fifth of the usual."""

AROUND = Around(accepting=0.0055, failure=0.010)
"""Core seconds in `benchmarks.overload` on two quiet cores, with what sender and receiver take."""

CALM = 0.5
"""Load after the overload, over the capacity."""

CALM_S = 240.0

HEAD = (
    f"{'':20}{'in time':>9}{'goodput':>9}{'p50':>8}{'p99':>8}"
    f"{'recovered':>11}{'archived':>10}{'signal':>8}{'failures':>10}"
)
"""Goodput is over the capacity, while the overload lasts. After its end: seconds until every new
recording is in time, and until all are archived. The signal: seconds until its pressure is 1. The
failures are those that are sent before Twilio fails the request."""


@dataclass(frozen=True)
class Scenario:
    """Recordings, of which more come than can be done until `until`."""

    jobs: Sequence[Job]
    cores: int
    until: float
    capacity: float
    around: Around = field(default_factory=Around)

    @property
    def bound(self) -> int:
        """Moore and Hodgson's number: drop the most work whenever a deadline cannot be kept."""
        kept: list[float] = []
        total = 0.0
        for job in sorted(self.jobs, key=lambda job: job.arrived + answered_by(job)):
            heapq.heappush(kept, -job.work)
            total += job.work
            if total / self.cores > job.arrived + answered_by(job):
                total += heapq.heappop(kept)
        return len(kept)


def capacity(cores: int, engine: Engine = MEASURED, around: Around | None = None) -> float:
    """Voicemails a second."""
    accepting = around.accepting if around else 0.0
    return cores / (engine.work((SHORTEST_S + LONGEST_S) / 2) + accepting)


def voicemails(
    rate: float, start: float, end: float, dice: random.Random, engine: Engine
) -> Iterator[Job]:
    """Voicemails at random between two times, so many a second."""
    now = start + dice.expovariate(rate)
    while now < end:
        seconds = dice.uniform(SHORTEST_S, LONGEST_S)
        work = engine.work(seconds) * dice.lognormvariate(-(VARIATION**2) / 2, VARIATION)
        yield scheduling.job(now, seconds, engine, work)
        now += dice.expovariate(rate)


def overload(
    cores: int,
    times: float,
    seconds: float,
    *,
    calls: int = 0,
    calm: bool = True,
    seed: int = 1,
    engine: Engine = MEASURED,
    around: Around | None = None,
) -> Scenario:
    """So many times the capacity for so long, then half of it; first come some hour-long calls."""
    dice, rate = random.Random(seed), capacity(cores, engine, around)
    jobs = [scheduling.job(0.0, 3600.0, engine) for _ in range(calls)]
    jobs += voicemails(times * rate, 0.0, seconds, dice, engine)
    if calm:
        jobs += voicemails(CALM * rate, seconds, seconds + CALM_S, dice, engine)
    return Scenario(jobs, cores, seconds, rate, around or Around())


SCENARIOS: dict[str, Callable[..., Scenario]] = {
    "a burst of 14 times the capacity for 8 s, alone": partial(
        overload, times=13.8, seconds=8.0, calm=False
    ),
    "a burst of 14 times the capacity for 8 s": partial(overload, times=13.8, seconds=8.0),
    "1.5 times the capacity for 5 minutes": partial(overload, times=1.5, seconds=300.0),
    "3 times the capacity for 5 minutes": partial(overload, times=3.0, seconds=300.0),
    "3 times for 5 minutes, behind 8 hour-long calls": partial(
        overload, times=3.0, seconds=300.0, calls=8
    ),
    "1.5 times for 2 minutes, accepting and failures on the same cores": partial(
        overload, times=1.5, seconds=120.0, engine=BY_LENGTH, around=AROUND
    ),
    "3 times for 2 minutes, accepting and failures on the same cores": partial(
        overload, times=3.0, seconds=120.0, engine=BY_LENGTH, around=AROUND
    ),
}
"""Each is called with the number of cores, and a seed for the moments and lengths of recordings."""


@dataclass(frozen=True)
class Outcome:
    """What came of a scenario under a policy."""

    policy: str
    in_time: int
    number: int
    goodput: float
    p50: float
    p99: float
    recovered: float
    archived: float
    signal: float
    long_in_time: bool
    failures_in_time: int

    def __str__(self) -> str:
        return (
            f"{self.policy:<20}{self.in_time:>9}{self.goodput:>9.2f}{self.p50:>7.1f}x"
            f"{self.p99:>7.1f}x{self.recovered:>9.0f} s{self.archived:>8.0f} s{self.signal:>6.1f} s"
            f"{self.failures_in_time:>10}"
        )


def run(policy: Policy, scenario: Scenario) -> Outcome:
    """Simulate a scenario under a policy."""
    machine = Machine(policy, scenario.cores, scenario.around)
    done: Sequence[Done] = machine.run(scenario.jobs)
    good = [each for each in done if each.in_time]
    paces = sorted(each.pace for each in good)
    during = sum(each.at <= scenario.until for each in good)
    lost = [each.job.arrived for each in done if not each.in_time]
    return Outcome(
        policy=policy.name,
        in_time=len(good),
        number=len(done),
        goodput=during / (scenario.capacity * scenario.until),
        p50=percentile(paces, 0.5),
        p99=percentile(paces, 0.99),
        recovered=max(0.0, max(lost, default=0.0) - scenario.until),
        archived=max(each.at for each in done if each.job.arrived <= scenario.until)
        - scenario.until,
        signal=machine.pressed_at,
        long_in_time=all(each.in_time for each in done if each.job.duration > LONGEST_S),
        failures_in_time=machine.failures_in_time,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print every scenario; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    for name, make in SCENARIOS.items():
        scenario = make(options.cores, seed=options.seed)
        print(f"\n{name}: {len(scenario.jobs)} recordings, at most {scenario.bound} in time")
        print(HEAD)
        for policy in scheduling.policies(options.cores):
            print(run(policy, scenario))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
