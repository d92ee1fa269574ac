"""A Postgres cluster of a test run's own, from Debian's packages, reached through a socket."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

SERVER_OPTIONS = {"fsync": "off", "synchronous_commit": "off", "listen_addresses": ""}


def programs() -> Path:
    """The folder of initdb and postgres; skips the test where they are not installed."""
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = shutil.which("initdb") or (packaged and packaged[-1])
    if not found:
        pytest.skip("needs Debian's postgresql")
    return Path(found).parent


@contextmanager
def running_postgres() -> Iterator[str]:
    """A new cluster; gives its URL. Postgres refuses to run as root, so then its user does."""
    folder_of_programs = programs()
    user = _user()
    with tempfile.TemporaryDirectory(prefix="addon-postgres-") as name:
        folder = Path(name)
        if user is not None:
            Path(tempfile.gettempdir()).chmod(0o711)
            shutil.chown(folder, user)
        data = folder / "data"
        options = ["-U", "addon", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"]
        subprocess.run(
            [folder_of_programs / "initdb", "-D", data, *options],
            user=user,
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
        )
        settings = [f"-c{key}={value}" for key, value in SERVER_OPTIONS.items()]
        server = subprocess.Popen(
            [folder_of_programs / "postgres", "-D", data, "-k", folder, *settings],
            user=user,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )
        try:
            _wait(folder, server)
            yield f"postgresql://addon@/postgres?host={folder}"
        finally:
            server.send_signal(signal.SIGINT)  # a fast shutdown, also of open connections
            server.wait(60)


def empty(url: str) -> None:
    """Drop everything that a test before has made."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")


def _user() -> str | None:
    if os.geteuid() != 0:
        return None
    names = {one.pw_name for one in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _wait(folder: Path, server: subprocess.Popen[bytes]) -> None:
    while True:
        assert server.poll() is None, "the test cluster ended"
        try:
            psycopg.connect(f"postgresql://addon@/postgres?host={folder}").close()
        except psycopg.OperationalError:
            time.sleep(0.02)
            continue
        return
