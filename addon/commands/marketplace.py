"""A stand-in for the Marketplace: it signs and sends invocations and takes the results.

It knows the protocol on its own account and shares no code with the side that it tests. It listens
where it is told to and keeps what it receives in memory; it must never serve anything but the one
recording of an invocation that it sent itself.
"""

from __future__ import annotations

import base64
import email
import email.policy
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, cast
from urllib.parse import urlencode

import urllib3
from urllib3.filepost import encode_multipart_formdata

Mode = Literal["multipart", "url", "json"]

SEND_TIMEOUT_S = 60.0
RESULT_LIMIT = 100 * 1024 * 1024
"""Twilio takes no larger result (spec/protocol 1.8)."""


@dataclass
class Callback:
    """A result as it was posted: its headers, its bytes, and whether its Basic auth was right."""

    body: bytes
    authorised: bool
    content_type: str
    received_at: float

    def document(self) -> dict[str, Any]:
        """The JSON, posted as the body or as a form's file. Raises ValueError where it is none."""
        files = [content for _, is_file, content in self._parts() if is_file]
        parsed: dict[str, Any] = json.loads(files[0] if files else self.body)
        return parsed

    def form(self) -> dict[str, str]:
        """The text fields beside the document; none where the body is the document."""
        parts = self._parts()
        return {
            name: text.decode("utf-8", "replace") for name, is_file, text in parts if not is_file
        }

    def _parts(self) -> list[tuple[str, bool, bytes]]:
        """A multipart body's parts: name, whether it is a file, content."""
        if not self.content_type.lower().startswith("multipart/"):
            return []
        head = f"Content-Type: {self.content_type}\r\n\r\n".encode("latin-1")
        message = email.message_from_bytes(head + self.body, policy=email.policy.HTTP)
        return [
            (
                str(part.get_param("name", "", "content-disposition")),
                part.get_filename() is not None,
                cast(bytes, part.get_payload(decode=True)),
            )
            for part in message.iter_parts()
        ]


@dataclass
class Exchange:
    """One invocation: its audio, and the results that came back."""

    sid: str
    audio: bytes
    callbacks: list[Callback] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)


class Marketplace:
    """Listens while it is entered; `origin` is what the service must allow as a host.

    `credentials` are the `user:password` that its callbacks must come with. Without them callbacks
    need none, and the account's own are taken too, as other add-ons send them.
    """

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        credentials: str | None = None,
    ) -> None:
        self.account_sid = account_sid
        self.auth_token = auth_token
        self.credentials = credentials
        self.exchanges: dict[str, Exchange] = {}
        self.answers: list[int] = []
        self._server = ThreadingHTTPServer((host, port), _handler(self))
        self._server.daemon_threads = True
        self.origin = f"http://{host}:{self._server.server_address[1]}"
        self.media_origin = self.origin

    def __enter__(self) -> Marketplace:
        serve = partial(self._server.serve_forever, poll_interval=0.02)
        threading.Thread(target=serve, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def invoke(
        self,
        to: str,
        audio: bytes,
        *,
        mode: Mode = "multipart",
        sid: str | None = None,
        install: str = "XD" + 32 * "0",
        times: int = 1,
        fields: Mapping[str, str] | None = None,
    ) -> tuple[Exchange, list[Answer]]:
        """Send one invocation, `times` over; gives what was answered each time."""
        exchange = self._exchange(sid or "XR" + secrets.token_hex(16), audio)
        given = {"callback": f"{self.origin}/callback/{exchange.sid}", **(fields or {})}
        url, headers, body = self._request(to, exchange, mode, given)
        headers |= {
            "X-Twilio-RequestSid": exchange.sid,
            "X-Twilio-VendorAccountSid": self.account_sid,
            "X-Twilio-AddOnInstallSid": install,
        }
        return exchange, [_send(url, headers, body) for _ in range(times)]

    def wait(self, exchange: Exchange, seconds: float) -> Callback | None:
        """The first result, or None where none came in time."""
        exchange.arrived.wait(seconds)
        return exchange.callbacks[0] if exchange.callbacks else None

    def takes(self, authorization: str | None) -> bool:
        """True where a callback's Basic auth is the one that is expected (spec/protocol 1.8)."""
        if self.credentials is not None:
            return authorization == _basic(self.credentials)
        return authorization in (None, _basic(f"{self.account_sid}:{self.auth_token}"))

    def _exchange(self, sid: str, audio: bytes) -> Exchange:
        return self.exchanges.setdefault(sid, Exchange(sid, audio))

    def _request(
        self, to: str, exchange: Exchange, mode: Mode, fields: Mapping[str, str]
    ) -> tuple[str, dict[str, str], bytes]:
        if mode == "multipart":
            body, kind = multipart_body(fields, exchange.audio)
            return to, self._signed(to, fields) | {"Content-Type": kind}, body
        fields = {**fields, "URL": f"{self.media_origin}/media/{exchange.sid}"}
        if mode == "url":
            headers = self._signed(to, fields)
            form = urlencode(fields).encode()
            return to, headers | {"Content-Type": "application/x-www-form-urlencoded"}, form
        body = json.dumps(fields).encode()
        digest = hashlib.sha256(body).hexdigest()
        url = f"{to}{'&' if '?' in to else '?'}bodySHA256={digest}"
        return url, self._signed(url, {}) | {"Content-Type": "application/json"}, body

    def _signed(self, url: str, fields: Mapping[str, str]) -> dict[str, str]:
        return {"X-Twilio-Signature": sign(self.auth_token, url, fields)}


@dataclass(frozen=True)
class Answer:
    """The service's answer to an invocation, and the seconds that it took."""

    status: int
    body: bytes
    seconds: float


def sign(token: str, url: str, fields: Mapping[str, str]) -> str:
    """A request's signature over its URL and its sorted fields (spec/protocol 3.1)."""
    text = url + "".join(name + fields[name] for name in sorted(fields))
    digest = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def multipart_body(fields: Mapping[str, str], audio: bytes) -> tuple[bytes, str]:
    """A form with an audio part as the Marketplace sends it, and its content type."""
    given: dict[str, str | tuple[str, bytes, str]] = dict(fields)
    given["audio-data"] = ("recording.wav", audio, "audio/x-wav")
    return encode_multipart_formdata(given)


def _basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _send(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
    started = time.monotonic()
    with urllib3.PoolManager(timeout=SEND_TIMEOUT_S, retries=False) as pool:
        response = pool.request("POST", url, headers=headers, body=body, redirect=False)
    return Answer(response.status, response.data, time.monotonic() - started)


def _handler(marketplace: Marketplace) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            exchange = self._exchange("media")
            if exchange is None:
                return
            self.send_response(200)
            self.send_header("Content-Type", "audio/x-wav")
            self.send_header("Content-Length", str(len(exchange.audio)))
            self.end_headers()
            self.wfile.write(exchange.audio)

        def do_POST(self) -> None:
            exchange = self._exchange("callback")
            if exchange is None:
                return
            size = min(int(self.headers.get("Content-Length") or 0), RESULT_LIMIT)
            callback = Callback(
                self.rfile.read(size),
                marketplace.takes(self.headers.get("Authorization")),
                self.headers.get("Content-Type") or "",
                time.time(),
            )
            status = marketplace.answers.pop(0) if marketplace.answers else 200
            if status == 200:
                exchange.callbacks.append(callback)
                exchange.arrived.set()
            self._empty(status)

        def _exchange(self, folder: str) -> Exchange | None:
            found = None
            if self.path.startswith(f"/{folder}/"):
                found = marketplace.exchanges.get(self.path.removeprefix(f"/{folder}/"))
            if found is None:
                self._empty(404)
            return found

        def _empty(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            return

    return Handler
