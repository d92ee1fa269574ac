"""An S3 server that takes uploads and throws them away, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
BEGUN = "<{0} {1}><UploadId>u</UploadId></{0}>".format("InitiateMultipartUploadResult", NAMESPACE)
COMPLETED = '<{0} {1}><ETag>"e"</ETag></{0}>'.format("CompleteMultipartUploadResult", NAMESPACE)


class Handler(BaseHTTPRequestHandler):
    """Counts what came for each path, which is all that HEAD needs to know."""

    protocol_version = "HTTP/1.1"
    sizes: ClassVar[dict[str, int]] = {}
    buffer_size = 1024 * 1024

    def do_POST(self) -> None:
        """Begin or complete an upload."""
        path, _, query = self.path.partition("?")
        self._discard()
        if query.startswith("uploads"):
            self.sizes[path] = 0
        self._answer((BEGUN if query.startswith("uploads") else COMPLETED).encode())

    def do_PUT(self) -> None:
        """Take a part."""
        path, _, query = self.path.partition("?")
        taken = self._discard()
        self.sizes[path] = self.sizes.get(path, 0) * bool(query) + taken
        self._answer(b"")

    def do_HEAD(self) -> None:
        """Say how much was taken."""
        self.send_response_only(200)
        self.send_header("Content-Length", str(self.sizes.get(self.path, 0)))
        self.send_header("ETag", '"e"')
        self.send_header("Last-Modified", "Sat, 21 Nov 2026 00:00:00 GMT")
        self.end_headers()

    def _discard(self) -> int:
        if self.headers.get("Expect"):
            self.send_response_only(100)
            self.end_headers()
        left = length = int(self.headers.get("Content-Length") or 0)
        buffer = memoryview(bytearray(self.buffer_size))
        while left:
            left -= self.rfile.readinto(buffer[: min(left, len(buffer))])  # type: ignore[attr-defined]
        return length

    def _answer(self, body: bytes) -> None:
        self.send_response_only(200)
        self.send_header("ETag", '"e"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def serve() -> None:
    """Until killed; the first line of standard output is the port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


@contextmanager
def discarding_s3() -> Iterator[str]:
    """Its endpoint, for as long as the context lasts."""
    command = [sys.executable, "-c", f"from {__name__} import serve; serve()"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()
