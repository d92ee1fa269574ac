"""Cost of one short voicemail: CPU by process, Redis commands, fsyncs, store calls, latency.

`python -m benchmarks.small_job`. Two measurements, each per voicemail:

1. Real processes: `flask serve`, and a stand-in for the Marketplace that takes the results.
   Voicemails come one at a time to an idle machine. CPU time is read from /proc, Redis commands
   from INFO commandstats and reads from INFO stats (a pipeline that arrives whole is one read);
   what the idle stack needs in the same time is measured before and taken off.
2. One process: the functions of accepting, processing and delivering are called here, on the same
   Redis in a database of its own. Store calls and fsyncs are counted by wrappers, and the CPU time
   within each is added up.
"""

from __future__ import annotations

import argparse
import io
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, cast

from redis.connection import AbstractConnection

import workers.services
from addon import log
from addon.analysis import RecordingPass
from addon.archive.archive import Archive
from addon.archive.spool import SealedSpool
from addon.requests import acceptance
from addon.requests.intake_store import IntakeStore
from addon.requests.request import Request
from addon.requests.sla import percentile
from addon.settings import Settings
from addon.twilio.invocation import Invocation
from benchmarks.usage import Amounts, Usage, usage
from tests.end_to_end.deployment import Deployment, deployed, eventually
from workers import deliver, deposit, first_delivery, process
from workers.services import Services

SAMPLE = Path(__file__).parents[1] / "samples" / "call.wav"
SECONDS = 3.0
IDLE_S = 8.0
GAP_S = 0.25
INSTALL = "XD" + 32 * "0"


def voicemail() -> bytes:
    """SECONDS of the bundled call, one channel, 16-bit WAV at 8 kHz."""
    import soundfile  # after `addon`, which keeps numpy from starting threads

    samples, rate = soundfile.read(SAMPLE, dtype="int16")
    body = io.BytesIO()
    one = samples[: int(SECONDS * rate), 0]
    soundfile.write(body, one, rate, format="WAV", subtype="PCM_16")
    return body.getvalue()


class RealProcesses:
    """The first measurement."""

    def __init__(self, deployment: Deployment, audio: bytes) -> None:
        self.deployment = deployment
        self.services = deployment.services()
        self.audio = audio

    def run(self, count: int) -> None:
        """Measure and print."""
        for _ in range(4):
            self._one()
        time.sleep(1.0)
        before = usage(self.deployment)
        time.sleep(IDLE_S)
        idle = usage(self.deployment).since(before)
        before = usage(self.deployment)
        answered, finished = [], []
        for _ in range(count):
            seconds, until_finished = self._one()
            answered.append(seconds)
            finished.append(until_finished)
            time.sleep(GAP_S)
        used = usage(self.deployment).since(before, idle)
        _print_usage(used, count)
        for name, values in (("answered", answered), ("finished", finished)):
            values.sort()
            half, most = percentile(values, 0.5), percentile(values, 0.9)
            print(f"accepted to {name:<22}{1000 * half:>10.1f} ms median{1000 * most:>9.1f} ms p90")

    def _one(self) -> tuple[float, float]:
        """Send one; seconds from the 202 until it was answered, and until it was finished."""
        fields = {"duration": str(int(SECONDS)), "channels": "1"}
        exchange, (answer,) = self.deployment.market.invoke(
            self.deployment.invocations, self.audio, fields=fields
        )
        accepted = time.time()
        assert answer.status == 202, answer
        assert exchange.arrived.wait(60), "no result came"
        eventually(lambda: not self.services.intake_store.is_waiting(exchange.sid), 60)
        return exchange.callbacks[0].received_at - accepted, time.time() - accepted


def _print_usage(used: Usage, count: int) -> None:
    print(f"{'CPU, ms a voicemail':<34}")
    for role, seconds in sorted(used.cpu.items(), key=lambda item: -item[1]):
        print(f"  {role:<32}{1000 * seconds / count:>10.1f}")
    working = {role: value for role, value in used.cpu.items() if role != "supervisor"}
    print(f"  {'all':<32}{1000 * sum(working.values()) / count:>10.1f}")
    # Idle workers look for jobs more often than busy ones: less than when idle counts as none.
    commands = {name: max(0.0, n) for name, n in used.redis.items() if name != "reads"}
    most = sorted(commands.items(), key=lambda item: -item[1])[:28]
    print(f"Redis commands a voicemail{sum(commands.values()) / count:>18.1f}")
    rows = [f"{name} {value / count:.1f}" for name, value in most]
    for at in range(0, len(rows), 7):
        print("    " + ", ".join(rows[at : at + 7]))
    print(f"Redis reads (round trips) a voicemail{used.redis['reads'] / count:>7.1f}")


@dataclass
class Tally:
    """Calls and CPU seconds within them, by name; a call within another counts for the outer."""

    calls: Amounts = field(default_factory=lambda: Amounts(float))
    cpu: Amounts = field(default_factory=lambda: Amounts(float))
    _depth: int = 0

    @contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """Count one call of `name` for as long as the block runs."""
        self.calls[name] += 1
        self._depth += 1
        started = time.thread_time()
        try:
            yield
        finally:
            self._depth -= 1
            if not self._depth:
                self.cpu[name.split()[0]] += time.thread_time() - started

    def wrapped(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, counted. What it reads lazily counts as its reader's time."""

        def counted(*args: Any, **options: Any) -> Any:
            with self.inside(name):
                return function(*args, **options)

        return counted


STORE_CALLS = ["put", "get", "read", "read_into", "stat", "delete", "list", "retain", "can_retain"]


class CountedStore:
    """A store whose calls are counted."""

    def __init__(self, store: Any, tally: Tally) -> None:
        for name in STORE_CALLS:
            setattr(self, name, tally.wrapped(f"store {name}", getattr(store, name)))


@contextmanager
def counted(owner: Any, name: str, tally: Tally, label: str) -> Iterator[None]:
    """Count the calls of one function for as long as the block runs."""
    real = getattr(owner, name)
    setattr(owner, name, tally.wrapped(label, real))
    try:
        yield
    finally:
        setattr(owner, name, real)


class OneProcess:
    """The second measurement."""

    def __init__(self, deployment: Deployment, audio: bytes) -> None:
        self.deployment = deployment
        self.audio = audio
        self.tally = Tally()
        self.services = self._services()
        workers.services._made = {os.getpid(): self.services}

    def run(self, count: int) -> None:
        """Measure and print."""
        for _ in range(3):
            self._one()
        self.tally.calls.clear()
        self.tally.cpu.clear()
        with (
            counted(os, "fsync", self.tally, "fsync"),
            counted(AbstractConnection, "send_packed_command", self.tally, "redis round trips"),
            counted(AbstractConnection, "read_response", self.tally, "redis answers"),
        ):
            times = [self._one() for _ in range(count)]
        print("one process, ms of CPU a voicemail")
        for at, name in enumerate(("accept", "process", "deliver")):
            print(f"  {name:<32}{1000 * sum(one[at] for one in times) / count:>10.1f}")
        for name, seconds in self.tally.cpu.items():
            print(f"    of which in {name:<20}{1000 * seconds / count:>10.1f}")
        print(f"    of which in {'analysis':<20}{1000 * self._analysis(count):>10.1f}")
        for name, calls in sorted(self.tally.calls.items()):
            print(f"  {name:<32}{calls / count:>10.1f}")
        store = sum(n for name, n in self.tally.calls.items() if name.startswith("store"))
        print(f"  {'store calls together':<32}{store / count:>10.1f}")

    def _services(self) -> Services:
        url = self.deployment.settings.redis_url
        other = url + ("&" if "?" in url else "?") + "db=1"
        # A store of its own: the sweeper of the real processes would adopt what it finds.
        store = f"file://{self.deployment.settings.data_dir}-alone"
        settings = self.deployment.settings.replace(redis_url=other, archive_url=store).for_worker()
        made = Services.from_settings(settings)
        counting: Any = CountedStore(made.store, self.tally)
        facts = {name: getattr(made, name) for name in made.__dataclass_fields__}
        facts |= {"store": counting, "intake_store": IntakeStore.from_settings(settings, counting)}
        return Services(**{**facts, "archive": Archive.from_settings(settings, counting)})

    def _one(self) -> tuple[float, float, float]:
        """CPU seconds of accepting, processing and delivering one voicemail."""
        market = self.deployment.market
        exchange = market.exchange(self.audio)
        asked = Request.marketplace(
            Invocation(
                request_sid=exchange.sid,
                received_at=datetime.now(UTC),
                install=INSTALL,
                callback=f"{market.origin}/callback/{exchange.sid}",
                has_audio=True,
                size=float(len(self.audio)),
            )
        )
        delivered = []

        def timed(sid: str, answer: first_delivery.Answer | None) -> None:
            started = time.thread_time()
            deliver.deliver(sid, answer)
            delivered.append(time.thread_time() - started)

        first_delivery.enable(timed)
        moments = [time.thread_time()]
        acceptance.accept(self.services.intake_store, self.services.dispatcher, asked, [self.audio])
        moments.append(time.thread_time())
        process.process(exchange.sid)
        moments.append(time.thread_time())
        first_delivery.wait(60.0)
        assert exchange.callbacks, "it was not delivered"
        accept, work = (b - a for a, b in pairwise(moments))
        return accept, work, sum(delivered)

    def _analysis(self, count: int) -> float:
        """CPU seconds of the analysis alone."""
        settings: Settings = self.services.settings
        options = deposit.options(settings, _analysed_request(len(self.audio)))
        started = time.thread_time()
        for _ in range(count):
            a_pass = RecordingPass(options, spool=lambda: cast(BinaryIO, SealedSpool()))
            a_pass.feed(self.audio)
            for _ready in a_pass.finish():
                pass
            assert a_pass.report
        return (time.thread_time() - started) / count


def _analysed_request(size: int) -> Request:
    return Request.marketplace(
        Invocation(
            request_sid="XR" + 32 * "0",
            received_at=datetime.now(UTC),
            install=INSTALL,
            has_audio=True,
            size=float(size),
        )
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Both measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voicemails", type=int, default=30)
    options = parser.parse_args(arguments)
    log.configure("warning", terminal=False)
    audio = voicemail()
    with tempfile.TemporaryDirectory() as folder, deployed(Path(folder), workers=2) as deployment:
        RealProcesses(deployment, audio).run(options.voicemails)
        OneProcess(deployment, audio).run(options.voicemails)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
