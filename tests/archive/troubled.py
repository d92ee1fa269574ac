"""A troubled way to a real S3 server: it forwards, fails, stalls, breaks off, or loses answers."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

Trouble = Literal["error", "stall", "reset", "lost", "cut", "page"]
"""A 500; no answer ever; a reset amid the upload; done but not said; a reset amid the answer; a
200 with a login page, and the server never asked."""


@dataclass
class TroubledWay:
    """`plan` says for each request (method, path with query) what happens to it, if anything.

    `forwards` changes headers and body of what is forwarded, `answers` the body that comes back.
    """

    target: str
    plan: Callable[[str, str], Trouble | None] = lambda _method, _path: None
    seen: list[tuple[str, str]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    endpoint: str = ""
    forwards: Callable[[str, dict[str, str], bytes], bytes] = lambda _method, _headers, body: body
    answers: Callable[[str, bytes], bytes] = lambda _path, content: content

    def once(self, trouble: Trouble, method: str, part: str = "") -> None:
        """Trouble for the first such request alone."""
        left = [trouble]
        self.plan = lambda verb, path: (
            left.pop() if left and verb == method and part in path else None
        )

    def always(self, trouble: Trouble, method: str, part: str = "") -> None:
        """Trouble for every such request."""
        self.plan = lambda verb, path: trouble if verb == method and part in path else None

    def count(self, method: str, part: str = "") -> int:
        """How many such requests came."""
        return sum(verb == method and part in path for verb, path in self.seen)


@contextmanager
def troubled_way(target: str) -> Iterator[TroubledWay]:
    way = TroubledWay(target)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(way))
    server.daemon_threads = True
    way.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield way
    finally:
        way.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(way: TroubledWay) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _meet(self) -> None:
            way.seen.append((self.command, self.path))
            trouble = way.plan(self.command, self.path)
            length = int(self.headers.get("Content-Length") or 0)
            if trouble == "reset":
                self.rfile.read(length // 2)
                return self._break_off()
            body = self.rfile.read(length)
            if trouble == "stall":
                way.over.wait(30)
                return self._break_off()
            if trouble == "error":
                return self._answer(500, [("Content-Type", "application/xml")], b"<Error/>")
            if trouble == "page":
                return self._answer(200, [("Content-Type", "text/html")], b"<html>Sign in</html>")
            status, headers, content = self._forwarded(body)
            if trouble == "lost":
                return self._break_off()
            if trouble == "cut":
                self._answer(status, headers, content, half=True)
                return self._break_off()
            return self._answer(status, headers, content)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _meet

        def handle_expect_100(self) -> bool:
            self.send_response_only(100)
            self.end_headers()
            return True

        def _forwarded(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            connection = http.client.HTTPConnection(way.target.removeprefix("http://"))
            headers = {name: value for name, value in self.headers.items() if name != "Expect"}
            body = way.forwards(self.command, headers, body)
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            read = answer.read()
            connection.close()
            content = way.answers(self.path, read)
            found = [
                (name, str(len(content)) if content != read and name == "Content-Length" else value)
                for name, value in answer.getheaders()
            ]
            return answer.status, found, content

        def _answer(
            self, status: int, headers: list[tuple[str, str]], body: bytes, half: bool = False
        ) -> None:
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                    self.send_header(name, value)
            length = next((v for n, v in headers if n.lower() == "content-length"), len(body))
            self.send_header("Content-Length", str(length))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body[: len(body) // 2] if half else body)
            self.wfile.flush()

        def _break_off(self) -> None:
            """With a reset, as a host that dies does, not with a polite end."""
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    return Handler
