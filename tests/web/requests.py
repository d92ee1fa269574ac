"""Invocations as different senders word them, signed with code of the tests' own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import ACCOUNT, PUBLIC_URL, TOKEN

PATH = "/recording-analysis"
INSTALL = "XD" + "33" * 16
CALLBACK = "https://marketplace.example.com/v1/cb/XRabc?x=1"

Fields = Sequence[tuple[str, str]]


def signature(url: str, fields: Fields = (), token: str = TOKEN) -> str:
    values: dict[str, set[str]] = {}
    for name, value in fields:
        values.setdefault(name, set()).add(value)
    text = url + "".join(name + value for name in sorted(values) for value in sorted(values[name]))
    digest = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def new_sid() -> str:
    return "XR" + secrets.token_hex(16)


@dataclass
class Shape:
    """One way to send an invocation; `post` signs it and sends it."""

    body: bytes
    content_type: str
    signed: Fields = ()
    path: str = PATH
    headers: dict[str, str] = field(default_factory=dict)

    def post(
        self,
        client: FlaskClient,
        sid: str | None,
        *,
        sign: str | None = None,
        unsigned: bool = False,
        **headers: str,
    ) -> TestResponse:
        sent = {"X-Twilio-VendorAccountSid": ACCOUNT, "X-Twilio-AddOnInstallSid": INSTALL}
        if sid is not None:
            sent["X-Twilio-RequestSid"] = sid
        if not unsigned:
            sent["X-Twilio-Signature"] = sign or signature(PUBLIC_URL + self.path, self.signed)
        sent |= self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        return client.post(self.path, data=self.body, content_type=self.content_type, headers=sent)


def multipart(fields: Fields, audio: bytes | None, *, name: str, filename: str | None) -> Shape:
    boundary = "bndry" + secrets.token_hex(4)
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields
    ]
    if audio is not None:
        file = f'; filename="{filename}"' if filename else ""
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n'
        kind = "Content-Type: audio/x-wav\r\n" if filename else ""
        parts.append(f"{head}{kind}\r\n".encode() + audio + b"\r\n")
    body = b"".join(parts) + f"--{boundary}--\r\n".encode()
    return Shape(body, f"multipart/form-data; boundary={boundary}", fields)


def first_sample(audio: bytes) -> Shape:
    """The public sample add-on's own spelling (spec/protocol 1.2)."""
    fields = [("callback", CALLBACK), ("channels", "2"), ("duration", "4")]
    return multipart(
        [*fields, ("format", "audio/x-wav")], audio, name="audio-data", filename="a.wav"
    )


def second_partner(audio: bytes) -> Shape:
    """Underscores, milliseconds, and a customer's own fields."""
    fields = [("callback_url", CALLBACK), ("channels", "2"), ("duration", "6000")]
    fields += [("request_sid", ""), ("source_language", "de"), ("media_sid", "RE" + "4c" * 16)]
    return multipart(fields, audio, name="audio_data", filename="b.wav")


def documented(audio: bytes) -> Shape:
    """The names of the documentation's own table."""
    fields = [("Duration", "1000"), ("Channels", "2"), ("SampleRate", "8000")]
    return multipart([*fields, ("Callback", CALLBACK)], audio, name="AudioData", filename="c.wav")


def without_filename(audio: bytes) -> Shape:
    return multipart([("callback", CALLBACK)], audio, name="audio-data", filename=None)


def url_only(url: str = "https://media.twilio.com/temporary/abc?k=1") -> Shape:
    fields = [("URL", url), ("callback", CALLBACK), ("duration", "4")]
    return Shape(urlencode(fields).encode(), "application/x-www-form-urlencoded", fields)


def json_body(url: str = "https://media.twilio.com/temporary/abc?k=1") -> Shape:
    body = json.dumps({"url": url, "callback": CALLBACK, "channels": 2, "own": {"a": 1}}).encode()
    digest = hashlib.sha256(body).hexdigest()
    return Shape(body, "application/json", path=f"{PATH}?bodySHA256={digest}")
