"""Real HTTP on loopback for tests: routes given as functions, every request recorded.

An answer may be well-behaved (status, headers, body) or raw bytes in pieces, so that a test can
hang, drip or break off as the worst of hosts do.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def authorization(self) -> str | None:
        return self.headers.get("authorization")


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    raw: Callable[[], Iterator[bytes]] | None = None


Route = Callable[[Request], Answer]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._taken: list[socket.socket] = []

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._taken.append(connection)
        return connection, address

    def expect_nothing_more(self) -> None:
        """Let each answer be the last: a browser keeps an idle connection for a minute."""
        for connection in self._taken:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients of these tests break off as they please."""


class Loopback:
    """A server whose routes tests fill in; the query is not part of a route's path."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.routes: dict[str, Route] = {}
        self.otherwise: Route = lambda _request: Answer(404, b"no such route")
        self.requests: list[Request] = []
        self.server_names: list[str | None] = []
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.port = self._server.server_address[1]
        self.scheme = "https" if tls else "http"
        if tls:
            tls.sni_callback = lambda _sock, name, _context: self.server_names.append(name)
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)

    @property
    def origin(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    def on(self, path: str, *answers: Answer | Route) -> None:
        """Answer this path with each in turn, the last one for ever."""
        left = list(answers)

        def route(request: Request) -> Answer:
            answer = left.pop(0) if len(left) > 1 else left[0]
            return answer if isinstance(answer, Answer) else answer(request)

        self.routes[path] = route

    @contextmanager
    def running(self) -> Iterator[Loopback]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.005,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.expect_nothing_more()
            self._server.server_close()
            thread.join()

    def _handler(loopback) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(length)
                request = Request(self.command, self.path, headers, body)
                loopback.requests.append(request)
                path = self.path.partition("?")[0]
                self._answer(loopback.routes.get(path, loopback.otherwise)(request))

            do_GET = do_POST = do_HEAD = do_DELETE = do_PUT = _serve

            def _answer(self, answer: Answer) -> None:
                if answer.raw:
                    self.close_connection = True
                    for piece in answer.raw():
                        try:
                            self.wfile.write(piece)
                            self.wfile.flush()
                        except OSError:
                            return
                    return
                self.send_response(answer.status)
                if answer.status != 204:
                    self.send_header("Content-Length", str(len(answer.body)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.body)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler
