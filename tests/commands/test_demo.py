"""`make run`, as a stranger meets it: the real stack, one call, and what is printed."""

import io
import json
import os
import re
import signal
import subprocess
import threading
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from werkzeug.serving import make_server
from werkzeug.wrappers import Request

from addon.commands.demo import Sent, _settings, tour
from addon.commands.invoke import DEFAULT_PORT
from addon.commands.marketplace import Marketplace
from addon.settings import Settings
from addon.stack.web_server import listen
from tests.commands.test_summary import result
from tests.stack.running import (
    PATIENCE_S,
    ROOT,
    alive,
    descendants,
    free_port,
    python,
    wait_until,
)

FAILURE = {
    "status": "failed",
    "code": 64401,
    "message": "It is no recording.",
    "request_sid": "XR1",
    "result": None,
}
SUCCESS = {"status": "successful", "request_sid": "XR1", **result()}
SUCCESS["result"]["archive"] = {"recording_id": "XR1"}
SUCCESS["result"]["redaction"] = {"intervals": []}

pytestmark = pytest.mark.stack


@pytest.fixture
def call(tmp_path: Path) -> Path:
    """Two channels of quiet noise."""
    noise = np.random.default_rng(7).integers(-300, 300, (16_000, 2), dtype=np.int16)
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(noise.tobytes())
    path = tmp_path / "call.wav"
    path.write_bytes(content.getvalue())
    return path


def demo(data_dir: Path, *options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        python("-m", "flask", "demo", "--port", str(free_port()), *options),
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(data_dir), "WEB_CONCURRENCY": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_once_shows_a_population_the_202_the_result_and_the_archive_and_exits_0(
    tmp_path: Path, call: Path
) -> None:
    process = demo(tmp_path / "var", "--once", "--audio", str(call), "--population", "5")
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    assert "  5 of 5 archived" in said
    for path in ("/recordings", "/overview"):
        assert re.search(rf"^  http://127.0.0.1:\d+{path}$", said, re.MULTILINE)
    assert re.search(r"^202 after \d+ ms, no body$", said, re.MULTILINE)
    assert "audio               2.0 s, 2 channels, wav" in said
    assert "decrypted           equals what was sent" in said
    assert re.search(r"^  http://127.0.0.1:\d+/media/\S+$", said, re.MULTILINE)
    assert re.search(r"^  http://127.0.0.1:\d+/login/local\?\S+$", said, re.MULTILINE)
    (result,) = (tmp_path / "var" / "demo").iterdir()
    assert json.loads(result.read_text())["status"] == "successful"
    audio = list((tmp_path / "var" / "archive").rglob("audio.esdk"))
    [archived] = [path for path in audio if path.as_uri() in said]
    assert len(audio) == 6
    assert call.read_bytes()[44:1044] not in archived.read_bytes()


class Stand:
    """A service that accepts everything and answers as it is told to."""

    def __init__(self, answer: dict[str, Any] | None, token: str) -> None:
        self.answer, self.token = answer, token

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        callback = Request(environ).form["callback"]
        if self.answer is not None:
            threading.Timer(0.01, self.post, [callback]).start()
        start("202 Accepted", [("Content-Length", "0")])
        return []

    def post(self, callback: str) -> None:
        requests.post(callback, json=self.answer, auth=("AC1", self.token), timeout=30)


@pytest.mark.parametrize(
    ("answer", "token", "sentence"),
    [
        (None, "token", "No result came within 0.5 s"),
        (FAILURE, "wrong", "its Basic auth is not the stand-in's"),
        (FAILURE, "token", "failed              64401: It is no recording."),
        (SUCCESS, "token", "it cannot be read"),
    ],
)
def test_what_is_not_right_is_said_and_counts(
    answer: dict[str, Any] | None,
    token: str,
    sentence: str,
    tmp_path: Path,
    call: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC1")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "token")
    monkeypatch.setattr("addon.commands.demo.RESULT_WAIT_S", 0.5 if answer is None else 30.0)
    service = make_server("127.0.0.1", 0, Stand(answer, token))
    threading.Thread(target=service.serve_forever, daemon=True).start()
    try:
        with Marketplace("", "") as market:
            assert not tour(market, f"http://127.0.0.1:{service.server_port}", call)
    finally:
        service.shutdown()
        service.server_close()
    assert sentence in capsys.readouterr().out


def test_a_start_that_fails_is_one_sentence(tmp_path: Path, call: Path) -> None:
    with listen("127.0.0.1", 0) as listener:
        port = str(listener.getsockname()[1])
        process = demo(tmp_path / "var", "--once", "--audio", str(call), "--port", port)
        said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert said == (
        f"Error: --port {port} is in use on 127.0.0.1. "
        "Stop what uses it, or choose another --port.\n"
    )


def test_it_serves_until_ctrl_c_and_leaves_nothing(tmp_path: Path, call: Path) -> None:
    process = demo(tmp_path / "var", "--audio", str(call))
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("Serving on http://127.0.0.1:"):
            break
    processes = descendants(process.pid)
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, "".join(said) + rest
    assert not any(alive(pid) for pid in processes)


def test_it_says_that_its_server_was_killed_and_is_not_right(tmp_path: Path, call: Path) -> None:
    """Until then, commands in another terminal find it where it is."""
    process = demo(tmp_path / "var", "--audio", str(call))
    assert process.stdout is not None
    address = next(
        line.split()[2].rstrip(".") for line in process.stdout if line.startswith("Serving on ")
    )
    assert Settings.load({"DATA_DIR": str(tmp_path / "var")}).public_url == address
    [server] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    processes = descendants(process.pid)
    os.kill(int(server), signal.SIGKILL)
    rest, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "Error: `flask serve` was killed by SIGKILL\n" in rest
    wait_until(lambda: not any(alive(pid) for pid in processes))
    assert Settings.load({"DATA_DIR": str(tmp_path / "var")}).public_url == "http://127.0.0.1:8080"


def test_it_ends_when_nobody_reads_what_it_says(tmp_path: Path, call: Path) -> None:
    """As in `make run | head`."""
    process = demo(tmp_path / "var", "--audio", str(call))
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    process.wait(timeout=PATIENCE_S)
    assert process.returncode in (0, 1)


def test_ctrl_c_while_it_starts_leaves_nothing(tmp_path: Path, call: Path) -> None:
    process = demo(tmp_path / "var", "--audio", str(call))
    wait_until(lambda: len(descendants(process.pid)) >= 2)
    processes = descendants(process.pid)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert not any(alive(pid) for pid in processes)


def test_flask_invoke_of_another_terminal_is_allowed_with_its_usual_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    with Marketplace("", "") as market:
        given = _settings(market, 9000)
    for name in ("CALLBACK_HOSTS", "MEDIA_HOSTS"):
        assert f"http://127.0.0.1:{DEFAULT_PORT}" in given[name].split(",")


def test_what_was_sent_may_differ_in_what_is_muted_alone():
    audio = bytes(range(256)) * 100
    sent = Sent(audio, 256.0, [[10.0, 20.0]])
    muted = audio[:1100] + bytes(800) + audio[1900:]
    assert sent.equals(audio) and sent.equals(muted)
    assert not Sent(audio, 256.0, []).equals(muted)
    assert not sent.equals(audio[:5000] + b"x" + audio[5001:])
    assert not sent.equals(audio[:-1])
