"""Genuine invocations while strangers attack, each with the number of connections that stopped it.

`python -m benchmarks.strangers [--rounds 6] [NAME...]`. The service as it is deployed, two
processes of 16 threads, without workers. Attackers are in a process of their own and begin anew
whatever they lose: 2,300 connections from 40 addresses that send nothing, withhold a body or drip
headers; 130 from one address that ask for a recording, or for 50 pages, and never read; 450 of one
address that ask again as soon as they have an answer, once with the genuine ones' own address. Each
genuine invocation has a connection of its own: a URL, an upload of 16 KB and one of 320 KB.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from addon.archive.archive import Archive
from addon.playback.grants import Grants
from addon.settings import Settings
from addon.stack.provision import provision
from tests.conftest import ACCOUNT, PUBLIC_URL, TOKEN, running_redis
from tests.playback.sounds import RECORDING, TENANT, archived
from tests.web.connections.attackers import attacked
from tests.web.connections.genuine import SHAPES, invoke
from tests.web.serving import Served, served

RECORDING_BYTES = 16 * 1024 * 1024
PAUSE_S = 5.0
"""After each attack, for what it has left behind."""

MANY = [f"127.0.1.{number}" for number in range(1, 41)]
ONE = ["127.0.0.9"]
OURS = ["127.0.0.1"]


@dataclass(frozen=True)
class Row:
    """An attack by its name in tests/web/connections/attackers.py, and who makes it."""

    name: str
    count: int
    sources: list[str]
    pace_s: float = 0.02

    @property
    def title(self) -> str:
        """The row's first column."""
        whose = {1: "genuine ones' address" if self.sources is OURS else "one address"}
        return f"{self.count} {self.name}, {whose.get(len(self.sources), 'many addresses')}"


ROWS = [
    Row("say nothing", 2300, MANY),
    Row("withhold a body", 2300, MANY),
    Row("withhold the end", 2300, MANY),
    Row("drip headers", 2300, MANY),
    Row("never read audio", 130, ONE),
    Row("never read pages", 130, ONE),
    Row("ask", 450, ONE, 0.25),
    Row("forge invocations", 450, ONE, 0.25),
    Row("ask", 450, OURS, 0.25),
]


def main() -> int:
    """Measure each attack and print its row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("names", nargs="*", help="of attacks; all unless given")
    options = parser.parse_args()
    rows = [row for row in ROWS if not options.names or row.name in options.names]
    with tempfile.TemporaryDirectory() as folder, running_redis() as redis_url:
        settings, link = _prepared(Path(folder), redis_url)
        # Each address may have 500, so that a flood is what it says.
        more = {"WEB_CONCURRENCY": "2", "WEB_THREADS": "16", "CONNECTIONS_PER_ADDRESS": "500"}
        with served(settings, **more) as server:
            print(f"{'':46} {'median ms':>9} {'p90':>7} {'slowest':>8} {'accepted':>9}")
            _measure(server, "nobody attacks", options.rounds)
            for row in rows:
                how = {"sources": row.sources, "pace_s": row.pace_s}
                with attacked(row.name, server.port, row.count, link, **how):
                    _measure(server, row.title, options.rounds)
                time.sleep(PAUSE_S)
    return 0


def _prepared(folder: Path, redis_url: str) -> tuple[Settings, str]:
    """Settings with keys, and the path of a recording in their archive."""
    env = {
        "DATA_DIR": str(folder),
        "REDIS_URL": redis_url,
        "PUBLIC_URL": PUBLIC_URL,
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": TOKEN,
    }
    provision(Settings.load(env))
    settings = Settings.load(env)
    archived(Archive.from_settings(settings), bytes(RECORDING_BYTES), format="wav")
    grants = Grants.from_settings(settings)
    grant = grants.issue(TENANT, recording_id=RECORDING, listener="x")
    return settings, f"/media/{grants.token(grant)}"


def _measure(server: Served, title: str, rounds: int) -> None:
    """Print a row. What is neither accepted nor refused in time counts as refused."""
    times, accepted = [], 0
    for shape in SHAPES * rounds:
        try:
            status, seconds = invoke(server, shape)
        except OSError:
            continue
        accepted += status == 202
        times.append(seconds * 1000)
    times.sort()
    p90 = times[int(len(times) * 0.9)]
    whole = f"{accepted}/{len(SHAPES) * rounds}"
    print(
        f"{title:46} {statistics.median(times):9.0f} {p90:7.0f} {times[-1]:8.0f} {whole:>9}",
        flush=True,
    )


if __name__ == "__main__":
    raise SystemExit(main())
