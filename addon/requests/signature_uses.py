"""Remembers every accepted signature with the request that it was for: it is good for one request.

A signature covers neither the headers, which name request, install and account, nor an uploaded
recording, and no boundaries between fields. So whoever holds one could send any recording to any
tenant. A use is kept as keyed digests: in Redis from before the request is accepted, in its intake
record, and in the store once it is finished. Decision 0308.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import redis

from addon import group_commit, stored_documents
from addon.archive.configured import control_signer
from addon.archive.prefixes import SIGNATURES
from addon.archive.signed_documents import DocumentSigner, derived_key
from addon.archive.store import Store
from addon.errors import AlreadyStored, NotStored, Tampered, UnreadableDocument
from addon.redis_commands import Script, execute
from addon.redis_errors import as_unavailable, ignoring_wrong_type
from addon.redis_keys import SIGNATURE_USE
from addon.requests.state import RETENTION_S
from addon.settings import Settings

KIND = "signature"
"""How errors and the MAC of the stored document call one."""

VERSION = 1

DIGEST_CHARACTERS = 32
"""Of a digest in hexadecimal: 128 bits, which nobody can make collide without the key."""

FORGET = Script("if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end")
"""KEYS[1] a signature, ARGV[1] the use that is forgotten, where it is this one."""

Verdict = Literal["new", "the same", "other audio", "another request"]


@dataclass(frozen=True)
class SignatureUse:
    """One use of a signature: keyed digests of it, of what was asked with it, and of the audio.

    `bound` says that the signature can belong to one request only.
    """

    signature: str
    request: str
    audio: str
    bound: bool

    @classmethod
    def of(
        cls, key: bytes, signature: str, request: Sequence[Any], audio: str, *, bound: bool
    ) -> Self:
        """The use of a signature for a request: `request` is JSON, `audio` a hash or address."""
        return cls(
            _digest(key, "signature", signature),
            _digest(key, "request", stored_documents.compact(request)),
            _digest(key, "audio", audio),
            bound,
        )

    @classmethod
    def from_document(cls, document: Any) -> Self | None:
        """As `vars` gives it; None for anything else: an older release kept none."""
        try:
            return stored_documents.instance(cls, document, KIND)
        except UnreadableDocument:
            return None

    def compared_with(self, earlier: SignatureUse) -> Verdict:
        """The verdict on this use after an earlier one of the same signature."""
        if self.request != earlier.request:
            return "another request"
        return "the same" if self.audio == earlier.audio else "other audio"


class SignatureUses:
    """The uses of accepted signatures, in Redis and in the store.

    `keys` are those of the digests, newest first; they follow from INTAKE_KEY.
    """

    def __init__(
        self,
        store: Store,
        keys: Sequence[bytes],
        signer: DocumentSigner,
        connection: redis.Redis,
    ) -> None:
        self.store = store
        self.keys = tuple(keys)
        self._signer = signer
        self._redis: Any = connection

    @classmethod
    def from_settings(cls, settings: Settings, store: Store, connection: redis.Redis) -> Self:
        """The uses that a deployment remembers."""
        keys = [derived_key(key, "signatures") for key in settings.intake_key]
        return cls(store, keys, control_signer(settings), connection)

    def reserve(self, use: SignatureUse, *older: SignatureUse) -> tuple[Verdict, bool]:
        """Remember a use before its request is accepted; the verdict, and whether it is bound.

        `older` are the same use under the older keys, which it may be remembered by.
        Redis is asked first and the store second, as `settle` writes them the other way round: no
        use can be missed between the two. Raises QueueUnavailable, StoreUnavailable.
        """
        for one in older:
            before = self._in_redis(one) or self._kept(one.signature)
            if before is not None:
                return one.compared_with(before), one.bound or before.bound
        known = self._reserve(use)
        if known is not None and use.compared_with(known) == "the same":
            return "the same", use.bound
        # Fields that are split anew may hide what the signature is bound by.
        asked = known is None or known.bound or use.bound
        kept = self._kept(use.signature) if asked else None
        if kept is not None and known is None:
            self._forget(use)
        earlier = kept or known
        if earlier is None:
            return "new", use.bound
        return use.compared_with(earlier), use.bound or earlier.bound

    def restore(self, use: SignatureUse | None) -> None:
        """Remember the use of an accepted request in Redis again, after it was lost there."""
        if use is not None:
            self._reserve(use)

    def settle(self, use: SignatureUse | None) -> None:
        """Keep the use of a finished request for good, and take it out of Redis.

        One that says nothing of a single request is left to end in Redis.
        """
        if use is None or not use.bound:
            return
        key = SIGNATURES + use.signature
        document = [self._signer.sign(KIND, key, {"version": VERSION, **vars(use)})]
        try:
            self.store.put(key, document, if_absent=True)
        except AlreadyStored:
            if self._kept(use.signature) is None:  # it is not ours, and says nothing
                self.store.put(key, document, if_absent=False)
        self._forget(use)

    def _reserve(self, use: SignatureUse) -> SignatureUse | None:
        """Keep a use in Redis where none is kept; the earlier one otherwise.

        What somebody else has put in its place is removed: it would let every use pass as new.
        """
        key = SIGNATURE_USE + use.signature
        with as_unavailable(), group_commit.shared_steps():
            while not execute(self._redis, "SET", key, _text(use), "NX", "EX", RETENTION_S):
                found = b""
                with ignoring_wrong_type():
                    found = execute(self._redis, "GET", key)
                if found is None:
                    continue  # it was settled in between
                if (earlier := _read(found)) is not None:
                    return earlier
                execute(self._redis, "DEL", key)
        return None

    def _in_redis(self, use: SignatureUse) -> SignatureUse | None:
        with as_unavailable(), ignoring_wrong_type():
            found = execute(self._redis, "GET", SIGNATURE_USE + use.signature)
            return None if found is None else _read(found)
        return None

    def _forget(self, use: SignatureUse) -> None:
        with as_unavailable():
            FORGET(self._redis, [SIGNATURE_USE + use.signature], [_text(use)])

    def _kept(self, signature: str) -> SignatureUse | None:
        key = SIGNATURES + signature
        try:
            content = self.store.get(key)
        except (NotStored, Tampered):  # Tampered: larger than any such document
            return None
        return SignatureUse.from_document(self._signer.believed(KIND, key, content))


def _digest(key: bytes, kind: str, text: str) -> str:
    digest = hmac.digest(key, f"{kind}\n{text}".encode("utf-8", "surrogatepass"), "sha256")
    return digest.hex()[:DIGEST_CHARACTERS]


def _read(text: bytes) -> SignatureUse | None:
    """The use that `_text` wrote; None for anything else that was put in its place."""
    try:
        return SignatureUse.from_document(json.loads(text))
    except (ValueError, RecursionError):
        return None


def _text(use: SignatureUse) -> str:
    return stored_documents.compact(vars(use))
