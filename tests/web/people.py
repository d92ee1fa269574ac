"""People in front of pages: a browser that keeps cookies, and ways to be signed in."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.test import TestResponse

from addon.playback.policy import LOCAL_ISSUER
from addon.web.context import EXTENSION, Context
from addon.web.sessions import SESSION_S

OWNER = {"iss": LOCAL_ISSUER, "sub": "owner", "name": "Owner of this machine"}


def context_of(app: Flask) -> Context:
    found: Context = app.extensions[EXTENSION]
    return found


@dataclass
class Browser:
    """A test client at the public URL; paths and our own absolute URLs are both understood."""

    app: Flask

    def __post_init__(self) -> None:
        self.client = self.app.test_client()
        self.origin = context_of(self.app).settings.public_url

    def get(self, url: str, **options: Any) -> TestResponse:
        return self.client.get(url.removeprefix(self.origin), base_url=self.origin, **options)

    def post(self, url: str, **options: Any) -> TestResponse:
        return self.client.post(url, base_url=self.origin, **options)

    def signed_in(self, claims: dict[str, Any] = OWNER) -> Browser:
        """This browser with a session of these claims."""
        token = context_of(self.app).sessions.start(claims)
        self.set_cookie("session", token, max_age=SESSION_S)
        return self

    def set_cookie(self, name: str, value: str, **options: Any) -> None:
        secure = self.origin.startswith("https:")
        host = urlsplit(self.origin).hostname or ""
        full = f"__Host-recordings-{name}" if secure else f"recordings-{name}"
        self.client.set_cookie(full, value, domain=host, secure=secure, **options)

    def through_issuer(self, begun: TestResponse) -> TestResponse:
        """From our redirect through the issuer's page and back to our callback."""
        return self.get(approved(begun.headers["Location"]))


def approved(url: str) -> str:
    """Where the issuer sends a browser that opens its page."""
    target = urlsplit(url)
    connection = http.client.HTTPConnection(target.netloc, timeout=5)
    try:
        connection.request("GET", f"{target.path}?{target.query}")
        answer = connection.getresponse()
        assert answer.status == 302, answer.read()
        return str(answer.headers["Location"])
    finally:
        connection.close()


def cookies_set(response: TestResponse) -> list[str]:
    return response.headers.getlist("Set-Cookie")
