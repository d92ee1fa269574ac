"""Requests as the Marketplace sends them: built in each shape, signed, and sent.

It knows the protocol on its own account and shares no code with the side that is tested.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, Self
from urllib.parse import urlencode

import urllib3
from urllib3.filepost import encode_multipart_formdata

Mode = Literal["multipart", "url", "json"]
"""A request's shape: the audio itself, or its address in a form or in JSON (spec/protocol 1.2)."""

SEND_TIMEOUT_S = 60.0

MAX_ANSWER_BYTES = 1024 * 1024
"""More of an answer is not read: an error object has a hundred bytes."""

NAMES: Mapping[str, str] = MappingProxyType(
    {"callback": "callback", "audio": "audio-data", "audio_url": "URL"}
)
"""A name for each meaning; a publisher chooses its own when it lists the add-on."""

SIGNATURE = "X-Twilio-Signature"
REQUEST_SID = "X-Twilio-RequestSid"


@dataclass(frozen=True)
class Answer:
    """The service's answer to an invocation, and the seconds that it took."""

    status: int
    body: bytes
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Prepared:
    """A request that is ready to be sent."""

    url: str
    headers: Mapping[str, str]
    body: bytes

    def with_headers(self, **changed: str | None) -> Self:
        """The same with other headers, named with `_` for `-`; None leaves one out."""
        headers = {**self.headers, **{name.replace("_", "-"): v for name, v in changed.items()}}
        return replace(self, headers={name: v for name, v in headers.items() if v is not None})


@dataclass(frozen=True)
class Shaper:
    """Builds and signs requests to one service; `names` are its fields' (NAMES)."""

    token: str
    names: Mapping[str, str] = field(default_factory=lambda: NAMES)

    def prepared(
        self, to: str, mode: Mode, fields: Mapping[str, str], audio: bytes, media_url: str
    ) -> Prepared:
        """A request of a shape, its text fields named already; without any audio where neither
        bytes nor address are given."""
        if mode == "multipart":
            body, kind = multipart_body(fields, audio, self.names["audio"])
            return self._signed(to, fields, kind, body)
        if media_url:
            fields = {**fields, self.names["audio_url"]: media_url}
        if mode == "url":
            kind = "application/x-www-form-urlencoded"
            return self._signed(to, fields, kind, urlencode(fields).encode())
        return self.hashed(to, "application/json", json.dumps(fields).encode())

    def hashed(self, to: str, kind: str, body: bytes) -> Prepared:
        """A body of any kind, signed by its hash in the URL (spec/protocol 3.1)."""
        digest = hashlib.sha256(body).hexdigest()
        url = f"{to}{'&' if '?' in to else '?'}bodySHA256={digest}"
        return self._signed(url, {}, kind, body)

    def _signed(self, url: str, fields: Mapping[str, str], kind: str, body: bytes) -> Prepared:
        signature = sign(self.token, url, fields)
        return Prepared(url, {SIGNATURE: signature, "Content-Type": kind}, body)


def sign(token: str, url: str, fields: Mapping[str, str]) -> str:
    """A request's signature over its URL and its sorted fields (spec/protocol 3.1)."""
    text = url + "".join(name + fields[name] for name in sorted(fields))
    digest = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def multipart_body(
    fields: Mapping[str, str], audio: bytes, part: str = NAMES["audio"]
) -> tuple[bytes, str]:
    """A form with an audio part as the Marketplace sends it, and its content type."""
    given: dict[str, str | tuple[str, bytes, str]] = dict(fields)
    given[part] = ("recording.wav", audio, "audio/x-wav")
    return encode_multipart_formdata(given)


def send(
    request: Prepared, *, pieces: Iterable[bytes] | None = None, ca: str | None = None
) -> Answer:
    """Send it, in `pieces` of its body where these are given, and follow no redirect.

    `ca` is a file of certificate authorities. Raises urllib3's HTTPError where no answer comes.
    """
    started = time.monotonic()
    headers = {**request.headers, "Content-Length": str(len(request.body))}
    with urllib3.PoolManager(timeout=SEND_TIMEOUT_S, retries=False, ca_certs=ca) as pool:
        body = request.body if pieces is None else pieces
        with closing(
            pool.request(
                "POST",
                request.url,
                headers=headers,
                body=body,
                redirect=False,
                preload_content=False,
            )
        ) as response:
            text = response.read(MAX_ANSWER_BYTES)
            return Answer(response.status, text, time.monotonic() - started, dict(response.headers))


def fetch(url: str) -> bytes:
    """The body at an address, whatever its status. Raises urllib3's HTTPError."""
    with urllib3.PoolManager(timeout=SEND_TIMEOUT_S, retries=False) as pool:
        body: bytes = pool.request("GET", url).data
        return body
