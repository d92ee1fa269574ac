"""`make run`, as a stranger meets it: the real stack, one call, and what is printed."""

import io
import json
import os
import re
import signal
import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest

from addon.stack.web_server import listen
from tests.stack.running import (
    PATIENCE_S,
    ROOT,
    alive,
    descendants,
    free_port,
    python,
    wait_until,
)

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]


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


def test_once_shows_the_202_the_result_and_the_archive_and_exits_0(
    tmp_path: Path, call: Path
) -> None:
    process = demo(tmp_path / "var", "--once", "--audio", str(call))
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    assert re.search(r"^202 after \d+ ms, no body$", said, re.MULTILINE)
    assert "audio               2.0 s, 2 channels, wav" in said
    assert "decrypted           equals what was sent" in said
    (result,) = (tmp_path / "var" / "demo").iterdir()
    assert json.loads(result.read_text())["status"] == "successful"
    (archived,) = (tmp_path / "var" / "archive").rglob("audio.esdk")
    assert archived.as_uri() in said
    assert call.read_bytes()[44:1044] not in archived.read_bytes()


def test_once_with_what_is_no_recording_says_so_and_exits_1(tmp_path: Path) -> None:
    text = tmp_path / "letter.txt"
    text.write_text("Dear Sir or Madam,\n" * 40)
    process = demo(tmp_path / "var", "--once", "--audio", str(text))
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert re.search(r"^  failed              64\d\d\d: ", said, re.MULTILINE)


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


def test_ctrl_c_while_it_starts_leaves_nothing(tmp_path: Path, call: Path) -> None:
    process = demo(tmp_path / "var", "--audio", str(call))
    wait_until(lambda: len(descendants(process.pid)) >= 2)
    processes = descendants(process.pid)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert not any(alive(pid) for pid in processes)
