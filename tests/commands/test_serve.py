"""`flask serve` as its user meets it: the real Redis, web server and workers."""

import os
import re
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from addon.commands.marketplace import Marketplace
from tests.stack.running import (
    PATIENCE_S,
    ROOT,
    Running,
    alive,
    descendants,
    free_port,
    python,
    running,
    wait_until,
)

pytestmark = pytest.mark.stack

CHILDREN = ("redis", "web", "workers")


def serve(port: int) -> list[str]:
    return python("-m", "flask", "serve", "--port", str(port), "--workers", "1")


@contextmanager
def serving(data_dir: Path, port: int, **more: str) -> Iterator[Running]:
    environment = {"DATA_DIR": str(data_dir), "WEB_CONCURRENCY": "1", **more}
    with running(serve(port), environment) as stack:
        stack.wait_for_event(f"Ready on http://127.0.0.1:{port}. Ctrl-C stops.")
        yield stack


def refused(data_dir: Path, port: int) -> str:
    """What a start that cannot succeed says: its whole output."""
    done = subprocess.run(
        serve(port),
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(data_dir)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 1
    return done.stdout + done.stderr


def get(port: int, path: str) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as response:
        return int(response.status)


def children(stack: Running) -> dict[str, int]:
    """The supervisor's own children by name."""
    words = {"redis": "valkey-server", "web": "gunicorn", "workers": "workers"}
    named: dict[str, int] = {}
    for pid in descendants(stack.process.pid):
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        command = Path(f"/proc/{pid}/cmdline").read_text()
        if int(stat[1]) == stack.process.pid:
            named |= {name: pid for name, word in words.items() if word in command}
    return named


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, int, Path]]:
    """One stack for the tests that leave it as it was; Ctrl-C at the end leaves nothing."""
    port, data_dir = free_port(), tmp_path_factory.mktemp("shared")
    with serving(data_dir, port) as stack:
        yield stack, port, data_dir
        processes = descendants(stack.process.pid)
        stack.signal(signal.SIGINT)
        assert stack.wait() == 0
        assert not any(alive(pid) for pid in processes)


def test_a_first_start_needs_nothing_and_gives_no_secret_away(
    shared: tuple[Running, int, Path],
) -> None:
    stack, port, data_dir = shared
    assert get(port, "/readyz") == 200
    stack.wait_for_event("made keys and secrets")
    stack.wait_for_event("workers started")
    for secret in ("twilio_auth_token", "intake_key", "playback_secret"):
        assert (data_dir / "keys" / secret).read_text() not in str(stack.records)


def test_a_second_start_on_the_same_data_is_one_sentence(
    shared: tuple[Running, int, Path],
) -> None:
    stack, _, data_dir = shared
    assert refused(data_dir, free_port()) == (
        f"Error: DATA_DIR {data_dir} is in use by another `flask serve` (process "
        f"{stack.process.pid}). Stop it first, or choose another DATA_DIR.\n"
    )


def test_a_port_in_use_is_one_sentence(shared: tuple[Running, int, Path], tmp_path: Path) -> None:
    _, port, _ = shared
    assert refused(tmp_path, port) == (
        f"Error: --port {port} is in use on 127.0.0.1. "
        "Stop what uses it, or choose another --port.\n"
    )


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = refused(tmp_path / "file" / "var", free_port())
    assert re.fullmatch(r"\S*:? ?DATA_DIR .*\n", said), said
    assert "Traceback" not in said


@pytest.mark.parametrize("name", CHILDREN)
def test_a_killed_child_comes_back(shared: tuple[Running, int, Path], name: str) -> None:
    stack, port, _ = shared
    before = children(stack)
    os.kill(before[name], signal.SIGKILL)
    stack.wait_for_event(f"{name} was killed by SIGKILL; starting it again")
    wait_until(lambda: children(stack).get(name, before[name]) != before[name])
    wait_until(lambda: _ready(port))
    # Between fork and exec a new child has no command line of its own.
    wait_until(lambda: set(children(stack)) == set(CHILDREN))


def _ready(port: int) -> bool:
    try:
        return get(port, "/readyz") == 200
    except OSError:
        return False


def test_killing_the_supervisor_leaves_nothing_and_the_next_start_works(tmp_path: Path) -> None:
    port = free_port()
    with serving(tmp_path, port) as stack:
        processes = descendants(stack.process.pid)
        stack.signal(signal.SIGKILL)
    with serving(tmp_path, port):
        assert not any(alive(pid) for pid in processes)
        assert get(port, "/readyz") == 200


def test_a_restart_refuses_nobody_and_lets_an_upload_end(tmp_path: Path) -> None:
    """An upload is half sent when it comes; others connect while there is no web server."""
    port = free_port()
    with serving(tmp_path, port) as stack, socket.create_connection(("127.0.0.1", port)) as upload:
        before = children(stack)
        head = "POST /recording-analysis HTTP/1.1\r\nHost: x\r\nX-Twilio-Signature: forged\r\n"
        head += "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\n"
        upload.sendall(head.encode() + b"a=123")
        assert get(port, "/readyz") == 200  # accepted behind it, so it is being served
        stack.signal(signal.SIGUSR2)
        wait_until(lambda: not alive(before["workers"]))
        upload.sendall(b"45678")
        assert upload.makefile("rb").readline().startswith(b"HTTP/1.1 403")
        wait_until(lambda: not alive(before["web"]))
        answered = [get(port, "/healthz") for _ in range(3)]
        stack.wait_for_event("Ready on ", count=2)
        assert answered == [200] * 3
        assert set(children(stack)) == set(CHILDREN)
        assert not set(children(stack).values()) & set(before.values())


def test_killing_the_supervisor_over_a_job_leaves_nothing_in_the_next_start_s_way(
    tmp_path: Path,
) -> None:
    """The job's source accepts and stays silent, so that it is in flight for as long as it may."""
    port = free_port()
    with socket.create_server(("127.0.0.1", 0)) as silent, Marketplace("AC1", "secret") as market:
        source = f"http://127.0.0.1:{silent.getsockname()[1]}"
        given = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "secret"}
        given |= {"MEDIA_HOSTS": source, "CALLBACK_HOSTS": market.origin}
        with serving(tmp_path, port, **given) as stack:
            url = f"http://127.0.0.1:{port}/recording-analysis"
            market.media_origin = source
            _, (answer,) = market.invoke(url, b"", mode="url")
            assert answer.status == 202
            with silent.accept()[0]:
                processes = descendants(stack.process.pid)
                stack.signal(signal.SIGKILL)
                stack.wait()
                with serving(tmp_path, port):
                    assert not any(alive(pid) for pid in processes)


def test_a_stop_while_it_starts_leaves_nothing(tmp_path: Path) -> None:
    with running(serve(free_port()), {"DATA_DIR": str(tmp_path)}) as stack:
        stack.wait_for_event("made keys and secrets")
        wait_until(lambda: bool(descendants(stack.process.pid)))
        processes = descendants(stack.process.pid)
        stack.signal(signal.SIGINT)
        assert stack.wait() == 0
        assert not any(alive(pid) for pid in processes)
        assert not any("Ready" in event for event in stack.events)
