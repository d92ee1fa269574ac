"""Measures the inputs of docs/capacity.md with real processes, and prints the table for them.

`python -m benchmarks.capacity_inputs`. On an idle machine `flask serve` gets voicemails of 3 s and
one hour-long call, one after the other, as two-channel uploads. CPU time is that of the web, and of
the workers and the sweeper together; what the idle stack needs is taken off. Store requests are
counted where the same functions are called in this process.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from addon import log
from benchmarks import capacity
from benchmarks.capacity import Inputs
from benchmarks.sla import recording
from benchmarks.small_job import IDLE_S, OneProcess
from benchmarks.usage import Usage, usage
from tests.end_to_end.deployment import Deployment, deployed, eventually

VOICEMAIL_S, CALL_S = 3.0, 3600.0
PATIENCE_S = 300.0
READS = ("get", "read", "read_into", "stat", "list")
ELSEWHERE = ("web", "Redis", "supervisor")
"""Roles of processes that do none of a job's work."""


def used(deployment: Deployment, seconds: float, times: int, idle: Usage | None) -> Usage:
    """The usage of so many recordings of this length, one after the other."""
    audio, services = recording(seconds), deployment.services()
    fields = {"duration": str(int(seconds)), "channels": "2"}
    before = usage(deployment)
    for _ in range(times):
        exchange, (answer,) = deployment.market.invoke(deployment.invocations, audio, fields=fields)
        assert answer.status == 202, answer
        assert exchange.arrived.wait(PATIENCE_S), "no result came"
        eventually(lambda: services.states.open_count() == 0, PATIENCE_S)
    return usage(deployment).since(before, idle)


def _work(found: Usage) -> float:
    return sum(seconds for role, seconds in found.cpu.items() if role not in ELSEWHERE)


def measure(deployment: Deployment, voicemails: int) -> Inputs:
    """The inputs, per recording."""
    used(deployment, VOICEMAIL_S, 4, None)  # until everything is loaded
    before = usage(deployment)
    time.sleep(IDLE_S)
    idle = usage(deployment).since(before)
    short = used(deployment, VOICEMAIL_S, voicemails, idle)
    long = used(deployment, CALL_S, 1, idle)
    small, large = (len(recording(seconds)) / 1e6 for seconds in (VOICEMAIL_S, CALL_S))
    work, web = _work(short) / voicemails, short.cpu["web"] / voicemails
    per_second = (_work(long) - work) / (CALL_S - VOICEMAIL_S)
    per_mb = (long.cpu["web"] - web) / (large - small)
    commands = sum(calls for name, calls in short.redis.items() if name != "reads")
    calls = _store_calls(deployment, voicemails)
    return Inputs(
        job=work - per_second * VOICEMAIL_S,
        per_second=per_second,
        web=max(0.0, web - per_mb * small),
        web_per_mb=per_mb,
        redis_commands=commands / voicemails,
        store_writes=calls.get("store put", 0.0),
        store_reads=sum(calls.get(f"store {name}", 0.0) for name in READS),
    )


def _store_calls(deployment: Deployment, times: int) -> dict[str, float]:
    """Calls of the store for one recording, by name."""
    here = OneProcess(deployment, recording(VOICEMAIL_S))
    for _ in range(times):
        here._one()
    return {name: calls / times for name, calls in here.tally.calls.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voicemails", type=int, default=50)
    options = parser.parse_args(arguments)
    log.configure("warning", terminal=False)
    with tempfile.TemporaryDirectory() as folder, deployed(Path(folder), workers=2) as deployment:
        inputs = measure(deployment, options.voicemails)
    for name, value in asdict(inputs).items():
        print(f"{name:<16}{value:>12.4f}")
    print(f"\n{capacity.table(inputs)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
