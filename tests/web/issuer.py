"""A small real OpenID Connect provider over HTTP: discovery, codes with PKCE, RS256 tokens.

It is as strict as RFC 6749, RFC 7636 and OpenID Connect Core ask it to be, and each of its answers
can be spoilt by a test (`spoil`). It can also be as careless as issuers are: `turn_key` with the
old key id or without any (`key_ids`), a clock that is `clock_s` ahead, answers after `slow_s`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID = "recordings"
CLIENT_SECRET = "a client's secret: with/odd+characters"

PERSON = {
    "sub": "person-1",
    "name": "Sam Rivera",
    "email": "sam@example.org",
    "email_verified": True,
    "groups": ["supervisor"],
}


@dataclass
class Issuer:
    """The provider, running. `person` is whoever signs in; `seen` every request to it."""

    person: dict[str, Any] = field(default_factory=lambda: dict(PERSON))
    secret: str | None = CLIENT_SECRET
    methods: tuple[str, ...] = ("client_secret_basic",)
    userinfo: dict[str, Any] | None = None
    spoil: dict[str, Callable[[dict[str, Any]], Any]] = field(default_factory=dict)
    asks: bool = False
    ends_sessions: bool = False
    clock_s: float = 0
    slow_s: float = 0
    key_ids: bool = True
    signed_out: list[dict[str, str]] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.key = first_key()
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.answer(self, "GET", b"")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                issuer.answer(self, "POST", body)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def turn_key(self, kid: str | None = None) -> None:
        """Sign with another key from now on, under a new key id where none is given."""
        self.key = RSAKey.generate_key(2048, {"kid": kid or secrets.token_hex(4), "use": "sig"})

    def answer(self, request: BaseHTTPRequestHandler, method: str, body: bytes) -> None:
        target = urlsplit(request.path)
        self.seen.append((method, target.path))
        time.sleep(self.slow_s)
        query = {name: values[0] for name, values in parse_qs(target.query).items()}
        if target.path == "/authorize":
            self._authorize(request, query)
            return
        if target.path == "/end":
            self._end_session(request, query)
            return
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        status, document = self._document(target.path, form, request)
        spoil = self.spoil.get(target.path)
        if spoil:
            document = spoil(document)
        if isinstance(document, tuple):
            status, headers, content = document
        else:
            headers, content = {"Content-Type": "application/json"}, json.dumps(document).encode()
        _send(request, status, headers, content)

    def _authorize(self, request: BaseHTTPRequestHandler, query: dict[str, str]) -> None:
        """Approve at once, or after a click where a person is to see a page."""
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert query["client_id"] == CLIENT_ID
        assert "openid" in query["scope"].split()
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        back = f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"
        if not self.asks:
            _send(request, 302, {"Location": back}, b"")
            return
        page = (
            "<!doctype html><title>Sign in</title><link rel=icon href=data:,>"
            f'<a href="{html.escape(back)}">Continue</a>'
        )
        _send(request, 200, {"Content-Type": "text/html"}, page.encode())

    def _end_session(self, request: BaseHTTPRequestHandler, query: dict[str, str]) -> None:
        """RP-Initiated Logout 1.0: the hint is a token of ours for this very client."""
        assert query["client_id"] == CLIENT_ID
        if hint := query.get("id_token_hint"):
            assert jwt.decode(hint, self.key, algorithms=["RS256"]).claims["aud"] == CLIENT_ID
        self.signed_out.append(query)
        back = f"{query['post_logout_redirect_uri']}?{urlencode({'state': query['state']})}"
        _send(request, 302, {"Location": back}, b"")

    def _document(
        self, path: str, form: dict[str, str], request: BaseHTTPRequestHandler
    ) -> tuple[int, Any]:
        if path == "/.well-known/openid-configuration":
            return 200, self._configuration()
        if path == "/keys":
            return 200, self.key_set()
        if path == "/token":
            return self._token(form, request.headers.get("Authorization"))
        if path == "/userinfo" and request.headers.get("Authorization") == "Bearer access":
            return 200, self.userinfo
        return 404, {}

    def key_set(self) -> dict[str, Any]:
        """The published keys: also one for encryption, one that nobody can read, and an older."""
        own = self.key.as_dict(private=False)
        encryption = {**own, "use": "enc"}
        keys = [{"kty": "later", "kid": own["kid"]}, encryption, older_key(), own]
        if not self.key_ids:
            for key in keys:
                key.pop("kid", None)
        return {"keys": keys}

    def _configuration(self) -> dict[str, Any]:
        document: dict[str, Any] = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "token_endpoint_auth_methods_supported": list(self.methods),
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        if self.ends_sessions:
            document["end_session_endpoint"] = f"{self.url}/end"
        if self.userinfo is not None:
            document["userinfo_endpoint"] = f"{self.url}/userinfo"
        return document

    def _token(self, form: dict[str, str], authorization: str | None) -> tuple[int, Any]:
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = encoded(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        right = (
            asked is not None
            and form.get("grant_type") == "authorization_code"
            and form.get("redirect_uri") == asked["redirect_uri"]
            and challenge == asked["code_challenge"]
            and self._client_is_right(form, authorization)
        )
        if not right:
            return 400, {"error": "invalid_grant"}
        assert asked is not None
        return 200, {
            "access_token": "access",
            "token_type": "Bearer",
            "id_token": self.id_token(nonce=asked["nonce"]),
        }

    def _client_is_right(self, form: dict[str, str], authorization: str | None) -> bool:
        if self.secret is None:
            return form.get("client_id") == CLIENT_ID and authorization is None
        if "client_secret_basic" not in self.methods:
            return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, self.secret)
        kind, _, value = (authorization or "").partition(" ")
        name, _, secret = base64.b64decode(value).decode().partition(":")
        given = (unquote(name), unquote(secret))
        return kind == "Basic" and given == (CLIENT_ID, self.secret)

    def id_token(self, *, alg: str = "RS256", key: Any = None, **changes: Any) -> str:
        """A signed token about the person; `changes` replace claims, None removes one."""
        now = int(time.time() + self.clock_s)
        claims = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            **self.person,
            **changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        key = key or self.key
        header = {"alg": alg, **({"kid": key.kid} if key.kid and self.key_ids else {})}
        return jwt.encode(header, claims, key, algorithms=[alg])

    def id_token_by_public_key(self, nonce: str) -> str:
        """The attack of RFC 8725 2.1: the public key used as the secret of an HMAC."""
        signed = ".".join(self.id_token(nonce=nonce).split(".")[1:2])
        head = encoded(json.dumps({"alg": "HS256", "kid": self.key.kid}).encode())
        message = f"{head}.{signed}"
        mac = hmac.digest(self.key.as_pem(private=False), message.encode(), "sha256")
        return f"{message}.{encoded(mac)}"


@cache
def first_key() -> RSAKey:
    """Made once a run: it takes a while."""
    return RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})


@cache
def _older_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "older", "use": "sig"})


def older_key() -> dict[str, Any]:
    """The public half of a key that signs nothing any more."""
    return dict(_older_key().as_dict(private=False))


def encoded(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _send(
    request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], content: bytes
) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content)
