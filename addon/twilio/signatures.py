"""Checks X-Twilio-Signature (spec/protocol 3) with the official SDK's HMAC.

The SDK computes. URL variants, choice of secret and comparison are made here, because the SDK's own
`validate` raises on what strangers send and compares in variable time. Nothing in a request raises
here, and no secret is used that the operator did not configure.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any
from urllib.parse import parse_qs, urlsplit

from twilio.request_validator import (
    HMAC_SHA1,
    HMAC_SHA256,
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
)
from werkzeug.datastructures import MultiDict

SHARED_KEY_ALGORITHMS = frozenset({HMAC_SHA256})
"""Algorithms that a settings header may name; SHA-1 is for the auth token (spec/protocol 3.3)."""

DEFAULT_PORTS = {"https": 443, "http": 80}

MAX_REORDERED = 3
"""Fields of a query whose every order is tried: six. Our own callbacks have two."""

Environ = Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """Result of a check. `secret` names the secret that matched, never holds it; `url` is the one
    that was signed."""

    valid: bool
    reason: str = ""
    secret: str = ""
    hypothesis: str = ""
    url: str = ""


@dataclass(frozen=True)
class _Secret:
    name: str
    validator: RequestValidator
    algorithm: str


class Verifier:
    """Checks requests against the account's tokens and the configured shared keys.

    `tokens` may be several while a token is rotated (spec/protocol 3.3). A signature over the URL
    alone is never accepted: it would leave every field to whoever has one (spec/protocol 3.2).
    """

    def __init__(
        self,
        tokens: Iterable[str],
        shared_keys: Mapping[str, str] | None = None,
        *,
        public_url: str,
    ) -> None:
        self._public_url = public_url.rstrip("/")
        # An empty secret would let anybody sign.
        self._tokens = [
            _Secret(f"auth token {number}", RequestValidator(token), HMAC_SHA1)
            for number, token in enumerate(filter(None, tokens), start=1)
        ]
        self._shared = {
            key: _Secret(f"shared key {key}", RequestValidator(secret), HMAC_SHA256)
            for key, secret in (shared_keys or {}).items()
            if secret
        }

    def check(
        self, environ: Environ, fields: MultiDict[str, str] | None, body_sha256: Callable[[], str]
    ) -> Verdict:
        """The verdict on one request; never raises.

        `fields` are the form's text fields, unstripped, or None for a body that is no form;
        `body_sha256` gives the hex digest of the body's raw bytes, and is asked where a signature
        may cover it.
        """
        signature = environ.get(wsgi_name(SIGNATURE_HEADER))
        if not signature:
            return Verdict(False, "no signature header")
        secrets = self._candidates(environ.get(wsgi_name(SIGNATURE_SETTINGS_HEADER)))
        if not secrets:
            return Verdict(False, "no secret for this signature's key and algorithm")
        url = public_request_url(self._public_url, environ)
        announced = _announced_hash(url)
        if announced is not None and not hmac.compare_digest(
            announced.lower().encode("utf-8", "replace"), body_sha256().lower().encode()
        ):
            return Verdict(False, "the body does not have the announced bodySHA256")
        # What may be signed with the URL, most likely first (spec/protocol 3.2).
        hypotheses = {"fields": fields, "body hash": None if announced is None else MultiDict()}
        for variant, (name, signed), secret in product(
            url_variants(url), hypotheses.items(), secrets
        ):
            if signed is not None and _matches(secret, variant, signed, signature):
                return Verdict(True, secret=secret.name, hypothesis=name, url=variant)
        return Verdict(False, "no secret gives this signature")

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of all secrets."""
        return tuple(secret.name for secret in self._all())

    def signer(self, text: str, signature: str) -> str | None:
        """The name of the secret under which a signature covers exactly `text`, or None.

        It explains and admits nothing, so secrets that the request did not name are tried too.
        """
        nothing: MultiDict[str, str] = MultiDict()
        matching = (each for each in self._all() if _matches(each, text, nothing, signature))
        return next((secret.name for secret in matching), None)

    def _all(self) -> list[_Secret]:
        return [*self._tokens, *self._shared.values()]

    def _candidates(self, settings: str | None) -> list[_Secret]:
        if settings is None or not settings.strip():
            return self._tokens
        named = _settings(settings)
        secret = self._shared.get(named.get("key", ""))
        if secret is None or named.get("algorithm", HMAC_SHA1) not in SHARED_KEY_ALGORITHMS:
            return []
        return [secret]


def public_request_url(public_url: str, environ: Environ) -> str:
    """The URL as Twilio knew it: the configured origin and the request line's own bytes.

    Werkzeug's `request.url` would decode and normalise (spec/protocol 3.1).
    """
    target = environ.get("REQUEST_URI") or environ.get("RAW_URI") or _composed(environ)
    if not target.startswith("/"):
        # absolute form (RFC 9112 3.2.2), or a stranger's attempt to move the host
        _, _, rest = target.partition("://")
        target = "/" + rest.partition("/")[2]
    return public_url.rstrip("/") + target


def split_url(url: str) -> tuple[str, str, str, str]:
    """Scheme, host with any user name, ":port" or "", and everything from the path on."""
    scheme, _, rest = url.partition("://")
    cut = min((rest.find(mark) for mark in "/?#" if mark in rest), default=len(rest))
    host, colon, port = rest[:cut].rpartition(":")
    if not colon or not port.isdigit():
        return scheme, rest[:cut], "", rest[cut:]
    return scheme, host, colon + port, rest[cut:]


def url_variants(url: str) -> list[str]:
    """Every spelling Twilio may have signed: with and without port, apostrophe raw and encoded, and
    a short query in other orders."""
    scheme, host, port, path = split_url(url)
    other = "" if port else f":{DEFAULT_PORTS.get(scheme, 443)}"
    quoted = path.replace("%27", "'"), path.replace("'", "%27")
    paths = dict.fromkeys((path, *quoted, *_reordered(path)))
    return [f"{scheme}://{host}{each}{tail}" for tail, each in product(paths, (port, other))]


def _reordered(path: str) -> list[str]:
    """A path with its query in every order, where it came sorted: it may have been signed unsorted.

    Only few fields are tried, each with a name of its own: then no order means anything else.
    """
    place, _, query = path.partition("?")
    pieces = query.split("&")
    names = {piece.partition("=")[0] for piece in pieces}
    if pieces != sorted(pieces) or not 1 < len(pieces) == len(names) <= MAX_REORDERED:
        return []
    return [f"{place}?{'&'.join(order)}" for order in permutations(pieces)]


def _composed(environ: Environ) -> str:
    query = environ.get("QUERY_STRING", "")
    path = f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}"
    return f"{path}?{query}" if query else path


def _matches(secret: _Secret, url: str, fields: MultiDict[str, str], signature: str) -> bool:
    try:
        expected = secret.validator.compute_signature(url, fields, secret.algorithm)
        given = signature.encode("latin-1")
    except (UnicodeError, TypeError, ValueError):
        return False
    return hmac.compare_digest(expected.encode("ascii"), given)


def _announced_hash(url: str) -> str | None:
    """The bodySHA256 field of the query, where there is one."""
    if "?" not in url:
        return None
    try:
        values = parse_qs(urlsplit(url).query, keep_blank_values=True).get("bodySHA256")
    except ValueError:
        return None
    return values[0] if values else None


def _settings(header: str) -> dict[str, str]:
    """`key=…,algorithm=…` taken apart; the first of a repeated name counts."""
    named: dict[str, str] = {}
    for part in header.split(","):
        name, _, value = part.partition("=")
        named.setdefault(name.strip(), value.strip())
    return named


def wsgi_name(header: str) -> str:
    """A header's key in a WSGI environ."""
    return "HTTP_" + header.upper().replace("-", "_")
