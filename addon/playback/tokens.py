"""API tokens: for one install or for all, shown once, kept only as a hash under a signed record.

Revoking one leaves a signed tombstone, so that a record that is put back opens nothing.

A token has 256 random bits, so its plain hash cannot be guessed back: reading the store gives
nobody a token. Writing to it does not either: a record that is not signed for its own place under
a key of `configured.token_signer` is no token.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Self, get_args

from addon import stored_documents
from addon.archive.configured import token_signer
from addon.archive.names import checked_id
from addon.archive.prefixes import REVOKED_TOKENS, TOKENS
from addon.archive.signed_documents import DocumentSigner, claimed_key
from addon.archive.store import Store
from addon.bounded_cache import BoundedCache
from addon.errors import Forbidden, NotStored, Tampered, Unauthenticated, UnreadableDocument
from addon.settings import Settings

VERSION = 2
"""Of the stored record: 2 has scopes or an expiry, which release 0.1.0 would pass over. A token
without either is written as version 1, so that both releases take it."""

KIND = "API token"
REVOKED_KIND = "revoked API token"
"""How errors and the signature call a record and a tombstone."""

Scope = Literal["read", "link", "erase", "webhooks"]

SCOPES: tuple[Scope, ...] = get_args(Scope)
"""What a token may be for."""

USUAL_SCOPES: tuple[Scope, ...] = ("read", "link", "erase")
"""What a token is for whose record names no scope: all that there was when such were written."""

MARK = "rec_"
"""Before every token, so that scanners find one that was published by mistake."""

MAX_LENGTH = 128
VALID_FOR_S = 5.0
"""The longest that a link outlives the token that made it."""

MAX_REMEMBERED = 4096
NAME_LENGTH = 12
"""48 bits of the hash: enough to tell some thousand tokens apart, too few to try any."""


@dataclass(frozen=True)
class Token:
    """An API token's record. `install` None: every install. `name` is for people and logs.

    `expires_at` None: it ends when it is revoked.
    """

    name: str
    install: str | None
    label: str
    issued_at: str
    scopes: tuple[str, ...] = USUAL_SCOPES
    expires_at: datetime | None = None

    def admits(self, tenant: str) -> bool:
        """True where the holder may reach this tenant's recordings."""
        return self.install is None or self.install == tenant

    def require(self, scope: Scope) -> None:
        """Raises Forbidden where the token is not for this scope."""
        if scope not in self.scopes:
            raise Forbidden(
                f"this token is not for {scope}, only for {', '.join(self.scopes) or 'nothing'}",
                remedy=f"Ask for one that is: flask tokens issue --scope {scope}.",
            )

    def has_expired(self, now: datetime) -> bool:
        """True where its time is over."""
        return self.expires_at is not None and self.expires_at <= now


class Tokens:
    """The tokens in one store."""

    def __init__(self, store: Store, signer: DocumentSigner) -> None:
        self._store = store
        self._signer = signer
        self._valid: BoundedCache[str, bool] = BoundedCache(MAX_REMEMBERED, seconds=VALID_FOR_S)

    @classmethod
    def from_settings(cls, settings: Settings, store: Store) -> Self:
        """The tokens of a deployment."""
        return cls(store, token_signer(settings))

    def issue(
        self,
        install: str | None = None,
        label: str = "",
        *,
        scopes: Iterable[Scope] = USUAL_SCOPES,
        expires_at: datetime | None = None,
    ) -> tuple[str, Token]:
        """A new token's text, which cannot be had again, and its record.

        Raises NotStored for an impossible install, KeyMissing without a key to sign with,
        StoreUnavailable.
        """
        if install is not None:
            checked_id(install)
        text = MARK + secrets.token_urlsafe(32)
        digest = _digest(text)
        record: dict[str, Any] = {
            "version": 1,
            "install": install,
            "label": label,
            "issued_at": datetime.now(UTC).isoformat(),
        }
        limits: dict[str, Any] = {}
        if set(scopes) != set(USUAL_SCOPES):
            limits["scopes"] = sorted(scopes)
        if expires_at is not None:
            limits["expires_at"] = expires_at.astimezone(UTC).isoformat()
        if limits:
            record |= {"version": VERSION, **limits}
        self._store.put(TOKENS + digest, [self._signer.sign(KIND, TOKENS + digest, record)])
        return text, _token(digest, record)

    def find(self, text: str) -> Token:
        """The token of this text. Raises Unauthenticated, UnreadableDocument, StoreUnavailable."""
        if not text.startswith(MARK) or len(text) > MAX_LENGTH or not text.isascii():
            raise Unauthenticated("a valid token is needed")
        token = self._stored(_digest(text))
        if token is None or token.has_expired(datetime.now(UTC)):
            raise Unauthenticated("a valid token is needed")
        return token

    def is_valid(self, name: str) -> bool:
        """True where a token of this name is neither revoked nor expired.

        Asked for each range of a link made with it, so the answer is kept for VALID_FOR_S. Raises
        StoreUnavailable.
        """
        return self._valid.get_or(name, lambda: self._is_valid(name))

    def _is_valid(self, name: str) -> bool:
        digests = (stat.key.removeprefix(TOKENS) for stat in self._store.list(TOKENS + name))
        tokens = (self._stored(digest) for digest in digests)
        now = datetime.now(UTC)
        return any(token is not None and not token.has_expired(now) for token in tokens)

    def all(self) -> Iterator[Token]:
        """Every token that is ours, also an expired one, in no particular order."""
        for stat in self._store.list(TOKENS):
            token = self._stored(stat.key.removeprefix(TOKENS))
            if token is not None:
                yield token

    def unsigned(self) -> Iterator[Token]:
        """The tokens without a signature that are believed: of release 0.1.0, or planted."""
        for stat in self._store.list(TOKENS):
            if claimed_key(self._store.get(stat.key)) is None:
                token = self._stored(stat.key.removeprefix(TOKENS))
                if token is not None:
                    yield token

    def revoke(self, name: str) -> None:
        """End a token at once, by its name or its text.

        Raises NotStored where there is none, KeyMissing without a key to sign its tombstone with.
        """
        start = _digest(name) if name.startswith(MARK) else name
        keys = [stat.key for stat in self._store.list(TOKENS + start)] if start else []
        if len(keys) != 1:
            raise NotStored("there is no such token" if not keys else "several tokens begin so")
        tombstone = REVOKED_TOKENS + keys[0].removeprefix(TOKENS)
        document = {"version": 1, "revoked_at": datetime.now(UTC).isoformat()}
        content = [self._signer.sign(REVOKED_KIND, tombstone, document)]
        self._store.put(tombstone, content, if_absent=False)
        self._store.delete(keys[0])

    def _stored(self, digest: str) -> Token | None:
        """The token of this hash; None where there is none, it was revoked, or it is not ours."""
        key = TOKENS + digest
        try:
            content = self._store.get(key)
        except (NotStored, Tampered):  # Tampered: larger than any record
            return None
        record = self._signer.believed(KIND, key, content)
        return None if record is None or self._was_revoked(digest) else _token(digest, record)

    def _was_revoked(self, digest: str) -> bool:
        key = REVOKED_TOKENS + digest
        try:
            content = self._store.get(key)
        except (NotStored, Tampered):  # Tampered: larger than any tombstone
            return False
        signed = claimed_key(content) is not None  # no release ever wrote one that is not
        return signed and self._signer.believed(REVOKED_KIND, key, content) is not None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _token(digest: str, record: dict[str, Any]) -> Token:
    """The token of a genuine record. One that names no install is refused: None means every one.

    Raises UnreadableDocument.
    """
    stored_documents.check_version(record, KIND, VERSION)
    if "install" not in record:
        raise UnreadableDocument(f"a stored document ({KIND}) has no field 'install'")
    expires_at = record.get("expires_at")
    return Token(
        name=digest[:NAME_LENGTH],
        install=record["install"],
        label=record.get("label") or "",
        issued_at=record.get("issued_at") or "",
        scopes=tuple(record.get("scopes", USUAL_SCOPES)),
        expires_at=None if expires_at is None else stored_documents.moment(expires_at, KIND),
    )
