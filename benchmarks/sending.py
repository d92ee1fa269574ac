"""Sends invocations over plain sockets from one thread, so that the sender costs little.

Each request is a genuine one: its own request SID, its own callback, and a signature over it. A
client with a thread for each connection took a fifth of the two cores that the server ran on.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import selectors
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from addon.commands.sending import multipart_body

TOKEN_BYTES = 12


def new_token() -> str:
    """A token for a request's callback: hexadecimal, of a length that all have."""
    return secrets.token_hex(TOKEN_BYTES)


class Template(NamedTuple):
    """A request in pieces: `head` up to the request SID, and what follows the callback's token.

    `before_token` and `after_token` are the signed text around that token.
    """

    port: int
    auth_token: str
    head: bytes
    form: bytes
    rest: bytes
    before_token: bytes
    after_token: bytes

    @classmethod
    def of(
        cls,
        port: int,
        path: str,
        auth_token: str,
        account: str,
        audio: bytes,
        *,
        callback: str = "https://x.twilio.com/cb/",
        seconds: float = 4.0,
    ) -> Template:
        """The request that uploads `audio` as the Marketplace does; its token ends the callback."""
        mark = "@" * 2 * TOKEN_BYTES
        fields = {"callback": callback + mark, "duration": str(int(seconds)), "channels": "2"}
        body, kind = multipart_body(fields, audio)
        form, _, rest = body.partition(mark.encode())
        signed = f"http://127.0.0.1:{port}{path}" + "".join(n + fields[n] for n in sorted(fields))
        before, _, after = signed.encode().partition(mark.encode())
        lines = [
            f"POST {path} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            f"Content-Type: {kind}",
            f"Content-Length: {len(body)}",
            f"X-Twilio-VendorAccountSid: {account}",
            f"X-Twilio-AddOnInstallSid: XD{'0' * 32}",
            "Connection: close",
            "X-Twilio-RequestSid: XR",
        ]
        return cls(port, auth_token, "\r\n".join(lines).encode(), form, rest, before, after)

    def request(self, text: str | None = None) -> bytes:
        """A whole request like no other, with this token or a new one."""
        token = (text or new_token()).encode()
        signed = self.before_token + token + self.after_token
        signature = base64.b64encode(hmac.digest(self.auth_token.encode(), signed, hashlib.sha1))
        sid = secrets.token_hex(16).encode()
        return b"%b%b\r\nX-Twilio-Signature: %b\r\n\r\n%b%b%b" % (
            *(self.head, sid, signature),
            *(self.form, token, self.rest),
        )


@dataclass
class Sender:
    """Requests under way, each on a connection of its own."""

    template: Template
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    @property
    def under_way(self) -> int:
        """The number of requests that are not answered yet."""
        return len(self._selector.get_map())

    def send(self, counted_from: float) -> None:
        """Begin a request; its time counts from `counted_from`."""
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(("127.0.0.1", self.template.port))
        unsent = memoryview(self.template.request())
        self._selector.register(sock, selectors.EVENT_WRITE, (counted_from, unsent))

    def answered(self, wait_s: float) -> Iterator[float]:
        """The milliseconds of each request that is answered within a time; raises SystemExit for
        one that is not accepted."""
        for key, _ in self._selector.select(max(0.0, wait_s)):
            sock, (counted_from, unsent) = key.fileobj, key.data
            assert isinstance(sock, socket.socket)
            if unsent:
                left = unsent[sock.send(unsent) :]
                wanted = selectors.EVENT_WRITE if left else selectors.EVENT_READ
                self._selector.modify(sock, wanted, (counted_from, left))
                continue
            answer = sock.recv(4096)
            if b" 202 " not in answer[:20]:
                raise SystemExit(f"not accepted: {answer[:80]!r}")
            self._selector.unregister(sock)
            sock.close()
            yield (time.monotonic() - counted_from) * 1000


def keep_under_way(template: Template, seconds: float, number: int) -> list[float]:
    """The times of as many requests as are answered with `number` under way."""
    sender = Sender(template)
    times: list[float] = []
    until = time.monotonic() + seconds
    for _ in range(number):
        sender.send(time.monotonic())
    while sender.under_way:
        for took in sender.answered(1.0):
            times.append(took)
            if (now := time.monotonic()) < until:
                sender.send(now)
    return times


def at_rate(template: Template, seconds: float, rate: float) -> list[float]:
    """The times of requests at a rate, whether or not the earlier ones are answered; a time counts
    from when the request was due."""
    sender = Sender(template)
    times: list[float] = []
    began = time.monotonic()
    due = [began + number / rate for number in range(int(seconds * rate))]
    due.reverse()
    while due or sender.under_way:
        while due and due[-1] <= time.monotonic():
            sender.send(due.pop())
        times += sender.answered(due[-1] - time.monotonic() if due else 1.0)
    return times
