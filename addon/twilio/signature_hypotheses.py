"""Tries hypotheses of the text that a signature covers, to explain it to the operator.

Nobody documents what a multipart signature covers (spec/protocol 3.2), and a proxy or PUBLIC_URL
may make a genuine request look forged. Every hypothesis is tried with every variant of the URL and
every secret. A match here never lets a request in (that is `signatures`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from addon.twilio.multipart import Body
from addon.twilio.redaction import redacted_host
from addon.twilio.signatures import DEFAULT_PORTS, public_request_url, split_url

MAX_SIGNED_CHARACTERS = 64 * 1024
"""Hundreds of HMACs over more would keep a thread busy; a genuine request has a few hundred."""

_SCHEMES = {"https": "http", "http": "https"}

_HASH = "bodySHA256"

Signer = Callable[[str, str], str | None]
"""Gives the name of the secret under which a signature covers exactly a text, or None."""


@dataclass(frozen=True)
class SignedRequest:
    """The parts of a request that a signature may cover. `url` is the one Twilio probably used.

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
        """True where the query names the body's hash (spec/protocol 3.1)."""
        return any(piece.startswith(f"{_HASH}=") for piece in _query(self.url))


@dataclass(frozen=True)
class Hypothesis:
    """One hypothesis: a URL, and the fields that follow it in this order."""

    name: str
    url: str
    pairs: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """The fields as they are signed after the URL."""
        return "".join(name + value for name, value in self.pairs)


@dataclass(frozen=True)
class Match:
    """The hypothesis, URL and name of the secret that give a signature; `differs` is as in
    `variants_of`."""

    hypothesis: Hypothesis
    url: str
    differs: str
    secret: str


def explanation(signed: SignedRequest, signer: Signer) -> Match | None:
    """The text that the request's signature covers, or None where none that is known here does."""
    if not signed.signature:
        return None
    for hypothesis in hypotheses(signed):
        if len(text := hypothesis.text) > MAX_SIGNED_CHARACTERS:
            continue
        for url, differs in variants_of(hypothesis.url, signed.hosts).items():
            if secret := signer(url + text, signed.signature):
                return Match(hypothesis, url, differs, secret)
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
    """Signed as JSON bodies are, where the query names no hash; without the hash where it does."""
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


def variants_of(url: str, hosts: Iterable[str] = ()) -> dict[str, str]:
    """Ways to write a URL, PUBLIC_URL's first, each with how it differs from that: in scheme, host,
    port, final slash, query, or an apostrophe that one SDK signs encoded (spec/protocol 3.1)."""
    path, mark, query = split_url(url)[3].partition("?")
    slash = ("without final slash", path.rstrip("/")), ("with final slash", f"{path}/")
    paths = [("", path), slash[0] if path.endswith("/") else slash[1]]
    ends = [("", mark + query), ("without query", "")]
    quotes = [("", "'"), ("' as %27", "%27")]
    found: dict[str, str] = {}
    for origin, tail, end, quote in product(list(_origins(url, hosts)), paths, ends, quotes):
        differs = ", ".join(filter(None, (origin[0], tail[0], end[0], quote[0])))
        found.setdefault(origin[1] + (tail[1] + end[1]).replace("'", quote[1]), differs)
    return found


def _origins(url: str, hosts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Every scheme, host and port, with how it differs."""
    own, name, port, _ = split_url(url)
    named = [("", name + port), *((f"host {host}", host) for host in hosts)]
    for (differs, host), scheme in product(named, (own, _SCHEMES.get(own, own))):
        bare, default = split_url(f"{scheme}://{host}")[1], DEFAULT_PORTS.get(scheme, 443)
        for said, place in (
            ("", host),
            ("without port", bare),
            (f"port {default}", f"{bare}:{default}"),
        ):
            changed = ("" if scheme == own else scheme, differs, said)
            yield ", ".join(filter(None, changed)), f"{scheme}://{place}"


def _signed(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Sorted, each distinct value once (spec/protocol 3.1)."""
    return tuple(sorted(set(pairs)))


def _query(url: str) -> list[str]:
    return [piece for piece in url.partition("?")[2].split("&") if piece]
