"""The web server as it is deployed: gunicorn with the project's configuration, on a real port."""

from __future__ import annotations

import base64
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from addon.settings import Settings

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0


@dataclass
class Served:
    """A running server; `worker` is the process that answers."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)

    @property
    def worker(self) -> int:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return int(children.split()[0])

    def peak_memory(self) -> int:
        """The worker's largest resident set so far, in bytes."""
        status = Path(f"/proc/{self.worker}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def environment(settings: Settings) -> dict[str, str]:
    """The variables that give these settings again."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHON_DOTENV_DISABLED": "1",
        "DATA_DIR": str(settings.data_dir),
        "REDIS_URL": settings.redis_url,
        "PUBLIC_URL": settings.public_url,
        "ARCHIVE_URL": settings.archive_url,
        "TWILIO_ACCOUNT_SID": settings.twilio_account_sid,
        "TWILIO_AUTH_TOKEN": settings.twilio_auth_token,
        "ARCHIVE_PUBLIC_KEYS": settings.archive_public_keys[0],
        "ARCHIVE_PRIVATE_KEYS": settings.archive_private_keys[0],
        "MANIFEST_SIGNING_KEY": settings.manifest_signing_key or "",
        "INTAKE_KEY": ",".join(base64.b64encode(key).decode() for key in settings.intake_key),
        "SIGNATURE_MODE": settings.signature_mode,
        "PLAYBACK_SECRETS": ",".join(settings.playback_secrets),
        "PLAYER_ORIGINS": ",".join(settings.player_origins),
        "WEB_CONCURRENCY": "1",
        "WEB_THREADS": "8",
    }


@contextmanager
def served(settings: Settings, **more: str) -> Iterator[Served]:
    """A server that ends with the block; `more` are further variables."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1024)
        number = listener.fileno()
        argv = [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "gunicorn.conf.py")]
        process = subprocess.Popen(
            [*argv, "--bind", f"fd://{number}", "--graceful-timeout", "5", "app:app"],
            cwd=ROOT,
            env=environment(settings) | more,
            pass_fds=[number],
            stderr=subprocess.DEVNULL,
        )
        server = Served(process, listener.getsockname()[1])
        try:
            _wait_until_alive(server)
            yield server
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def _wait_until_alive(server: Served) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        assert server.process.poll() is None, "the server ended"
        connection = server.connect()
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.02)
        finally:
            connection.close()
    raise AssertionError("the server never answered")
