"""More voicemails than the machine can do, with real processes: how many are answered in time.

`python -m benchmarks.overload [--seconds 120] [--rate 30] [--before PATH]`. `flask serve` with two
general workers. Its capacity is measured first: voicemails of 2 to 10 s, a dozen under way at any
time. Then come 200 at once; then three times the capacity (or `--rate` voicemails a second, so that
two checkouts get the same) for `--seconds`, and half the capacity for a minute. When all is done
the capacity is measured once more: a virtual machine's cores may be a third slower from one minute
to the next.
A result in time is a successful one within ten times its recording (spec/protocol 1.8). Goodput is
the number of these a second, while the overload lasts, over the mean capacity. The CPU time of each
kind of process is read from /proc. After a 503 the sender asks again. With `--apart` the workers
have a core, and everything else (sender, web, Redis) another, as if it were two machines. With
`--before` another checkout is measured first in the same run, by this very script.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from addon.requests.sla import percentile
from benchmarks.sla import recording
from benchmarks.usage import Usage, processes_of, usage
from benchmarks.voicemails import Voicemail, Voicemails
from tests.end_to_end.deployment import Deployment, deployed, eventually

ROOT = Path(__file__).parents[1]
CLIPS_S = (2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0)
FAIL_AT = 10.0
AT_ONCE = 200
UNDER_WAY = 12
"""Four for each of three processes: none waits for work while the capacity is measured."""

WARM_UP_S, CALM_S = 5.0, 60.0
PATIENCE_S = 1800.0
"""Until everything is answered and archived; only a broken stack takes so long."""


@dataclass(frozen=True)
class Paces:
    """The number of some first answers, and percentiles of their pace."""

    number: int
    p50: float
    p90: float
    p99: float
    worst: float

    @classmethod
    def of(cls, answered: Iterable[Voicemail]) -> Paces:
        """Sum up voicemails that have their answer."""
        paces = sorted(one.pace for one in answered)
        return cls(len(paces), *(percentile(paces, share) for share in (0.5, 0.9, 0.99, 1.0)))


@dataclass(frozen=True)
class Phase:
    """What became of the voicemails of a phase: results in time or too late, and failures."""

    name: str
    sent: int
    in_time: Paces
    too_late: Paces
    failures: Paces

    @classmethod
    def of(cls, name: str, sent: Sequence[Voicemail]) -> Phase:
        """Sum up voicemails that are all answered."""
        results = [one for one in sent if one.is_success]
        return cls(
            name,
            len(sent),
            in_time=Paces.of(one for one in results if in_time(one)),
            too_late=Paces.of(one for one in results if not in_time(one)),
            failures=Paces.of(one for one in sent if not one.is_success),
        )


@dataclass(frozen=True)
class Cpu:
    """The CPU seconds of an overload by kind of process, and what was done in them.

    The benchmark itself sends and receives on the same cores, and is a kind of its own.
    """

    seconds: float
    by_kind: dict[str, float]
    redis_commands: float
    accepted: int
    in_time: int
    failures: int
    archived: int

    @classmethod
    def of(
        cls, used: Usage, own: float, loaded: Sequence[Voicemail], waiting: int, end: float
    ) -> Cpu:
        """From what was used until `end`, when so many recordings were `waiting`."""
        came = [one for one in loaded if one.callbacks and one.arrived_at <= end]
        good = sum(in_time(one) for one in came)
        commands = sum(n for name, n in used.redis.items() if name != "reads")
        by_kind = {**used.cpu, "sender and receiver": own}
        done = len(loaded) - waiting
        return cls(used.at, by_kind, commands, len(loaded), good, len(came) - good, done)


@dataclass(frozen=True)
class Measured:
    """One checkout's figures: rates a second, and seconds from the end of the overload."""

    capacity: float
    capacity_after: float
    phases: list[Phase]
    goodput: float
    recovered: float
    archived: float
    unarchived: int
    twice: int
    signal: float | None
    cpu: Cpu


class Load:
    """Sends voicemails to one deployment."""

    def __init__(self, deployment: Deployment, voicemails: Voicemails) -> None:
        self.voicemails = voicemails
        port, settings = int(deployment.url.rpartition(":")[2]), deployment.settings
        clips = {seconds: recording(seconds) for seconds in CLIPS_S}
        voicemails.sends_to(port, settings.twilio_auth_token, settings.twilio_account_sid, clips)

    def capacity(self, seconds: float) -> float:
        """Results a second with UNDER_WAY voicemails under way at any time."""
        until = time.time() + WARM_UP_S + seconds
        done: list[float] = []

        def another(answered: Voicemail) -> None:
            done.append(answered.arrived_at)
            if time.time() < until:
                sent.append(self.voicemails.send())

        self.voicemails.on_result = another
        sent = [self.voicemails.send() for _ in range(UNDER_WAY)]
        for one in sent:
            assert one.arrived.wait(PATIENCE_S), "an answer never came"
        self.voicemails.on_result = lambda _: None
        return sum(until - seconds <= at < until for at in done) / seconds

    def at_once(self, number: int) -> list[Voicemail]:
        """So many, as fast as they can be sent."""
        return answered([self.voicemails.send() for _ in range(number)])

    def at_rate(self, rate: float, seconds: float) -> list[Voicemail]:
        """So many a second, whatever becomes of them; returns when all are due."""
        begun = time.time()
        sent = [self.voicemails.send(begun + n / rate) for n in range(int(rate * seconds))]
        time.sleep(max(0.0, begun + seconds - time.time()))
        return sent


def answered(sent: list[Voicemail]) -> list[Voicemail]:
    """All of these, once each has an answer."""
    until = time.monotonic() + PATIENCE_S
    for one in sent:
        assert one.arrived.wait(until - time.monotonic()), "an answer never came"
    return sent


def in_time(voicemail: Voicemail) -> bool:
    """True if its answer is a result, and came before Twilio fails the request."""
    return voicemail.is_success and voicemail.pace <= FAIL_AT


@contextmanager
def signal_of(deployment: Deployment) -> Iterator[list[float]]:
    """Times at which the signal to scale by was above 1, in a list that grows each second."""
    ended, seen = threading.Event(), list[float]()

    def read() -> None:
        while not ended.wait(1.0):
            _, body = deployment.get("/metrics")
            for line in body.decode().splitlines():
                name, _, value = line.rpartition(" ")
                if name == 'addon_lane_pressure{lane="express"}' and float(value) > 1:
                    seen.append(time.time())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield seen
    finally:
        ended.set()
        reader.join()


def set_apart(deployment: Deployment) -> None:
    """Give the workers the last core and everything else the first; children inherit theirs."""
    first, *_, last = sorted(os.sched_getaffinity(0))
    elsewhere = {"web", "Redis", "supervisor"}
    cores = {pid: first if role in elsewhere else last for pid, role, _ in processes_of(deployment)}
    for pid, core in [(os.getpid(), first), *cores.items()]:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {core})


def measure(seconds: float, seed: int, rate: float | None, *, apart: bool) -> Measured:
    """Start this checkout's stack, and measure it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Voicemails(seed) as voicemails,
        deployed(Path(folder), workers=2, CALLBACK_HOSTS=voicemails.origin) as deployment,
    ):
        if apart:
            set_apart(deployment)
        load, services = Load(deployment, voicemails), deployment.services()

        def idle() -> bool:
            return services.states.open_count() == 0

        capacity = load.capacity(max(10.0, seconds / 4))
        eventually(idle, PATIENCE_S)
        burst = load.at_once(AT_ONCE)
        eventually(idle, PATIENCE_S)
        begun, before, own = time.time(), usage(deployment), time.process_time()
        with signal_of(deployment) as signals:
            overload = load.at_rate(rate or 3 * capacity, seconds)
        ended, own = time.time(), time.process_time() - own
        used = usage(deployment).since(before)
        waiting = services.states.open_count()
        calm = answered(load.at_rate(capacity / 2, CALM_S))
        loaded = answered(overload)
        eventually(idle, PATIENCE_S)
        archived = time.time()
        after = load.capacity(max(10.0, seconds / 4))
        eventually(idle, PATIENCE_S)
        lost = [one.at for one in (*loaded, *calm) if not in_time(one)]
        good = sum(in_time(one) and one.arrived_at <= ended for one in loaded)
        everyone = [*burst, *loaded, *calm]
        return Measured(
            capacity=capacity,
            capacity_after=after,
            phases=[
                Phase.of(f"{AT_ONCE} at once", burst),
                Phase.of(f"{(rate or 3 * capacity) / capacity:.1f} times the capacity", loaded),
                Phase.of("half of it, after that", calm),
            ],
            goodput=good / (ended - begun) / statistics.mean([capacity, after]),
            recovered=max(0.0, max(lost, default=0.0) - ended),
            archived=archived - ended,
            unarchived=sum(1 for _ in services.intake_store.waiting()),
            twice=sum(len(one.callbacks) > 1 for one in everyone),
            signal=signals[0] - begun if signals else None,
            cpu=Cpu.of(used, own, loaded, waiting, ended),
        )


def measured_in(checkout: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The figures of a checkout, measured in a process that has only its benchmarks from here."""
    command = [sys.executable, "-P", "-m", "benchmarks.overload", "--child"]
    command += [f"--seconds={options.seconds}", f"--seed={options.seed}"]
    command += [f"--rate={options.rate}"] if options.rate else []
    command += ["--apart"] if options.apart else []
    with tempfile.TemporaryDirectory() as ours:
        for name in ("benchmarks", "samples"):
            Path(ours, name).symlink_to(ROOT / name)
        env = {**os.environ, "PYTHONPATH": f"{ours}:{checkout}"}
        child = subprocess.run(command, cwd=checkout, env=env, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(child.stdout.splitlines()[-1])
    return found


def report(name: str, found: dict[str, Any]) -> None:
    """Print a checkout's figures."""
    signal = "never" if found["signal"] is None else f"{found['signal']:.0f} s after its begin"
    print(f"\n{name}: capacity {found['capacity']:.1f} voicemails a second", end="")
    print(f", {found['capacity_after']:.1f} when all was done")
    print(f"{'':32}{'number':>8}{'p50':>8}{'p90':>8}{'p99':>8}{'worst':>9}")
    for phase in found["phases"]:
        print(f"{phase['name']:<32}{phase['sent']:>8}")
        for kind in ("in_time", "too_late", "failures"):
            if (answers := phase[kind])["number"]:
                paces = "".join(f"{answers[each]:>7.1f}x" for each in ("p50", "p90", "p99"))
                name = {"in_time": "results in time", "too_late": "results too late"}.get(
                    kind, kind
                )
                print(f"  {name:<30}{answers['number']:>8}{paces}{answers['worst']:>8.1f}x")
    print(f"goodput during the overload: {found['goodput']:.2f} of the capacity; signal: {signal}")
    print(
        f"after its end: all new ones in time from {found['recovered']:.0f} s on, everything "
        f"archived after {found['archived']:.0f} s; {found['unarchived']} not archived, "
        f"{found['twice']} answered twice"
    )
    report_cpu(found["cpu"])


def report_cpu(cpu: dict[str, Any]) -> None:
    """Print the table of CPU time; a row's share of a core is its seconds over the overload's."""
    counts = [cpu[each] for each in ("accepted", "in_time", "failures", "archived")]
    print(f"CPU during the overload{'seconds':>12}{'cores':>8}   ms for each of")
    heads = ("sent", "in time", "failures", "finished")
    print(
        " " * 46 + "".join(f"{n} {head}".rjust(16) for n, head in zip(counts, heads, strict=True))
    )
    rows = sorted(cpu["by_kind"].items(), key=lambda item: -item[1])
    for kind, seconds in [*rows, ("all", sum(cpu["by_kind"].values()))]:
        each = "".join(f"{1000 * seconds / max(1, n):>16.1f}" for n in counts)
        print(f"  {kind:<25}{seconds:>8.1f}{seconds / cpu['seconds']:>8.2f}   {each}")
    commands = cpu["redis_commands"]
    print(f"Redis commands: {commands / cpu['seconds']:.0f} a second, ", end="")
    print(f"{commands / max(1, counts[0]):.0f} for each voicemail sent")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure one checkout or two; returns the exit code: 1 where something was not archived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0, help="of the overload")
    parser.add_argument("--rate", type=float, help="voicemails a second of the overload")
    parser.add_argument("--apart", action="store_true", help="a core for the workers alone")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--before", type=Path, help="another checkout, measured first")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        measured = measure(options.seconds, options.seed, options.rate, apart=options.apart)
        print(json.dumps(asdict(measured)))
        return 0
    if options.before:
        before = options.before.resolve()
        report(f"before ({before.name})", measured_in(before, options))
    now = measured_in(ROOT, options)
    report("this checkout", now)
    return 1 if now["unarchived"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
