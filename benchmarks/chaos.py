"""Kills everything at random while requests pour in, then counts: nothing may be lost.

`python -m benchmarks.chaos --requests 300 --kills 150`. Web processes, workers, their job
processes and Redis are killed with -9, Redis is emptied, callbacks fail, every request is sent
several times. Each accepted request must end in exactly one archived recording and one delivered
result; a second delivery is allowed only where a kill fell between the POST and its record.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from addon.commands.marketplace import Exchange
from tests.calls import wav
from tests.end_to_end.deployment import Deployment, deployed
from tests.stack.running import descendants

SETTLE_S = 120.0
INSTALL = "XD" + 32 * "0"


@dataclass
class Report:
    """What was done, and what came of it."""

    accepted: int = 0
    archived: int = 0
    delivered: int = 0
    delivered_again: int = 0
    lost: list[str] = field(default_factory=list)
    kills: dict[str, int] = field(default_factory=dict)
    wipes: int = 0
    seconds_to_settle: float = 0.0


class Chaos:
    """One run against one deployment."""

    def __init__(self, deployment: Deployment, seed: int) -> None:
        self.deployment = deployment
        self.dice = random.Random(seed)
        self.kills: Counter[str] = Counter()
        self.wipes = 0
        self._over = threading.Event()

    def run(self, requests: int, kills: int, *, wipe: bool) -> Report:
        """Send, kill, wait until all is quiet, count."""
        exchanges: list[Exchange] = []
        senders = [
            threading.Thread(target=self._send, args=(exchanges, requests // 4)) for _ in range(4)
        ]
        for sender in senders:
            sender.start()
        for number in range(kills):
            self._kill()
            if wipe and number % 10 == 5:
                self._wipe()
            self._over.wait(self.dice.uniform(0.1, 0.6))
        for sender in senders:
            sender.join()
        started = time.monotonic()
        self._settle(exchanges)
        return self._report(exchanges, time.monotonic() - started)

    def _send(self, exchanges: list[Exchange], count: int) -> None:
        """Each request several times, as a Marketplace that retries until it is accepted."""
        for _ in range(count):
            audio = wav(self.dice.uniform(0.2, 2.0))
            sid: str | None = None
            exchange: Exchange | None = None
            accepted = 0
            while accepted < 2:
                try:
                    mode = self.dice.choice(["multipart", "url"])
                    exchange, (answer,) = self.deployment.market.invoke(
                        self.deployment.invocations, audio, sid=sid, mode=mode
                    )
                    sid = exchange.sid
                    accepted += answer.status == 202
                except Exception:
                    self._over.wait(0.05)
            assert exchange is not None
            exchanges.append(exchange)
            if self.dice.random() < 0.2:
                self.deployment.market.answers.append(self.dice.choice([500, 503, 429]))

    def _kill(self) -> None:
        found = self._processes()
        kind = self.dice.choice([kind for kind in found if found[kind]] or ["none"])
        if kind == "none":
            return
        try:
            os.kill(self.dice.choice(found[kind]), signal.SIGKILL)
            self.kills[kind] += 1
        except ProcessLookupError:
            return

    def _processes(self) -> dict[str, list[int]]:
        """Who may be killed; the supervisor and the launcher stand for the machine itself."""
        found: dict[str, list[int]] = {"web": [], "redis": [], "worker": [], "job": []}
        for pid in descendants(self.deployment.stack.process.pid):
            line, parent = _command(pid), _command(_parent(pid))
            if "valkey" in line or "redis-server" in line:
                found["redis"].append(pid)
            elif "gunicorn" in line:
                found["web"].append(pid)
            elif "-m workers" in line and "-m workers" in parent:
                kind = "job" if "-m workers" in _command(_parent(_parent(pid))) else "worker"
                found[kind].append(pid)
        return found

    def _wipe(self) -> None:
        try:
            self.deployment.services().redis.flushall()
            self.wipes += 1
        except Exception:
            return

    def _settle(self, exchanges: list[Exchange]) -> None:
        until = time.monotonic() + SETTLE_S
        intake_store = self.deployment.services().intake_store
        while time.monotonic() < until:
            if not list(intake_store.waiting()) and all(each.callbacks for each in exchanges):
                return
            self._over.wait(0.2)

    def _report(self, exchanges: list[Exchange], seconds: float) -> Report:
        archive = self.deployment.archive
        report = Report(len(exchanges), kills=dict(self.kills), wipes=self.wipes)
        report.seconds_to_settle = round(seconds, 1)
        for each in exchanges:
            stored = b"".join(archive.open(INSTALL, each.sid).read()) == each.audio
            report.archived += stored
            report.delivered += bool(each.callbacks)
            report.delivered_again += len(each.callbacks) > 1
            if not stored or not each.callbacks:
                report.lost.append(each.sid)
        return report


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def main() -> int:
    """Run it and print the report; 1 where anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, deployed(Path(folder), workers=2) as deployment:
        chaos = Chaos(deployment, options.seed)
        report = chaos.run(options.requests, options.kills, wipe=True)
    print(json.dumps(asdict(report), indent=2))
    return 1 if report.lost else 0


if __name__ == "__main__":
    raise SystemExit(main())
