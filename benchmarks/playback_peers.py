"""What `benchmarks.playback` compares playback with: three other ways to send the same bytes.

Flask's `send_file` and a bare loop over AES-GCM run under gunicorn like the service itself; nginx,
or a server of the standard library, stands for a static one. None checks who is listening.
"""

from __future__ import annotations

import getpass
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Flask, Response, send_file

from addon.playback.read_ahead import read_ahead

FRAME = 64 * 1024
TAG = 16
BATCH = 16 * (FRAME + TAG)

KEY, IV = bytes(32), bytes(12)
"""Known to all: what is measured here protects nothing."""

NGINX = """
daemon off; user {user}; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; sendfile on; tcp_nopush on;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port}; root {folder}; location /media {{ alias {file}; }} }}
}}
"""


def plain() -> Flask:
    """PLAIN_FILE at /media through `send_file`."""
    return _app(lambda: send_file(os.environ["PLAIN_FILE"], "audio/x-wav", conditional=True))


def bare() -> Flask:
    """BARE_FILE at /media: read, decrypted, sent and nothing else; ranges are not served."""
    path = Path(os.environ["BARE_FILE"])
    length = sum(stop - start - TAG for start, stop in pairwise(_edges(path.stat().st_size)))
    headers = {"Content-Length": str(length)}
    return _app(
        lambda: Response(read_ahead(_opened(path)), mimetype="audio/x-wav", headers=headers)
    )


def seal(plaintext: Path, sealed: Path) -> None:
    """Write what `bare` serves."""
    key = AESGCM(KEY)
    with plaintext.open("rb") as source, sealed.open("wb") as target:
        while frame := source.read(FRAME):
            target.write(key.encrypt(IV, frame, None))


def _app(media: Callable[[], Response]) -> Flask:
    app = Flask("peer")
    app.add_url_rule("/media", "media", media)
    app.add_url_rule("/healthz", "healthz", lambda: "alive")
    return app


def _edges(size: int) -> Iterable[int]:
    return [*range(0, size, FRAME + TAG), size]


def _opened(path: Path) -> Iterator[bytes]:
    """A frame, as the archive gives a listener first, then batches."""
    key, size, plaintext = AESGCM(KEY), FRAME + TAG, memoryview(b"")
    with path.open("rb", buffering=0) as file:
        while batch := memoryview(file.read(size)):
            if len(batch) > len(plaintext):
                plaintext = memoryview(bytearray(len(batch)))
            at, size = 0, BATCH
            for start, stop in pairwise(_edges(len(batch))):
                length = stop - start - TAG
                key.decrypt_into(IV, batch[start:stop], None, plaintext[at : at + length])
                at += length
            yield bytes(plaintext[:at])


def static_server(folder: Path, plaintext: Path, port: int) -> tuple[str, list[str]]:
    """The name and the command of a static server: nginx where there is one."""
    binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if binary is None:
        argv = [sys.executable, "-m", "benchmarks.playback_peers", str(plaintext), str(port)]
        return "static (Python)", argv
    configuration = folder / "nginx.conf"
    configuration.write_text(
        NGINX.format(folder=folder, port=port, file=plaintext, user=getpass.getuser())
    )
    return "static (nginx)", [binary, "-c", str(configuration), "-p", str(folder)]


def _serve_static(path: str, port: int) -> None:
    """A plain server of one file: sendfile, one range, keep-alive."""
    size = Path(path).stat().st_size

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._head(0, size - 1)

        def do_GET(self) -> None:
            first, _, last = self.headers.get("Range", "bytes=0-").partition("=")[2].partition("-")
            start, stop = int(first), int(last) if last else size - 1
            self._head(start, stop)
            self.wfile.flush()
            with Path(path).open("rb") as file:
                sent, wanted = 0, stop - start + 1
                while sent < wanted:
                    socket_, handle = self.connection.fileno(), file.fileno()
                    sent += os.sendfile(socket_, handle, start + sent, wanted - sent)

        def _head(self, start: int, stop: int) -> None:
            self.send_response(206 if "Range" in self.headers else 200)
            self.send_header("Content-Length", str(stop - start + 1))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    _serve_static(sys.argv[1], int(sys.argv[2]))
