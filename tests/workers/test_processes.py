"""Real worker processes, killed and stopped while they work: the work goes on elsewhere."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from addon.commands.marketplace import Exchange
from addon.requests import acceptance
from addon.requests.request import Request
from addon.twilio.invocation import Invocation
from tests.calls import wav
from tests.conftest import ACCOUNT, TOKEN
from tests.stack.running import ROOT, alive, descendants, python, wait_until
from tests.web.requests import INSTALL, new_sid
from workers.process import TRIES

pytestmark = pytest.mark.stack


class SlowMedia:
    """Serves a recording, but only once it is told to: a job that asks is caught at work."""

    def __init__(self, audio: bytes) -> None:
        self.asked = 0
        self.go = threading.Event()
        media = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                media.asked += 1
                self.send_response(200)
                self.send_header("Content-Length", str(len(audio)))
                self.end_headers()
                self.wfile.write(audio[:1000])
                self.wfile.flush()
                media.go.wait(60)
                self.wfile.write(audio[1000:])

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.go.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def media() -> Iterator[SlowMedia]:
    serving = SlowMedia(wav(2.0))
    yield serving
    serving.close()


@pytest.fixture
def settings(settings, media):
    return settings.replace(media_hosts=(media.origin,))


@pytest.fixture
def machine(settings, made_keys, market, media) -> Iterator[subprocess.Popen[bytes]]:
    """One machine's worker processes."""
    env = os.environ | {
        "DATA_DIR": str(settings.data_dir),
        "REDIS_URL": settings.redis_url,
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "CALLBACK_HOSTS": market.origin,
        "CALLBACK_CREDENTIALS": f"{market.origin}={market.credentials}",
        "MEDIA_HOSTS": media.origin,
        "ARCHIVE_PUBLIC_KEYS": made_keys["public"],
        "MANIFEST_SIGNING_KEY": made_keys["signing"],
        "MANIFEST_VERIFY_KEYS": made_keys["verify"],
        "INTAKE_KEY": made_keys["intake"],
    }
    launcher = subprocess.Popen(python("-m", "workers", "--workers", "1"), cwd=ROOT, env=env)
    yield launcher
    launcher.terminate()
    try:
        launcher.wait(60)
    finally:
        launcher.kill()


@pytest.fixture
def at_work(services, market, media, machine):
    """A request whose job waits for its media."""
    exchange = Exchange(new_sid(), b"")
    market.exchanges[exchange.sid] = exchange
    invocation = Invocation(
        request_sid=exchange.sid,
        received_at=datetime.now(UTC),
        install=INSTALL,
        callback=f"{market.origin}/callback/{exchange.sid}",
        audio_url=f"{media.origin}/a.wav",
    )
    acceptance.accept(services.intake_store, services.dispatcher, Request.marketplace(invocation))
    wait_until(lambda: media.asked == 1)
    return exchange


def children(pid: int) -> set[int]:
    return {each for each in descendants(pid) if _parent(each) == pid}


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def job_of(launcher: subprocess.Popen[bytes]) -> int:
    """The process that a worker forked for its job."""
    found: list[int] = []

    def look() -> bool:
        found[:] = [job for worker in children(launcher.pid) for job in children(worker)]
        return bool(found)

    wait_until(look)
    return found[0]


def finish(media: SlowMedia, exchange: Exchange) -> dict[str, object]:
    media.go.set()
    assert exchange.arrived.wait(90)
    return exchange.callbacks[0].document()


def test_a_killed_job_runs_again(at_work, machine, media):
    os.kill(job_of(machine), signal.SIGKILL)
    wait_until(lambda: media.asked == 2)
    assert finish(media, at_work)["status"] == "successful"


def test_a_killed_worker_takes_its_job_along_and_another_does_it(at_work, machine, media, services):
    job = job_of(machine)
    os.kill(_parent(job), signal.SIGKILL)
    wait_until(lambda: media.asked == 2)
    assert not alive(job)
    assert finish(media, at_work)["status"] == "successful"
    assert len(at_work.callbacks) == 1
    wait_until(lambda: not services.intake_store.is_waiting(at_work.sid))


def test_a_job_that_ends_its_process_each_time_is_answered_and_archived(
    at_work, machine, media, settings
):
    for tried in range(1, TRIES + 1):
        wait_until(lambda count=tried: media.asked == count)
        os.kill(job_of(machine), signal.SIGKILL)
    document = finish(media, at_work)
    assert (document["status"], document["code"]) == ("failed", 64404)
    from addon.archive.archive import Archive

    stored = Archive.from_settings(settings).open(INSTALL, at_work.sid)
    assert b"".join(stored.read()) == wav(2.0)


def test_a_stop_lets_a_job_end(at_work, machine, media, services):
    machine.terminate()
    media.go.set()
    assert machine.wait(60) == 0
    # Whether it was delivered too before all ended is a matter of milliseconds.
    intake_store = services.intake_store
    assert (
        intake_store.stored_result(at_work.sid) is not None
        or intake_store.outcome(at_work.sid) is not None
    )


def test_a_stop_takes_an_endless_job_back_without_counting_it(at_work, machine, services):
    machine.terminate()
    assert machine.wait(60) == 0
    entry = services.states.get(at_work.sid)
    assert entry.attempts == 0
    assert services.intake_store.is_waiting(at_work.sid)


def test_a_killed_launcher_leaves_no_process_behind(at_work, machine, media):
    left = descendants(machine.pid)
    assert left
    machine.kill()
    media.go.set()
    machine.wait(60)
    wait_until(lambda: not any(alive(pid) for pid in left))
