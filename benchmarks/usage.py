"""CPU time by kind of process, and Redis's counters, of a running deployment."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from addon.requests.connections import worker_connection
from tests.end_to_end.deployment import Deployment

TICKS = os.sysconf("SC_CLK_TCK")

Amounts = defaultdict[str, float]


@dataclass
class Usage:
    """CPU seconds of each role's processes, and the counters of Redis, at one moment."""

    at: float
    cpu: Amounts
    redis: Amounts

    def since(self, before: Usage, idle: Usage | None = None) -> Usage:
        """The difference; the rate of `idle`, a difference itself, is taken off for this time."""
        took = self.at - before.at
        share = took / idle.at if idle else 0.0
        parts = []
        for name in ("cpu", "redis"):
            now, then = getattr(self, name), getattr(before, name)
            off = getattr(idle, name) if idle else Amounts(float)
            used = {key: now[key] - then[key] - share * off[key] for key in list(now)}
            parts.append(Amounts(float, used))
        return Usage(took, *parts)


def usage(deployment: Deployment) -> Usage:
    """Read /proc and INFO."""
    connection = worker_connection(deployment.settings.redis_url)
    cpu = Amounts(float)
    for _, role, each in processes_of(deployment):
        cpu[role] += each.own
        # Of processes that have ended and were waited for: those of a worker were its jobs.
        cpu["jobs" if role == "worker parents" else role] += each.of_ended
    told = Amounts(float)
    for name, facts in connection.info("commandstats").items():
        told[name.removeprefix("cmdstat_")] = facts["calls"]
    told["reads"] = connection.info("stats").get("total_reads_processed", 0)
    return Usage(time.monotonic(), cpu, told)


@dataclass
class ProcessTimes:
    """One line of /proc: parent, command line, CPU seconds of its own and of its ended children."""

    parent: int
    command: str
    own: float
    of_ended: float


def processes_of(deployment: Deployment) -> list[tuple[int, str, ProcessTimes]]:
    """The id, role and times of each process of the stack."""
    table = _processes(deployment.stack.process.pid)
    rq_workers = _rq_workers(worker_connection(deployment.settings.redis_url))
    return [(pid, _role(pid, table, rq_workers), each) for pid, each in table.items()]


def _processes(root: int) -> dict[int, ProcessTimes]:
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        own, ended = (sum(map(int, stat[at : at + 2])) / TICKS for at in (11, 13))
        found[int(entry.name)] = ProcessTimes(int(stat[1]), command, own, ended)
    below = {root}
    while more := {pid for pid, each in found.items() if each.parent in below} - below:
        below |= more
    return {pid: each for pid, each in found.items() if pid in below}


def _rq_workers(connection: Any) -> set[int]:
    """The process ids of the RQ workers."""
    pids = (connection.hget(key, "pid") for key in connection.smembers("rq:workers"))
    return {int(pid) for pid in pids if pid}


def _role(pid: int, table: dict[int, ProcessTimes], rq_workers: set[int]) -> str:
    each = table[pid]
    if pid in rq_workers:
        return "worker parents"
    if each.parent in rq_workers:
        return "jobs"  # first: one that has ended and is not waited for yet has no command line
    if "valkey" in each.command or "redis-server" in each.command:
        return "Redis"
    if "gunicorn" in each.command:
        return "web"
    if "-m workers" not in each.command:
        return "supervisor"
    above = table.get(each.parent)
    if above is None or "-m workers" not in above.command:
        return "launcher"
    # The sweeper is forked last, and RQ knows neither it nor the delivery processes.
    unknown = [one for one in table if table[one].parent == each.parent and one not in rq_workers]
    return "sweeper" if pid == max(unknown) else "deliveries"
