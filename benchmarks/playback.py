"""Playback of the encrypted archive beside the same bytes in the clear, in one run.

`python -m benchmarks.playback [--megabytes 100]` starts three servers on this machine: the service
under gunicorn with the project's configuration, the same gunicorn with Flask's `send_file`, and
nginx (or Python's own static server where there is no nginx). Each is asked for the whole and for
random ranges; rounds are interleaved, figures are medians. Nothing is left behind.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from addon.archive.archive import Archive
from addon.archive.manifest import RecordingFacts
from addon.playback.grants import Grants
from addon.settings import Settings
from addon.stack.provision import provision
from addon.stack.redis_server import command

ROOT = Path(__file__).parents[1]
RANGE = 256 * 1024
CLIENTS = 8
ROUNDS = 5
RANGE_SECONDS = 2.0
LINKS = CLIENTS
"""Each client is a listener of its own."""

TENANT, RECORDING = "XD" + "b" * 32, "RE" + "b" * 32

THROUGHPUT_TARGET, FIRST_BYTE_TARGET = 0.7, 1.5
"""Of `send_file`: at least this much throughput, at most this much time to the first byte."""

PLAIN_APP = """
import os
from flask import Flask, send_file
app = Flask("plain")
@app.get("/media")
def media():
    return send_file(os.environ["PLAIN_FILE"], mimetype="audio/x-wav", conditional=True)
@app.get("/healthz")
def healthz():
    return "alive"
"""

NGINX = """
daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; sendfile on; tcp_nopush on;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port}; root {folder}; location /media {{ alias {file}; }} }}
}}
"""


@dataclass
class Target:
    """One server, and what was measured of it."""

    name: str
    port: int
    paths: list[str]
    process: subprocess.Popen[bytes] | None = None
    first_byte_s: list[float] = field(default_factory=list)
    whole_mb_s: list[float] = field(default_factory=list)
    ranges_s: list[float] = field(default_factory=list)
    memory_growth: int | None = None

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def peaks(self) -> dict[int, int]:
        """Each worker's largest resident set so far, in bytes."""
        if self.process is None or not Path("/proc/self/task").exists():
            return {}
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return {int(child): _peak(child) for child in children}

    def first_byte(self) -> None:
        """The first byte of everything, on a fresh connection that is then dropped."""
        connection = self.connect()
        began = time.perf_counter()
        connection.request("GET", self.paths[0])
        assert connection.getresponse().read(1)
        self.first_byte_s.append(time.perf_counter() - began)
        connection.close()

    def whole(self, length: int) -> None:
        """One download of everything, on a fresh connection."""
        connection = self.connect()
        began = time.perf_counter()
        connection.request("GET", self.paths[0])
        answer = connection.getresponse()
        buffer, got = bytearray(1 << 20), 0
        while count := answer.readinto(buffer):
            got += count
        self.whole_mb_s.append(length / 1e6 / (time.perf_counter() - began))
        connection.close()
        assert got == length, f"{self.name} sent {got} of {length} bytes"

    def ranges(self, length: int) -> None:
        """Random ranges from CLIENTS clients at once, for RANGE_SECONDS."""
        counts = [0] * CLIENTS
        end = time.perf_counter() + RANGE_SECONDS

        def client(number: int) -> None:
            rng, connection = random.Random(number), self.connect()
            buffer = bytearray(RANGE)
            for path in itertools.cycle(self.paths[number::CLIENTS] or self.paths):
                if time.perf_counter() > end:
                    break
                start = rng.randrange(length - RANGE)
                headers = {"Range": f"bytes={start}-{start + RANGE - 1}"}
                connection.request("GET", path, headers=headers)
                answer = connection.getresponse()
                got = 0
                while count := answer.readinto(memoryview(buffer)[got:]):
                    got += count
                assert (answer.status, got) == (206, RANGE), (self.name, answer.status, got)
                counts[number] += 1
            connection.close()

        threads = [threading.Thread(target=client, args=(n,)) for n in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.ranges_s.append(sum(counts) / RANGE_SECONDS)


def main() -> None:
    """Measure, and print a table and one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=100)
    length = parser.parse_args().megabytes * 1_000_000
    with tempfile.TemporaryDirectory(prefix="playback-bench-") as name, ExitStack() as stack:
        targets = _start(Path(name), length, stack)
        for target in targets:
            for _ in range(2 * CLIENTS):  # every worker has opened it once
                target.first_byte()
            target.whole(length)
            target.first_byte_s.clear()
            target.whole_mb_s.clear()
        before = {target.name: target.peaks() for target in targets}
        for _ in range(ROUNDS):
            for target in targets:
                target.whole(length)
        for target in targets:
            grown = target.peaks()
            known = before[target.name]
            growth = [peak - known.get(pid, peak) for pid, peak in grown.items()]
            target.memory_growth = max(growth, default=None)
        for _ in range(ROUNDS * 8):
            for target in targets:
                target.first_byte()
        for _ in range(3):
            for target in targets:
                target.ranges(length)
    _report(targets)


def _start(folder: Path, length: int, stack: ExitStack) -> list[Target]:
    plain = folder / "plain.wav"
    content = random.Random(1).randbytes(1_000_000)
    with plain.open("wb") as file:
        for _ in range(length // len(content)):
            file.write(content)
    (folder / "plainapp.py").write_text(PLAIN_APP)
    stack.enter_context(_redis(folder))
    environment, paths = _archive(folder, plain)
    ours = stack.enter_context(_gunicorn("archive", "app:app", ROOT, environment, paths))
    plain_environment = os.environ | {"PLAIN_FILE": str(plain), "PYTHONPATH": str(ROOT)}
    theirs = stack.enter_context(
        _gunicorn("send_file", "plainapp:app", folder, plain_environment, ["/media"])
    )
    return [ours, theirs, stack.enter_context(_static(folder, plain))]


def _archive(folder: Path, plain: Path) -> tuple[dict[str, str], list[str]]:
    """Put the file into an archive; the environment of a service over it, and links."""
    environment = os.environ | {"DATA_DIR": str(folder / "var"), "LOG_LEVEL": "warning"}
    environment.pop("ARCHIVE_URL", None)
    environment["REDIS_URL"] = f"unix://{folder}/redis.sock"
    provision(Settings.load(environment))
    settings = Settings.load(environment)
    facts = RecordingFacts(
        received_sha256="0" * 64,
        received_bytes=plain.stat().st_size,
        format="wav",
        channels=2,
        duration_seconds=None,
        started_at=None,
        received_at=datetime.now(UTC),
        call_sid=None,
        source="marketplace",
        redacted=False,
        request_sid="XR" + "b" * 32,
    )
    with Archive.from_settings(settings).deposit(TENANT, RECORDING) as deposit:
        with plain.open("rb") as file:
            deposit.audio(iter(lambda: file.read(1 << 20), b""))
        deposit.commit(facts)
    grants = Grants.from_settings(settings)
    issued = [
        grants.issue(TENANT, recording_id=RECORDING, listener="bench", lifetime_s=3600)
        for _ in range(LINKS)
    ]
    return environment, [f"/media/{grants.token(grant)}" for grant in issued]


@contextmanager
def _redis(folder: Path) -> Iterator[None]:
    """As a deployment has one; listening does not ask it."""
    (folder / "redis").mkdir()
    process = subprocess.Popen(
        command(folder / "redis.sock", folder / "redis"), stdout=subprocess.DEVNULL
    )
    with _ended(process):
        yield


@contextmanager
def _gunicorn(
    name: str, app: str, folder: Path, environment: dict[str, str], paths: list[str]
) -> Iterator[Target]:
    port = _free_port()
    argv = [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "gunicorn.conf.py")]
    argv += ["--bind", f"127.0.0.1:{port}", "--chdir", str(folder), app]
    process = subprocess.Popen(argv, cwd=folder, env=environment, stderr=subprocess.DEVNULL)
    with _ended(process):
        target = Target(name, port, paths, process)
        _wait_for(target, "/healthz")
        yield target


@contextmanager
def _static(folder: Path, plain: Path) -> Iterator[Target]:
    """nginx, else a server of the standard library that knows no ranges beyond one."""
    port = _free_port()
    binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if binary is None:
        argv = [sys.executable, "-m", "benchmarks.playback", "--static", str(plain), str(port)]
        name = "static (Python)"
    else:
        configuration = folder / "nginx.conf"
        configuration.write_text(NGINX.format(folder=folder, port=port, file=plain))
        argv, name = [binary, "-c", str(configuration), "-p", str(folder)], "static (nginx)"
    process = subprocess.Popen(argv, cwd=ROOT, stderr=subprocess.DEVNULL)
    with _ended(process):
        target = Target(name, port, ["/media"], process)
        _wait_for(target, "/media", method="HEAD")
        yield target


def _serve_static(path: str, port: int) -> None:
    """A plain server of one file: sendfile, one range, keep-alive."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    size = Path(path).stat().st_size

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._head(0, size - 1)

        def do_GET(self) -> None:
            first, _, last = self.headers.get("Range", "bytes=0-").partition("=")[2].partition("-")
            start, stop = int(first), int(last) if last else size - 1
            self._head(start, stop)
            self.wfile.flush()
            with Path(path).open("rb") as file:
                sent, wanted = 0, stop - start + 1
                while sent < wanted:
                    socket_, handle = self.connection.fileno(), file.fileno()
                    sent += os.sendfile(socket_, handle, start + sent, wanted - sent)

        def _head(self, start: int, stop: int) -> None:
            self.send_response(206 if "Range" in self.headers else 200)
            self.send_header("Content-Length", str(stop - start + 1))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(target: Target, path: str, method: str = "GET") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        connection = target.connect()
        try:
            connection.request(method, path)
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(0.05)
        finally:
            connection.close()
    raise SystemExit(f"{target.name} did not start")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _peak(pid: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def _report(targets: list[Target]) -> None:
    base = targets[1]
    print(f"{'':16} {'first byte':>11} {'whole':>11} {'256 KiB ranges':>16} {'memory growth':>14}")
    figures = {}
    for target in targets:
        first, whole, ranges = (
            statistics.median(values)
            for values in (target.first_byte_s, target.whole_mb_s, target.ranges_s)
        )
        growth = "-" if target.memory_growth is None else f"{target.memory_growth / 1e6:.1f} MB"
        print(
            f"{target.name:16} {first * 1000:8.2f} ms {whole:6.0f} MB/s {ranges:12.0f} /s"
            f" {growth:>14}"
        )
        figures[target.name] = {
            "first_byte_ms": round(first * 1000, 2),
            "whole_mb_s": round(whole),
            "ranges_per_s": round(ranges),
            "throughput_ratio": round(whole / statistics.median(base.whole_mb_s), 2),
            "first_byte_ratio": round(first / statistics.median(base.first_byte_s), 2),
            "ranges_ratio": round(ranges / statistics.median(base.ranges_s), 2),
        }
    ours = figures["archive"]
    met = (
        ours["throughput_ratio"] >= THROUGHPUT_TARGET
        and ours["first_byte_ratio"] <= FIRST_BYTE_TARGET
    )
    print(
        f"archive / send_file: throughput {ours['throughput_ratio']}, first byte"
        f" {ours['first_byte_ratio']}, ranges {ours['ranges_ratio']}; targets (at least"
        f" {THROUGHPUT_TARGET}, at most {FIRST_BYTE_TARGET}): {'met' if met else 'NOT met'}"
    )
    print(json.dumps(figures))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--static"]:
        _serve_static(sys.argv[2], int(sys.argv[3]))
    else:
        main()
