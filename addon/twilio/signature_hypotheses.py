"""Hypotheses of the text that a signature covers, tried to explain it to the operator.

Nobody documents what a multipart signature covers (spec/protocol 3.2), and a proxy or PUBLIC_URL
may make a genuine request look forged. Every hypothesis is tried with every variant of the URL and
every secret; what is found here must never let a request in (that is `signatures`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from addon.twilio.multipart import Body
from addon.twilio.redaction import redacted_host
from addon.twilio.signatures import DEFAULT_PORTS, public_request_url

MAX_SIGNED_CHARACTERS = 64 * 1024
"""Hundreds of HMACs over more would keep a thread busy; a genuine request has a few hundred."""

_SCHEMES = {"https": "http", "http": "https"}

_HASH = "bodySHA256"

Signer = Callable[[str, str], str | None]
"""Gives the name of the secret under which a signature covers exactly a text, or None."""

Labelled = list[tuple[str, str]]
"""How a part of a URL differs from what is expected ("" where it does not), and that part."""


@dataclass(frozen=True)
class SignedRequest:
    """A request as far as signatures go. `url` is where we believe Twilio sent it.

    `hosts` are other names under which the request says it arrived; `body_sha256` is hex.
    """

    url: str
    signature: str
    fields: tuple[tuple[str, str], ...] | None
    file: tuple[str, str] | None
    body_sha256: str
    hosts: tuple[str, ...] = ()

    @classmethod
    def from_request(cls, public_url: str, environ: Mapping[str, Any], body: Body) -> SignedRequest:
        """A WSGI request and its parsed body, without anything of the recording."""
        headers = ("HTTP_HOST", "HTTP_X_FORWARDED_HOST")
        hosts = (redacted_host(str(environ.get(header) or "")) for header in headers)
        return cls(
            url=public_request_url(public_url, environ),
            signature=str(environ.get("HTTP_X_TWILIO_SIGNATURE") or ""),
            fields=None if body.form is None else tuple(body.form.items(multi=True)),
            file=None if body.audio is None else (body.audio.name, body.audio.filename or ""),
            body_sha256=body.sha256,
            hosts=tuple(dict.fromkeys(filter(None, hosts))),
        )

    @property
    def announces_hash(self) -> bool:
        """Whether the query names the body's hash (spec/protocol 3.1)."""
        return any(piece.startswith(f"{_HASH}=") for piece in _query(self.url))


@dataclass(frozen=True)
class Hypothesis:
    """One hypothesis: a URL, and the fields that follow it in this order."""

    name: str
    url: str
    pairs: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """What is signed after the URL."""
        return "".join(name + value for name, value in self.pairs)


@dataclass(frozen=True)
class UrlVariant:
    """One way to write a URL; `differs` says how from PUBLIC_URL's, "" where it does not."""

    differs: str
    url: str


@dataclass(frozen=True)
class Match:
    """The hypothesis, the variant and the name of the secret that give a signature."""

    hypothesis: Hypothesis
    variant: UrlVariant
    secret: str


def explanation(signed: SignedRequest, signer: Signer) -> Match | None:
    """What the request's signature covers, or None where nothing that is known here does."""
    if not signed.signature:
        return None
    for hypothesis in hypotheses(signed):
        if len(text := hypothesis.text) > MAX_SIGNED_CHARACTERS:
            continue
        for variant in variants_of(hypothesis.url, signed.hosts):
            if secret := signer(variant.url + text, signed.signature):
                return Match(hypothesis, variant, secret)
    return None


def hypotheses(signed: SignedRequest) -> list[Hypothesis]:
    """Every hypothesis that differs from those before, most likely first (spec/protocol 3.2)."""
    found: dict[tuple[str, str], Hypothesis] = {}
    for hypothesis in (*_of_fields(signed), *_of_hash(signed)):
        found.setdefault((hypothesis.url, hypothesis.text), hypothesis)
    return list(found.values())


def _of_fields(signed: SignedRequest) -> Iterator[Hypothesis]:
    sent = signed.fields
    if sent is not None:
        yield Hypothesis("text fields", signed.url, _signed(sent))
    yield Hypothesis("no fields", signed.url)
    if sent is None:
        return
    if signed.file is not None:
        part, filename = signed.file
        yield Hypothesis("fields and file name", signed.url, _signed([*sent, (part, filename)]))
        yield Hypothesis("fields and empty file", signed.url, _signed([*sent, (part, "")]))
        yield Hypothesis("file name only", signed.url, ((part, filename),))
    trimmed = [(name, value.strip()) for name, value in sent]
    yield Hypothesis("fields, trimmed", signed.url, _signed(trimmed))
    yield Hypothesis("fields but empty ones", signed.url, _signed(pair for pair in sent if pair[1]))
    yield Hypothesis("fields as sent, unsorted", signed.url, sent)


def _of_hash(signed: SignedRequest) -> Iterator[Hypothesis]:
    """As JSON bodies are signed, where the query names no hash; without the hash where it does."""
    pairs = _signed(signed.fields or ())
    place = signed.url.partition("?")[0]
    query = [piece for piece in _query(signed.url) if not piece.startswith(f"{_HASH}=")]
    if signed.announces_hash:
        without = f"{place}?{'&'.join(query)}" if query else place
        yield Hypothesis("fields, bodySHA256 removed", without, pairs)
        return
    hashed = f"{place}?{'&'.join([*query, f'{_HASH}={signed.body_sha256}'])}"
    yield Hypothesis("bodySHA256 added", hashed)
    yield Hypothesis("fields, bodySHA256 added", hashed, pairs)


def variants_of(url: str, hosts: Iterable[str] = ()) -> list[UrlVariant]:
    """PUBLIC_URL's first, then with other schemes, ports, final slashes, and the hosts given."""
    scheme, _, rest = url.partition("://")
    authority, slash, target = rest.partition("/")
    path, mark, query = f"{slash}{target}".partition("?")
    ends: Labelled = [("", mark + query), *([("without query", "")] if mark else [])]
    found: dict[str, UrlVariant] = {}
    for where, tail, end in product(_origins(scheme, authority, hosts), _slashes(path), ends):
        for quote, full in _quotes(tail[1] + end[1]):
            differs = ", ".join(filter(None, (where[0], tail[0], end[0], quote)))
            spelled = UrlVariant(differs, where[1] + full)
            found.setdefault(spelled.url, spelled)
    return list(found.values())


def _origins(scheme: str, authority: str, hosts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Every scheme, host and port, with how it differs."""
    named: Labelled = [("", authority), *((f"host {host}", host) for host in hosts)]
    for host, each in product(named, (scheme, _SCHEMES.get(scheme, scheme))):
        changed = "" if each == scheme else each
        for port, place in _ports(host[1], DEFAULT_PORTS.get(each, 443)):
            yield ", ".join(filter(None, (changed, host[0], port))), f"{each}://{place}"


def _ports(authority: str, default: int) -> Labelled:
    name, colon, port = authority.rpartition(":")
    bare = name if colon and port.isdigit() else authority
    written = f"{bare}:{default}"
    return [("", authority), ("without port", bare), (f"port {default}", written)]


def _slashes(path: str) -> Labelled:
    if path.endswith("/"):
        return [("", path), ("without final slash", path.rstrip("/"))]
    return [("", path), ("with final slash", f"{path}/")]


def _quotes(target: str) -> Labelled:
    """One SDK signs an apostrophe encoded (spec/protocol 3.1)."""
    encoded = [("' as %27", target.replace("'", "%27"))] if "'" in target else []
    return [("", target), *encoded]


def _signed(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Sorted, each distinct value once (spec/protocol 3.1)."""
    return tuple(sorted(set(pairs)))


def _query(url: str) -> list[str]:
    return [piece for piece in url.partition("?")[2].split("&") if piece]
