"""Invocations accepted a second: signed, stored and queued, beside routes that only parse.

`python -m benchmarks.accept`. One run, the same 118 KB form (3.682 s of two-channel telephone
audio), the same client: the service (signature, encrypted intake record with fsync, state, queue)
with no workers behind it; a bare Flask route that parses the form and keeps nothing; and, where
Node is installed, a Node server of that kind. Each is first asked by as many connections as it can
serve, then at a steady rate, where a time counts from when the request was due, not from when it
could be sent. Only the ratios mean anything.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from flask import Flask, Response, request

from addon.settings import Settings
from addon.stack.provision import provision
from addon.stack.redis_server import command, missing
from benchmarks.sending import Template, at_rate, keep_under_way
from tests.calls import wav
from tests.stack.running import free_port

ROOT = Path(__file__).parent.parent
PATH = "/recording-analysis"
CONNECTIONS = 16
PROCESSES = 2
STEADY_RATE = 100.0
TARGET = 0.6
"""Of the bare route's requests a second."""

bare = Flask("bare")


@bare.post(PATH)
def parse_only() -> Response:
    """What the service does, without all that makes it safe."""
    request.form.to_dict()
    for part in request.files.values():
        part.stream.read()
    return Response(status=202)


def main() -> int:
    """Measure all rows and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _redis(Path(folder)) as redis_url:
        rows = {
            "service": _service(Path(folder), redis_url),
            "bare Flask route": _gunicorn("benchmarks.accept:bare", {}),
        }
        if shutil.which("node"):
            rows["Node, parse only"] = _node()
        found: dict[str, list[Round]] = {name: [] for name in rows}
        for _ in range(options.rounds):
            for name, server in rows.items():
                found[name].append(_round(server, options.seconds))
    _print(found)
    return 0


Server = tuple[list[str], dict[str, str], int, str]


def _service(folder: Path, redis_url: str) -> Server:
    port = free_port()
    env = {
        "DATA_DIR": str(folder / "var"),
        "REDIS_URL": redis_url,
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "LOG_LEVEL": "error",
    }
    provision(Settings.load(env))
    return _gunicorn("app:app", env, port, Settings.load(env).twilio_auth_token)


def _gunicorn(app: str, env: dict[str, str], port: int = 0, token: str = "x") -> Server:
    port = port or free_port()
    words = ["-m", "gunicorn", "-c", "gunicorn.conf.py", "--bind", f"127.0.0.1:{port}", app]
    return [sys.executable, *words], {**os.environ, **env}, port, token


def _node() -> Server:
    port = free_port()
    return ["node", str(ROOT / "benchmarks/parse_only.mjs"), str(port)], dict(os.environ), port, "x"


class Round(NamedTuple):
    """One server under load: requests a second, milliseconds, and CPU milliseconds a request."""

    rate: float
    p50: float
    p99: float
    cpu: float
    steady_p50: float
    steady_p99: float


def _round(server: Server, seconds: float) -> Round:
    """Start the server, load it, stop it."""
    words, env, port, token = server
    process = subprocess.Popen(
        words, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _await(port)
        account = Settings.load(env).twilio_account_sid
        template = Template.of(port, PATH, token, account, wav(3.682))
        with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
            each = CONNECTIONS // PROCESSES
            # The port is open before the application is loaded, and its first requests are slow.
            pool.starmap(keep_under_way, [(template, 2.0, each)] * PROCESSES)
            before = _cpu_seconds(process.pid)
            work = (template, seconds, each)
            times = sorted(chain.from_iterable(pool.starmap(keep_under_way, [work] * PROCESSES)))
            cpu = (_cpu_seconds(process.pid) - before) * 1000 / len(times)
            steady = (template, seconds, STEADY_RATE / PROCESSES)
            late = sorted(chain.from_iterable(pool.starmap(at_rate, [steady] * PROCESSES)))
        return Round(
            len(times) / seconds,
            _at(times, 0.5),
            _at(times, 0.99),
            cpu,
            _at(late, 0.5),
            _at(late, 0.99),
        )
    finally:
        process.terminate()
        process.wait(30)


def _cpu_seconds(pid: int) -> float:
    """User and system time of a process and its children; 0 where /proc does not say."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        stats = [Path(f"/proc/{each}/stat").read_text() for each in (pid, *children)]
    except FileNotFoundError:
        return 0.0
    ticks = sum(int(number) for stat in stats for number in stat.rpartition(")")[2].split()[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def _redis(folder: Path) -> Iterator[str]:
    socket_path = folder / "redis.sock"
    (folder / "redis").mkdir()
    server = subprocess.Popen(command(socket_path, folder / "redis"), stdout=subprocess.DEVNULL)
    try:
        while missing(f"unix://{socket_path}"):
            time.sleep(0.02)
        yield f"unix://{socket_path}"
    finally:
        server.terminate()
        server.wait(10)


def _await(port: int) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the server did not start")


def _at(times: list[float], part: float) -> float:
    return times[min(len(times) - 1, int(len(times) * part))]


def _print(found: dict[str, list[Round]]) -> None:
    base = statistics.median(one.rate for one in found["bare Flask route"])
    print(
        f"{'':18} {'accepted/s':>10} {'of bare':>8} {'p50 ms':>7} {'p99 ms':>7} {'CPU ms':>7}"
        f" {f'p50 at {STEADY_RATE:.0f}/s':>13} {'p99':>7}"
    )
    for name, rounds in found.items():
        one = Round(*(statistics.median(column) for column in zip(*rounds, strict=True)))
        print(
            f"{name:18} {one.rate:10.0f} {one.rate / base:7.2f}x {one.p50:7.1f} {one.p99:7.1f}"
            f" {one.cpu:7.2f} {one.steady_p50:13.1f} {one.steady_p99:7.1f}"
        )
    ratio = statistics.median(one.rate for one in found["service"]) / base
    print(
        f"service / bare: {ratio:.2f} (target {TARGET}): {'met' if ratio >= TARGET else 'MISSED'}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
