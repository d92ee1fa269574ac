"""What a signature may cover, tried widely: an explanation for the operator, never an admission.

Nobody documents what a multipart signature covers (spec/protocol 3.2), and a proxy or PUBLIC_URL
may make a genuine request look forged. Every reading is tried with every spelling of the URL and
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
class Asked:
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
    def from_request(cls, public_url: str, environ: Mapping[str, Any], body: Body) -> Asked:
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
class Reading:
    """One hypothesis: a URL, and the fields that follow it in this order."""

    name: str
    url: str
    pairs: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """What is signed after the URL."""
        return "".join(name + value for name, value in self.pairs)


@dataclass(frozen=True)
class Spelling:
    """One way to write a URL; `differs` says how from PUBLIC_URL's, "" where it does not."""

    differs: str
    url: str


@dataclass(frozen=True)
class Match:
    """The reading, the spelling and the name of the secret that give a signature."""

    reading: Reading
    spelling: Spelling
    secret: str


def explanation(asked: Asked, signer: Signer) -> Match | None:
    """What the request's signature covers, or None where nothing that is known here does."""
    if not asked.signature:
        return None
    for reading in readings(asked):
        if len(text := reading.text) > MAX_SIGNED_CHARACTERS:
            continue
        for spelling in spellings(reading.url, asked.hosts):
            if secret := signer(spelling.url + text, asked.signature):
                return Match(reading, spelling, secret)
    return None


def readings(asked: Asked) -> list[Reading]:
    """Every hypothesis that differs from those before it, most likely first (spec/protocol 3.2)."""
    found: dict[tuple[str, str], Reading] = {}
    for reading in (*_of_fields(asked), *_of_hash(asked)):
        found.setdefault((reading.url, reading.text), reading)
    return list(found.values())


def _of_fields(asked: Asked) -> Iterator[Reading]:
    sent = asked.fields
    if sent is not None:
        yield Reading("text fields", asked.url, _signed(sent))
    yield Reading("no fields", asked.url)
    if sent is None:
        return
    if asked.file is not None:
        part, filename = asked.file
        yield Reading("fields and file name", asked.url, _signed([*sent, (part, filename)]))
        yield Reading("fields and empty file", asked.url, _signed([*sent, (part, "")]))
        yield Reading("file name only", asked.url, ((part, filename),))
    trimmed = [(name, value.strip()) for name, value in sent]
    yield Reading("fields, trimmed", asked.url, _signed(trimmed))
    yield Reading("fields but empty ones", asked.url, _signed(pair for pair in sent if pair[1]))
    yield Reading("fields as sent, unsorted", asked.url, sent)


def _of_hash(asked: Asked) -> Iterator[Reading]:
    """As JSON bodies are signed, where the query names no hash; without the hash where it does."""
    pairs = _signed(asked.fields or ())
    place = asked.url.partition("?")[0]
    query = [piece for piece in _query(asked.url) if not piece.startswith(f"{_HASH}=")]
    if asked.announces_hash:
        without = f"{place}?{'&'.join(query)}" if query else place
        yield Reading("fields, bodySHA256 removed", without, pairs)
        return
    hashed = f"{place}?{'&'.join([*query, f'{_HASH}={asked.body_sha256}'])}"
    yield Reading("bodySHA256 added", hashed)
    yield Reading("fields, bodySHA256 added", hashed, pairs)


def spellings(url: str, hosts: Iterable[str] = ()) -> list[Spelling]:
    """PUBLIC_URL's first, then with other schemes, ports, final slashes, and the hosts given."""
    scheme, _, rest = url.partition("://")
    authority, slash, target = rest.partition("/")
    path, mark, query = f"{slash}{target}".partition("?")
    ends: Labelled = [("", mark + query), *([("without query", "")] if mark else [])]
    found: dict[str, Spelling] = {}
    for where, tail, end in product(_origins(scheme, authority, hosts), _slashes(path), ends):
        for quote, full in _quotes(tail[1] + end[1]):
            differs = ", ".join(filter(None, (where[0], tail[0], end[0], quote)))
            spelled = Spelling(differs, where[1] + full)
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
