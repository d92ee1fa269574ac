"""A stand-in for the Marketplace: it sends invocations, serves their audio and takes the results.

It listens where it is told to and keeps what it receives in memory; it must never serve anything
but the one recording of an invocation that it sent itself.
"""

from __future__ import annotations

import base64
import email
import email.policy
import json
import secrets
import select
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, cast

from addon.commands.sending import NAMES, REQUEST_SID, Answer, Mode, Prepared, Shaper, send

RESULT_LIMIT = 100 * 1024 * 1024
"""Twilio takes no larger result (spec/protocol 1.8)."""


@dataclass
class Callback:
    """A result as it was posted: its headers, its bytes, and whether its Basic auth was right.

    `status` is the answer that it got, None where it got none.
    """

    body: bytes
    authorised: bool
    content_type: str
    received_at: float
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None

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


@dataclass(frozen=True)
class Reaction:
    """An answer that a callback gets: a status, or None for a connection closed without one."""

    status: int | None = 200
    delay_s: float = 0.0
    location: str | None = None


@dataclass
class Exchange:
    """One invocation: its audio, and the results that came back.

    `reactions` are what the first callbacks get; those behind them are taken. `callbacks` are the
    results that were taken, `posts` all that were posted. `fetches` counts reads of the audio.
    """

    sid: str
    audio: bytes
    callbacks: list[Callback] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)
    posted: threading.Event = field(default_factory=threading.Event)
    reactions: list[Reaction] = field(default_factory=list)
    posts: list[Callback] = field(default_factory=list)
    fetches: int = 0


class Marketplace:
    """Listens while it is entered; `origin` is what the service must allow as a host.

    It calls itself `address` where it is reached under another one than it listens on. `names` are
    those of the service's fields (`sending.NAMES`). `credentials` are the `user:password` that its
    callbacks must come with. Without them callbacks need none, and the account's own are taken too,
    as other add-ons send them.
    """

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        address: str | None = None,
        credentials: str | None = None,
        names: Mapping[str, str] = NAMES,
    ) -> None:
        self.account_sid = account_sid
        self.auth_token = auth_token
        self.credentials = credentials
        self.exchanges: dict[str, Exchange] = {}
        self.names = names
        self.answers: list[int] = []
        self.was_called = False
        self._closed = threading.Event()
        self._server = ThreadingHTTPServer(
            (host, port), type("Handler", (_Handler,), {"market": self})
        )
        self._server.daemon_threads = True
        own = f"http://{host}:{self._server.server_address[1]}"
        self.origin = address.rstrip("/") if address else own
        self.media_origin = self.origin

    def __enter__(self) -> Marketplace:
        serve = partial(self._server.serve_forever, poll_interval=0.02)
        threading.Thread(target=serve, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._closed.set()
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
        exchange = self.exchange(audio, sid)
        request = self.prepared(to, exchange, mode=mode, install=install, fields=fields)
        return exchange, [send(request) for _ in range(times)]

    def prepared(
        self,
        to: str,
        exchange: Exchange,
        *,
        mode: Mode,
        install: str,
        fields: Mapping[str, str] | None = None,
        token: str | None = None,
    ) -> Prepared:
        """The request of an exchange, signed under the account's token or another one; `fields` are
        named as the service names them."""
        callback = {self.names["callback"]: f"{self.origin}/callback/{exchange.sid}"}
        request = Shaper(token or self.auth_token, self.names).prepared(
            to, mode, {**callback, **(fields or {})}, exchange.audio, self.media_url(exchange)
        )
        told = {
            REQUEST_SID: exchange.sid,
            "X-Twilio-VendorAccountSid": self.account_sid,
            "X-Twilio-AddOnInstallSid": install,
        }
        return Prepared(request.url, {**request.headers, **told}, request.body)

    def exchange(self, audio: bytes, sid: str | None = None) -> Exchange:
        """The exchange of a request SID; without one, a new exchange."""
        sid = sid or "XR" + secrets.token_hex(16)
        return self.exchanges.setdefault(sid, Exchange(sid, audio))

    def media_url(self, exchange: Exchange) -> str:
        """The temporary address of its audio."""
        return f"{self.media_origin}/media/{exchange.sid}"

    def pause(self, seconds: float) -> None:
        """Wait so long, or until it is left."""
        self._closed.wait(seconds)

    def wait(self, exchange: Exchange, seconds: float) -> Callback | None:
        """The first result, or None where none came in time."""
        exchange.arrived.wait(seconds)
        return exchange.callbacks[0] if exchange.callbacks else None

    def wait_for_post(self, exchange: Exchange, seconds: float) -> bool:
        """True once a result was posted, taken or not; False where none came in time."""
        return exchange.posted.wait(seconds)

    def takes(self, authorization: str | None) -> bool:
        """True where a callback's Basic auth is the one that is expected (spec/protocol 1.8)."""
        if self.credentials is not None:
            return authorization == _basic(self.credentials)
        return authorization in (None, _basic(f"{self.account_sid}:{self.auth_token}"))


def _basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


class _Handler(BaseHTTPRequestHandler):
    """Serves the audio of known exchanges and takes their results; all else is answered 404."""

    market: ClassVar[Marketplace]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        exchange = self._exchange("media")
        if exchange is None:
            return
        exchange.fetches += 1
        self.send_response(200)
        self.send_header("Content-Type", "audio/x-wav")
        self.send_header("Content-Length", str(len(exchange.audio)))
        self.end_headers()
        self.wfile.write(exchange.audio)

    def do_POST(self) -> None:
        exchange = self._exchange("callback")
        if exchange is None:
            return
        self.market.was_called = True
        callback = Callback(
            self._body(),
            self.market.takes(self.headers.get("Authorization")),
            self.headers.get("Content-Type") or "",
            time.time(),
            self.path,
            dict(self.headers),
        )
        exchange.posts.append(callback)
        exchange.posted.set()
        reaction = self._reaction(exchange)
        self.market.pause(reaction.delay_s)
        if reaction.status is None or self._is_left():
            self.close_connection = True
            return
        callback.status = reaction.status
        if reaction.status == 200:
            exchange.callbacks.append(callback)
            exchange.arrived.set()
        self._empty(reaction.status, reaction.location)

    def _is_left(self) -> bool:
        """True where the client closed the connection, and would hear no answer."""
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)

    def _reaction(self, exchange: Exchange) -> Reaction:
        if exchange.reactions:
            return exchange.reactions.pop(0)
        return Reaction(self.market.answers.pop(0) if self.market.answers else 200)

    def _exchange(self, folder: str) -> Exchange | None:
        *_, given, sid = f"/{self.path.partition('?')[0]}".split("/")
        found = self.market.exchanges.get(sid) if given == folder else None
        if found is None:
            self._empty(404)
        return found

    def _body(self) -> bytes:
        if "chunked" not in (self.headers.get("Transfer-Encoding") or "").lower():
            size = min(int(self.headers.get("Content-Length") or 0), RESULT_LIMIT + 1)
            return self.rfile.read(size)
        body = b""
        while size := int(self.rfile.readline(100).partition(b";")[0], 16):
            if len(body) + size > RESULT_LIMIT + 1:
                self.close_connection = True
                return body
            body += self.rfile.read(size)
            self.rfile.readline(100)
        self.rfile.readline(100)
        return body

    def _empty(self, status: int, location: str | None = None) -> None:
        self.send_response(status)
        if location is not None:
            self.send_header("Location", location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        return
