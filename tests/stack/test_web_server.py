"""The listening socket, and what `/readyz` says of a web server."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from addon.errors import SettingsError
from addon.stack.web_server import FIRST_DESCRIPTOR, listen, listening_socket, missing, web_child
from tests.stack.running import ROOT


@contextmanager
def answering(status: int, body: bytes) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/readyz" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def test_ready_when_readyz_answers_200() -> None:
    with answering(200, b"{}") as port:
        assert missing("127.0.0.1", port) is None


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{\n "redis": "down"\n}', '/readyz: 503 {"redis": "down"}'),
        (b"redis:\n  down\n", "/readyz: 503 redis: down"),
    ],
)
def test_otherwise_it_says_what_is_missing(body: bytes, sentence: str) -> None:
    with answering(503, body) as port:
        assert missing("127.0.0.1", port) == sentence


def test_nothing_there_is_said_too() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
    assert (
        missing("127.0.0.1", port) == "the web server does not answer yet (ConnectionRefusedError)"
    )


def test_a_port_in_use_is_one_sentence() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(SettingsError, match=f"^--port {port} is in use on 127.0.0.1"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("host", ["203.0.113.7", "no.such.host.invalid"])
def test_an_address_that_is_not_ours_is_one_sentence(host: str) -> None:
    with pytest.raises(SettingsError, match=f"^--host {host} --port 0: "):
        listen(host, 0)


def test_a_socket_handed_to_another_process_is_not_ours() -> None:
    """A child that inherited the two variables from one that systemd started."""
    told = {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getppid())}
    with listening_socket("127.0.0.1", 0, told) as listener:
        assert listener.fileno() != FIRST_DESCRIPTOR
        assert listener.getsockname()[0] == "127.0.0.1"


HANDED = """
import os, socket
from addon.errors import SettingsError
from addon.stack.web_server import listening_socket
told = {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
try:
    print(listening_socket("127.0.0.1", 0, told).getsockname()[1])
except SettingsError as error:
    print(error.message)
"""


def with_descriptor_3(handed: socket.socket) -> str:
    """What a process says that was handed this socket, as systemd does it."""
    line = f"exec {sys.executable} -c '{HANDED}' 3<&{handed.fileno()}"
    done = subprocess.run(
        ["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, pass_fds=[handed.fileno()]
    )
    return (done.stdout + done.stderr).strip()


def test_a_socket_that_was_handed_over_is_served() -> None:
    with listen("127.0.0.1", 0) as handed:
        assert with_descriptor_3(handed) == str(handed.getsockname()[1])


def test_a_handed_socket_of_another_kind_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as handed:
        handed.bind(str(tmp_path / "socket"))
        assert with_descriptor_3(handed).startswith("LISTEN_FDS: ")


@pytest.mark.parametrize(("host", "loopback"), [("0.0.0.0", "127.0.0.1"), ("::1", "::1")])
def test_the_child_serves_the_socket_it_inherits(host: str, loopback: str) -> None:
    with listen(host, 0) as listener:
        child = web_child(listener, descriptors=(7,))
        assert f"fd://{listener.fileno()}" in child.argv
        assert child.descriptors == (listener.fileno(), 7)
        assert child.probe is not None
