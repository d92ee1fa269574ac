"""What so many recordings a day take: the tables of docs/capacity.md, from measured inputs.

`python -m benchmarks.capacity`. It computes and measures nothing; the page says how each input was
measured, and a test holds the page to this.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks import scheduling

DAY_S = 86_400
PEAK = 3.0
"""The busiest minutes over the day's mean: most calls are made in office hours."""

FILL = 0.7
"""How much of a core is planned for at the peak; the SLA holds at 0.95 (decision 0700)."""

CORES = 2
"""Of a worker machine, as measured."""

MEAN_S = scheduling.VOICEMAILS * 6 + (1 - scheduling.VOICEMAILS) * (
    scheduling.MEDIAN_CALL_S * math.exp(scheduling.SIGMA**2 / 2)
)
BYTES = 32_000 * MEAN_S
"""Two telephone channels of 16 bits."""

POLLS = 10
"""Looks at its queues a second, of each process that waits."""


@dataclass(frozen=True)
class Inputs:
    """What one recording costs: CPU seconds, Redis commands, requests to the store.

    `python -m benchmarks.capacity_inputs` measures them.
    """

    job: float = 0.029
    per_second: float = 0.0025
    web: float = 0.004
    web_per_mb: float = 0.009
    redis_commands: float = 58
    store_writes: float = 8
    store_reads: float = 5


REDIS_CEILING = 100_000
"""Commands a second that one server is planned for."""

DAILY = (10_000, 1_000_000, 100_000_000)


@dataclass(frozen=True)
class Plan:
    """What one volume takes, at its peak unless said otherwise."""

    daily: int
    inputs: Inputs = Inputs()

    @property
    def rate(self) -> float:
        """Recordings a second."""
        return PEAK * self.daily / DAY_S

    @property
    def worker_cores(self) -> float:
        return self.rate * (self.inputs.job + self.inputs.per_second * MEAN_S) / FILL

    @property
    def machines(self) -> int:
        """Never fewer than two: one may be restarting."""
        return max(2, math.ceil(self.worker_cores / CORES))

    @property
    def web_cores(self) -> float:
        return self.rate * (self.inputs.web + self.inputs.web_per_mb * BYTES / 1e6) / FILL

    @property
    def commands(self) -> float:
        """Redis commands a second, for the work and for the waiting of all processes."""
        return self.rate * self.inputs.redis_commands + self.machines * (CORES + 3) * POLLS

    @property
    def cells(self) -> int:
        """Deployments that share nothing but the bucket."""
        return math.ceil(self.commands / REDIS_CEILING)


def rows(inputs: Inputs) -> Iterator[tuple[str, list[str]]]:
    """Every line of the table: its name, and a value for each volume."""
    plans = [Plan(daily, inputs) for daily in DAILY]
    yield "recordings a second, mean", [figure(plan.daily / DAY_S) for plan in plans]
    yield "recordings a second, peak", [figure(plan.rate) for plan in plans]
    yield "worker cores", [figure(plan.worker_cores) for plan in plans]
    yield "worker machines of two cores", [figure(plan.machines) for plan in plans]
    yield "web cores, all as uploads", [figure(plan.web_cores) for plan in plans]
    yield "audio in, MB a second", [figure(plan.rate * BYTES / 1e6) for plan in plans]
    yield "archive, TB a day", [figure(plan.daily * BYTES / 1e12) for plan in plans]
    yield "Redis commands a second", [figure(plan.commands) for plan in plans]
    yield "cells", [figure(plan.cells) for plan in plans]
    yield "store writes a second", [figure(plan.rate * inputs.store_writes) for plan in plans]
    yield "store reads a second", [figure(plan.rate * inputs.store_reads) for plan in plans]


def figure(value: float) -> str:
    """Two digits that count; more would claim what nobody knows."""
    if value < 100 and isinstance(value, int):
        return str(value)
    digits = 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, digits)
    return f"{rounded:,.{max(0, digits)}f}"


def table(inputs: Inputs = Inputs()) -> str:
    """The page's table."""
    head = "| at the peak, three times the day's mean | " + " | ".join(f"{d:,}" for d in DAILY)
    lines = [f"{head} |", "|---|" + "---:|" * len(DAILY)]
    lines += [f"| {name} | {' | '.join(values)} |" for name, values in rows(inputs)]
    return "\n".join(lines)


def main() -> int:
    print(f"mean recording: {MEAN_S:.0f} s, {BYTES / 1e6:.1f} MB\n\n{table()}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
