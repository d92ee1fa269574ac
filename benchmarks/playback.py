"""Playback of the encrypted archive beside the same bytes in the clear, in one run.

`python -m benchmarks.playback [--megabytes 100]` starts four servers on this machine: the service
under gunicorn with the project's configuration, and its peers (`playback_peers`). Each is asked
for the whole and for random ranges; rounds are interleaved, figures are medians. Nothing is left
behind.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import itertools
import json
import mmap
import os
import random
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
from benchmarks import playback_peers

ROOT = Path(__file__).parents[1]
RANGE = 256 * 1024
CLIENTS = 8
ROUNDS = 15
RANGE_SECONDS = 2.0
LINKS = CLIENTS
"""Each client is a listener of its own."""

BARE = "bare AES-GCM"
"""The service without the service: only reading, decrypting and sending are left."""

TENANT, RECORDING = "XD" + "b" * 32, "RE" + "b" * 32

THROUGHPUT_TARGET, FIRST_BYTE_TARGET = 0.7, 1.2
"""Of `send_file`: at least this much throughput, at most this much time to the first byte."""

RANGES_TARGET = 0.6
"""Of what a static server sends of 256 KiB ranges in the clear."""


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
        buffer, got = mmap.mmap(-1, 1 << 20), 0  # page-aligned: others copy up to 4 times slower
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
                if target.name != BARE:
                    target.ranges(length)
    _report(targets)


def _start(folder: Path, length: int, stack: ExitStack) -> list[Target]:
    plain = folder / "plain.wav"
    content = random.Random(1).randbytes(1_000_000)
    with plain.open("wb") as file:
        for _ in range(length // len(content)):
            file.write(content)
    sealed = folder / "bare.sealed"
    playback_peers.seal(plain, sealed)
    stack.enter_context(_redis(folder))
    environment, paths = _archive(folder, plain)
    files = os.environ | {"PLAIN_FILE": str(plain), "BARE_FILE": str(sealed)}
    peers = "benchmarks.playback_peers"
    return [
        stack.enter_context(_gunicorn("archive", "app:app", environment, paths)),
        stack.enter_context(_gunicorn("send_file", f"{peers}:plain()", files, ["/media"])),
        stack.enter_context(_gunicorn(BARE, f"{peers}:bare()", files, ["/media"])),
        stack.enter_context(_static(folder, plain)),
    ]


def _archive(folder: Path, plain: Path) -> tuple[dict[str, str], list[str]]:
    """Put the file into an archive; the environment of a service over it, and links."""
    environment = os.environ | {"DATA_DIR": str(folder / "var"), "LOG_LEVEL": "warning"}
    environment.pop("ARCHIVE_URL", None)
    environment["REDIS_URL"] = f"unix://{folder}/redis.sock"
    provision(Settings.load(environment))
    settings = Settings.load(environment)
    facts = RecordingFacts(
        received_sha256=_sha256_of(plain),
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


def _sha256_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


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
    name: str, app: str, environment: dict[str, str], paths: list[str]
) -> Iterator[Target]:
    port = _free_port()
    argv = [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "gunicorn.conf.py")]
    argv += ["--bind", f"127.0.0.1:{port}", "--chdir", str(ROOT), app]
    process = subprocess.Popen(argv, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    with _ended(process):
        target = Target(name, port, paths, process)
        _wait_for(target, "/healthz")
        yield target


@contextmanager
def _static(folder: Path, plaintext: Path) -> Iterator[Target]:
    port = _free_port()
    name, argv = playback_peers.static_server(folder, plaintext, port)
    process = subprocess.Popen(argv, cwd=ROOT, stderr=subprocess.DEVNULL)
    with _ended(process):
        target = Target(name, port, ["/media"], process)
        _wait_for(target, "/media", method="HEAD")
        yield target


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
            statistics.median(values or [0.0])
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
    ours, static = figures["archive"], targets[3].name
    met = (
        ours["throughput_ratio"] >= THROUGHPUT_TARGET
        and ours["first_byte_ratio"] <= FIRST_BYTE_TARGET
    )
    print(
        f"archive / send_file: throughput {ours['throughput_ratio']}, first byte"
        f" {ours['first_byte_ratio']}, ranges {ours['ranges_ratio']}; targets (at least"
        f" {THROUGHPUT_TARGET}, at most {FIRST_BYTE_TARGET}): {'met' if met else 'NOT met'}\n"
        f"archive / {BARE}: throughput {ours['whole_mb_s'] / figures[BARE]['whole_mb_s']:.2f}\n"
        f"archive / {static}: ranges {ours['ranges_per_s'] / figures[static]['ranges_per_s']:.2f}"
        f" (at least {RANGES_TARGET})"
    )
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
