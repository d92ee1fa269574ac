"""The web child: gunicorn on a listening socket that the supervisor owns.

The socket outlives the child and, handed over, a restart of the supervisor itself: a caller waits
for the next web server instead of being refused. A port in use is known before anything is started.
"""

from __future__ import annotations

import errno
import http.client
import json
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from addon.errors import SettingsError
from addon.stack.child import Child

PROBE_S = 2.0
BACKLOG = 1024
GRACE_S = 24.0
"""Transfers end within it; with Redis' 4 s it stays below the 30 s after which Heroku and systemd
kill."""

FIRST_DESCRIPTOR = 3
HANDED_OVER = ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES")
"""The place of a socket that is handed over, and the variables that tell of it, as systemd does it
(sd_listen_fds(3))."""

CONFIGURATION = Path(__file__).parents[2] / "gunicorn.conf.py"


def listening_socket(host: str, port: int, told: Mapping[str, str]) -> socket.socket:
    """The socket that this process was handed by systemd or by a restart, else a new one.

    `told` are the variables HANDED_OVER. Raises SettingsError where the address cannot be had, or
    the socket is no TCP one.
    """
    if told.get("LISTEN_PID") != str(os.getpid()) or told.get("LISTEN_FDS") in (None, "0"):
        return listen(host, port)
    handed = socket.socket(fileno=FIRST_DESCRIPTOR)
    handed.set_inheritable(False)
    if handed.family not in (socket.AF_INET, socket.AF_INET6):
        raise SettingsError("LISTEN_FDS: the socket that was handed over is not one of TCP")
    return handed


def start_anew(listener: socket.socket, environment: Mapping[str, str]) -> NoReturn:
    """Replace this process by the same command, with the code, `.env` and settings of now.

    It keeps its number and `listener`, on which callers wait meanwhile; `environment` is what this
    process itself was given.
    """
    if listener.fileno() == FIRST_DESCRIPTOR:
        listener.set_inheritable(True)
    else:
        os.dup2(listener.fileno(), FIRST_DESCRIPTOR)
    told = {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
    os.execve(sys.executable, sys.orig_argv, {**environment, **told})  # noqa: S606


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises SettingsError where the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(
                f"--port {port} is in use on {host}. Stop what uses it, or choose another --port."
            ) from None
        raise SettingsError(f"--host {host} --port {port}: {error.strerror or error}") from None
    return listener


def web_child(listener: socket.socket, *, descriptors: tuple[int, ...] = ()) -> Child:
    """Gunicorn with the project's configuration, ready when `/readyz` answers 200."""
    number = listener.fileno()
    options = ["--config", str(CONFIGURATION), "--bind", f"fd://{number}"]
    stop = ["--graceful-timeout", str(int(GRACE_S) - 1)]
    host, port = listener.getsockname()[:2]
    return Child(
        name="web",
        argv=[sys.executable, "-m", "gunicorn", *options, *stop, "app:app"],
        probe=lambda: missing(_reachable(host), port),
        grace=GRACE_S,
        descriptors=(number, *descriptors),
    )


def missing(host: str, port: int) -> str | None:
    """None where `/readyz` answers 200, else what it says."""
    connection = http.client.HTTPConnection(host, port, timeout=PROBE_S)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        body = response.read(4096)
    except (OSError, http.client.HTTPException) as error:
        return f"the web server does not answer yet ({type(error).__name__})"
    finally:
        connection.close()
    return None if response.status == 200 else f"/readyz: {response.status} {_sentence(body)}"


def _sentence(body: bytes) -> str:
    """The body as one line, JSON or not."""
    try:
        return json.dumps(json.loads(body))
    except ValueError:
        return " ".join(body.decode("utf-8", "replace").split())


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared only
