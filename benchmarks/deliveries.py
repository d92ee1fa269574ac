"""How long results wait beside callbacks that are silent, drip or fail, and beside events for
integrators: real processes and sockets.

`python -m benchmarks.deliveries`; `--tree FOLDER` measures the workers of another checkout first,
as the state before. Each scenario queues the deliveries to bad hosts and then good ones, one a
while, and prints the longest and the median seconds until a good one was there, as a multiple of
the undisturbed median; then the CPU time of one delivery. Exits with 1 where a median in this tree
is over 3 times the undisturbed one.
"""

from __future__ import annotations

import argparse
import os
import secrets
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from addon.requests import acceptance, results
from addon.requests.request import Request
from addon.requests.results import StoredResult
from addon.requests.sla import percentile
from addon.settings import Settings
from addon.stack.provision import provision
from addon.twilio.invocation import Invocation
from addon.webhooks import events
from tests.conftest import running_redis
from tests.stack.running import ROOT, descendants
from workers.services import Services

GOOD = 30
GAP_S = 0.5
AT_ONCE = 200
PATIENCE_S = 180.0
ALLOWED = 3.0

SILENT, DRIPPING, FAILING, GOOD_HOST = "silent", "dripping", "failing", "good"
UNDISTURBED = "undisturbed"
SCENARIOS: dict[str, dict[str, int]] = {
    UNDISTURBED: {},
    "6 silent": {SILENT: 6},
    "6 dripping headers": {DRIPPING: 6},
    "22 failing fast": {FAILING: 22},
    "200 silent, 200 failing, 20 dripping": {SILENT: 200, FAILING: 200, DRIPPING: 20},
}

EVENTS = "600 events to endpoints of integrators"
"""A scenario of this tree alone: a third each are taken, refused and met with silence."""

INSTALL = "XD" + 32 * "0"


class Receiver(socketserver.ThreadingTCPServer):
    """A callback host that behaves in one way; it notes when each path was asked for."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.asked: dict[str, float] = {}
        self.over = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)
        self.origin = f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(socketserver.StreamRequestHandler):
    server: Receiver

    def handle(self) -> None:
        with suppress(OSError, ValueError, IndexError):
            path = self.rfile.readline().split()[1].decode()
            size = 0
            while line := self.rfile.readline().strip().lower():
                if line.startswith(b"content-length:"):
                    size = int(line.partition(b":")[2])
            self.rfile.read(size)
            self.server.asked.setdefault(path, time.monotonic())
            self._answer()

    def _answer(self) -> None:
        kind, over = self.server.kind, self.server.over
        if kind == SILENT:
            over.wait()
        elif kind == DRIPPING:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not over.wait(1.0):
                self.wfile.write(b"a")
        else:
            status = b"500 Failed" if kind == FAILING else b"200 OK"
            self.wfile.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")


@contextmanager
def receivers() -> Iterator[dict[str, Receiver]]:
    """One host of each kind, each with an origin of its own."""
    made = {kind: Receiver(kind) for kind in (SILENT, DRIPPING, FAILING, GOOD_HOST)}
    for one in made.values():
        threading.Thread(target=one.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        for one in made.values():
            one.over.set()
            one.shutdown()
            one.server_close()


@dataclass
class Run:
    """One scenario against the workers of one checkout."""

    services: Services
    hosts: dict[str, Receiver]
    sent: list[tuple[str, float]] = field(default_factory=list)

    def deliver(self, kind: str) -> str:
        """Queue the delivery of a result that is there; gives its callback's path."""
        sid = "XR" + secrets.token_hex(16)
        path = f"/callback/{sid}"
        invocation = Invocation(
            request_sid=sid,
            received_at=datetime.now(UTC),
            install=INSTALL,
            callback=self.hosts[kind].origin + path,
            has_audio=True,
            duration=600.0,
        )
        request = Request.marketplace(invocation)
        acceptance.accept(self.services.intake_store, self.services.dispatcher, request, [b"x"])
        document = results.successful(sid, {"audio": {"duration_seconds": 600.0}})
        stored = StoredResult(document, final=True, archivable=False)
        self.services.intake_store.store_result(sid, stored)
        self.services.states.mark(sid, state="processed")
        self.services.dispatcher.deliver(sid, first=True)
        return path

    def announce(self, number: int) -> None:
        """Queue so many events, each for three endpoints: one good, one failing, one silent."""
        for kind in (GOOD_HOST, FAILING, SILENT):
            self.services.outbox.endpoints.create(INSTALL, f"{self.hosts[kind].origin}/event")
        for _ in range(number):
            sid = "XR" + secrets.token_hex(16)
            event = events.failed(
                install=INSTALL,
                recording_id=sid,
                request_sid=sid,
                call_sid=None,
                source="marketplace",
                code=None,
                archived=False,
            )
            for name in self.services.outbox.promise(event):
                self.services.dispatcher.webhook(name)

    def waits(self, bad: dict[str, int]) -> list[float]:
        """Seconds until each good result was there; PATIENCE_S for one that never was."""
        for kind, number in bad.items():
            for _ in range(number):
                self.deliver(kind)
        for _ in range(GOOD):
            self.sent.append((self.deliver(GOOD_HOST), time.monotonic()))
            time.sleep(GAP_S)
        asked = self.hosts[GOOD_HOST].asked
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and not all(path in asked for path, _ in self.sent):
            time.sleep(0.1)
        return sorted(asked.get(path, at + PATIENCE_S) - at for path, at in self.sent)


def cpu_seconds(pid: int) -> float:
    """CPU time so far of a process and all below it, the ended ones included."""
    ticks = 0
    for each in (pid, *descendants(pid)):
        with suppress(OSError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def workers_of(tree: Path) -> Iterator[tuple[Run, int]]:
    """Worker processes of a checkout, on a fresh Redis and store; gives their launcher's pid."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        hosts = stack.enter_context(receivers())
        variables = {
            "DATA_DIR": str(folder / "var"),
            "REDIS_URL": stack.enter_context(running_redis()),
            "TWILIO_ACCOUNT_SID": "AC" + 32 * "0",
            "TWILIO_AUTH_TOKEN": "token",
            "CALLBACK_HOSTS": ",".join(one.origin for one in hosts.values()),
            "WEBHOOK_HOSTS": ",".join(one.origin for one in hosts.values()),
        }
        environment = {**os.environ, **variables, "PYTHONPATH": str(tree)}
        command = [sys.executable, "-m", "workers", "--workers", "1"]
        command += ["--queues", "deliver,redeliver" + (",webhooks" if tree == ROOT else "")]
        provision(Settings.load(variables))
        services = Services.from_settings(Settings.load(variables).for_worker())
        workers = subprocess.Popen(command, cwd=tree, env=environment, stderr=subprocess.DEVNULL)
        try:
            run = Run(services, hosts)
            warm = run.deliver(GOOD_HOST)
            while warm not in hosts[GOOD_HOST].asked:
                time.sleep(0.1)
            yield run, workers.pid
        finally:
            workers.terminate()
            workers.wait()
            services.redis.close()


def cost(tree: Path) -> float:
    """CPU seconds of the workers for one of AT_ONCE results that are queued as fast as it goes."""
    with workers_of(tree) as (run, pid):
        before = cpu_seconds(pid)
        paths = [run.deliver(GOOD_HOST) for _ in range(AT_ONCE)]
        while not all(path in run.hosts[GOOD_HOST].asked for path in paths):
            time.sleep(0.05)
        time.sleep(1.0)  # for the records that follow the last
        return (cpu_seconds(pid) - before) / AT_ONCE


def main(arguments: Sequence[str] | None = None) -> int:
    """All scenarios; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tree", type=Path, help="a checkout to measure first, as before")
    parser.add_argument("--only", nargs="*", default=[*SCENARIOS, EVENTS], help="scenarios")
    options = parser.parse_args(arguments)
    worst: dict[str, float] = {}
    print(f"{'':44}{'median':>9}{'longest':>10}{'of undisturbed':>17}")
    for name, tree in (("before", options.tree), ("after", ROOT)):
        if tree is None:
            continue
        usual = 0.0
        for scenario in dict.fromkeys([UNDISTURBED, *options.only]):
            if scenario == EVENTS and tree != ROOT:
                continue
            with workers_of(tree) as (run, _):
                if scenario == EVENTS:
                    run.announce(200)
                waits = run.waits(SCENARIOS.get(scenario, {}))
            median, longest = percentile(waits, 0.5), waits[-1]
            usual = usual or median
            worst[name] = max(worst.get(name, 0.0), median / usual)
            ratios = f"{median / usual:.1f}x, {longest / usual:.1f}x"
            print(f"{name:8}{scenario:36}{median:>8.2f}s{longest:>9.2f}s{ratios:>17}", flush=True)
        print(
            f"{name:8}CPU for one of {AT_ONCE} good results: {1000 * cost(tree):.0f} ms", flush=True
        )
    return 0 if worst["after"] <= ALLOWED else 1


if __name__ == "__main__":
    raise SystemExit(main())
