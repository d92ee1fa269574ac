"""Diagnoses of the last signatures in monitor mode, which `flask signatures` lists.

They are kept in Redis and bounded, as they are of use for some days only. A diagnosis holds names
and lengths: never a value, a secret, or a signature that somebody could use.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Self

import redis
from redis.exceptions import RedisError

from addon import log, stored_documents
from addon.redis_keys import SIGNATURES_MATCHED, SIGNATURES_UNMATCHED
from addon.stored_documents import StoredDocument, instance
from addon.twilio.redaction import redacted_fields, redacted_url
from addon.twilio.signature_hypotheses import (
    Match,
    SignedRequest,
    explanation,
    hypotheses,
    variants_of,
)
from addon.twilio.signatures import Verdict, Verifier

KEPT = 100
"""Diagnoses of each kind. One has 3 kB, or 30 at most: 3 MB in all, and a dozen would do."""

LASTS_S = 7 * 24 * 3600
"""Long enough to hear back from Twilio's support; then nothing of it is left."""

SHOWN_OF_SIGNATURE = 6
"""Characters of 28: enough to tell two signatures apart, and of no use to sign a request."""

_BASE64 = re.compile(r"[A-Za-z0-9+/=]*")

logger = log.get("signatures")


@dataclass(frozen=True)
class Candidate:
    """A text that a signature may have covered, redacted, under its hypothesis' name; or a URL."""

    name: str
    redacted: str


@dataclass(frozen=True)
class Found:
    """Text that gives the signature; `url` says how the signed URL differs from PUBLIC_URL's."""

    covers: str
    url: str
    secret: str
    redacted: str


@dataclass(frozen=True)
class Diagnosis(StoredDocument):
    """Diagnosis of one request, `at` seconds since the epoch; `hosts` are from its headers.

    `body` is its kind, `body_hash` whether bodySHA256 is in the query, `signature` its length and
    first characters. Each of `candidates` was tried with each of `urls` and each of `secrets`.
    """

    KIND = "diagnosis"

    at: float
    request_sid: str
    body: str
    accepted: bool
    reason: str
    signature: str
    body_hash: str
    hosts: tuple[str, ...]
    secrets: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    urls: tuple[Candidate, ...]
    found: Found | None

    @classmethod
    def of(
        cls, signed: SignedRequest, verdict: Verdict, verifier: Verifier, **facts: Any
    ) -> Diagnosis:
        """Try all hypotheses, in a few milliseconds; `facts` are `at`, `request_sid` and `body`."""
        return cls(
            accepted=verdict.valid,
            reason=verdict.reason,
            signature=_beginning(signed.signature),
            body_hash="announced" if signed.announces_hash else "not announced",
            hosts=signed.hosts,
            secrets=verifier.secrets,
            candidates=tuple(
                Candidate(each.name, _canonical(each.url, each.pairs))
                for each in hypotheses(signed)
            ),
            urls=tuple(
                Candidate(differs, redacted_url(url))
                for url, differs in variants_of(signed.url, signed.hosts).items()
            ),
            found=_found(explanation(signed, verifier.signer)),
            **facts,
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """The diagnosis as this release or another wrote it. Raises UnreadableDocument."""
        values = stored_documents.parse(text, cls.KIND)
        for name in ("candidates", "urls"):
            tried = values.get(name, ())
            values[name] = tuple(instance(Candidate, each, cls.KIND) for each in tried)
        for name in ("hosts", "secrets"):
            values[name] = tuple(values.get(name, ()))
        if values.get("found"):
            values["found"] = instance(Found, values["found"], cls.KIND)
        return instance(cls, values, cls.KIND)


class SignatureDiagnostics:
    """The diagnoses kept in Redis: the last of each kind, newest first."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis: Any = connection

    def add(self, diagnosis: Diagnosis) -> None:
        """Store one, and drop those beyond KEPT. Never raises: no request may fail for it."""
        key = SIGNATURES_UNMATCHED if diagnosis.found is None else SIGNATURES_MATCHED
        try:
            with self._redis.pipeline() as pipe:
                pipe.lpush(key, diagnosis.to_json())
                pipe.ltrim(key, 0, KEPT - 1)
                pipe.expire(key, LASTS_S)
                pipe.execute()
        except RedisError as error:
            logger.warning("not diagnosed", kind=type(error).__name__)

    def all(self) -> list[Diagnosis]:
        """Both kinds by time, newest first. Raises RedisError."""
        keys = (SIGNATURES_MATCHED, SIGNATURES_UNMATCHED)
        lines = [line for key in keys for line in self._redis.lrange(key, 0, -1)]
        return sorted(map(Diagnosis.from_json, lines), key=lambda each: each.at, reverse=True)


def _found(match: Match | None) -> Found | None:
    if match is None:
        return None
    text = _canonical(match.url, match.hypothesis.pairs)
    return Found(match.hypothesis.name, match.differs, match.secret, text)


def _canonical(url: str, pairs: tuple[tuple[str, str], ...]) -> str:
    return f"{redacted_url(url)} | {redacted_fields(pairs)}".rstrip()


def _beginning(signature: str) -> str:
    if not signature:
        return "none"
    shown = signature[:SHOWN_OF_SIGNATURE]
    start = f", {shown}…" if _BASE64.fullmatch(shown) and len(signature) >= 28 else ""
    return f"{len(signature)} characters{start}"
