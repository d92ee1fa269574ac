"""The listening socket, and what `/readyz` says of a web server."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from addon.errors import SettingsError
from addon.stack.web_server import listen, missing, web_child


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


@pytest.mark.parametrize(("host", "loopback"), [("0.0.0.0", "127.0.0.1"), ("::1", "::1")])
def test_the_child_serves_the_socket_it_inherits(host: str, loopback: str) -> None:
    with listen(host, 0) as listener:
        child = web_child(listener, descriptors=(7,))
        assert f"fd://{listener.fileno()}" in child.argv
        assert child.descriptors == (listener.fileno(), 7)
        assert child.probe is not None
