"""A tiny recording-analysis add-on that keeps every clause, and can be spoilt one method at a time.

It shares no code with the service: signatures are checked by Twilio's own library.
"""

from __future__ import annotations

import hashlib
import io
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from twilio.request_validator import RequestValidator
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

TOKEN = "the-token-of-a-test"
CREDENTIALS = ("stand-in", "its-password")
TRIES = 40
PAUSE_S = 0.05
LIMIT = 250_000

Reply = tuple[int, bytes]
REFUSED: Reply = (403, b"")
ACCEPTED: Reply = (202, b"")


@dataclass(frozen=True)
class Arrived:
    """A request as it came; `fields` and `audio` are what its body holds, None where it is none."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    announced: int
    seconds: float
    fields: dict[str, str] | None = None
    audio: bytes | None = None

    @property
    def signature(self) -> str:
        return self.headers.get("x-twilio-signature", "")

    @property
    def sid(self) -> str:
        return self.headers["x-twilio-requestsid"]

    @property
    def hashed(self) -> str | None:
        return parse_qs(urlsplit(self.url).query).get("bodySHA256", [None])[0]


def read(url: str, headers: Mapping[str, str], body: bytes, announced: int, s: float) -> Arrived:
    kind, options = parse_options_header(headers.get("content-type", ""))
    fields: dict[str, str] | None = None
    audio = None
    if kind == "application/json":
        try:
            document = json.loads(body)
            fields = document if isinstance(document, dict) else None
        except ValueError:
            pass
    else:
        try:
            parser = FormDataParser(silent=False)
            _, form, files = parser.parse(io.BytesIO(body), kind, len(body), options)
            fields = form.to_dict()
            audio = files["audio-data"].read() if "audio-data" in files else None
        except ValueError:
            pass
    return Arrived(url, headers, body, announced, s, fields, audio)


@dataclass
class Double:
    """The add-on; `url` is where it is invoked."""

    url: str = ""
    sids: set[str] = field(default_factory=set)
    signatures: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    ended: threading.Event = field(default_factory=threading.Event)
    jobs: list[threading.Thread] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[Double]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler(self))
        server.daemon_threads = True
        serving = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        serving.start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        try:
            yield self
        finally:
            self.ended.set()
            server.shutdown()
            server.server_close()
            for job in self.jobs:
                job.join()

    def answer(self, arrived: Arrived) -> Reply | None:
        """The answer, None where the connection is to end without one."""
        if len(arrived.body) < arrived.announced:
            return None
        if not self.is_signed(arrived) or not self.has_its_hash(arrived):
            return REFUSED
        if arrived.fields is None:
            return self.malformed()
        if not self.is_well_formed(arrived.fields):
            return self.error()
        if self.is_replayed(arrived):
            return REFUSED
        if arrived.audio is None and "URL" not in arrived.fields:
            return self.without_audio()
        if arrived.audio is not None and len(arrived.audio) > LIMIT:
            return self.too_large()
        return self.accept(arrived)

    def is_signed(self, arrived: Arrived) -> bool:
        signed = {} if arrived.hashed else arrived.fields or {}
        return RequestValidator(TOKEN).compute_signature(arrived.url, signed) == arrived.signature

    def has_its_hash(self, arrived: Arrived) -> bool:
        return arrived.hashed in (None, hashlib.sha256(arrived.body).hexdigest())

    def is_well_formed(self, fields: Mapping[str, str]) -> bool:
        return fields.get("duration", "1").isdigit()

    def is_replayed(self, arrived: Arrived) -> bool:
        with self.lock:
            return self.signatures.setdefault(arrived.signature, arrived.sid) != arrived.sid

    def error(self) -> Reply:
        return 200, b'{"status": "failed"}'

    malformed = without_audio = too_large = error

    def is_known(self, sid: str) -> bool:
        with self.lock:
            known = sid in self.sids
            self.sids.add(sid)
        return known

    def accept(self, arrived: Arrived) -> Reply:
        if not self.is_known(arrived.sid):
            self.jobs.append(threading.Thread(target=self.work, args=[arrived]))
            self.jobs[-1].start()
        return ACCEPTED

    def work(self, arrived: Arrived) -> None:
        fields = arrived.fields or {}
        audio = arrived.audio if arrived.audio is not None else self.fetch(fields["URL"])
        status = "successful" if audio.startswith(b"RIFF") else "failed"
        self.deliver(fields["callback"], {"status": status, "request_sid": arrived.sid})

    def fetch(self, url: str) -> bytes:
        return requests.get(url, timeout=10).content

    def deliver(self, url: str, document: dict[str, Any]) -> None:
        for _ in range(TRIES):
            status = self.post(url, document)
            if status is not None and not self.is_tried_again(status):
                return
            if self.ended.wait(PAUSE_S):
                return

    def is_tried_again(self, status: int) -> bool:
        return status in (401, 403) or status >= 500

    def post(self, url: str, document: dict[str, Any], **more: Any) -> int | None:
        options: dict[str, Any] = {"json": document, "auth": CREDENTIALS} | more
        try:
            answer = requests.post(url, allow_redirects=False, timeout=10, **options)
        except requests.RequestException:
            return None
        return answer.status_code


def handler(double: Double) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            began = time.monotonic()
            announced = int(self.headers["Content-Length"])
            body = self.rfile.read(announced)
            url = double.url.removesuffix("/hook") + self.path
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = double.answer(read(url, headers, body, announced, time.monotonic() - began))
            if reply is None:
                self.close_connection = True
                return
            self.send_response(reply[0])
            self.send_header("Content-Length", str(len(reply[1])))
            self.end_headers()
            self.wfile.write(reply[1])

        def log_message(self, *_arguments: Any) -> None:
            return

    return Handler
