"""API tokens: for one install or for all, shown once, kept only as a hash.

A token has 256 random bits, so its plain hash cannot be guessed back: reading the store gives
nobody a token.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from addon import stored_documents
from addon.archive.names import checked_id
from addon.archive.prefixes import TOKENS
from addon.archive.store import Store
from addon.errors import NotStored, Unauthenticated, UnreadableDocument

VERSION = 1
"""Of the stored record."""

MARK = "rec_"
"""Before every token, so that scanners find one that was published by mistake."""

MAX_LENGTH = 128
NAME_LENGTH = 12
"""48 bits of the hash: enough to tell some thousand tokens apart, too few to try any."""


@dataclass(frozen=True)
class Token:
    """An API token's record. `install` None: every install. `name` is for people and logs."""

    name: str
    install: str | None
    label: str
    issued_at: str

    def admits(self, tenant: str) -> bool:
        """True where the holder may reach this tenant's recordings."""
        return self.install is None or self.install == tenant


class Tokens:
    """The tokens in one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def issue(self, install: str | None = None, label: str = "") -> tuple[str, Token]:
        """A new token's text, which cannot be had again, and its record.

        Raises NotStored for an impossible install, StoreUnavailable.
        """
        if install is not None:
            checked_id(install)
        text = MARK + secrets.token_urlsafe(32)
        digest = _digest(text)
        record: dict[str, Any] = {
            "version": VERSION,
            "install": install,
            "label": label,
            "issued_at": datetime.now(UTC).isoformat(),
        }
        self._store.put(TOKENS + digest, [json.dumps(record).encode() + b"\n"])
        return text, _token(digest, record)

    def find(self, text: str) -> Token:
        """The token of this text. Raises Unauthenticated, UnreadableDocument, StoreUnavailable."""
        if not text.startswith(MARK) or len(text) > MAX_LENGTH or not text.isascii():
            raise Unauthenticated("a valid token is needed")
        digest = _digest(text)
        try:
            return _token(digest, _record(self._store.get(TOKENS + digest)))
        except NotStored:
            raise Unauthenticated("a valid token is needed") from None

    def all(self) -> Iterator[Token]:
        """Every token that works, in no particular order."""
        for stat in self._store.list(TOKENS):
            yield _token(stat.key.removeprefix(TOKENS), _record(self._store.get(stat.key)))

    def revoke(self, name: str) -> None:
        """End a token at once, by its name or its text. Raises NotStored where there is none."""
        start = _digest(name) if name.startswith(MARK) else name
        keys = [stat.key for stat in self._store.list(TOKENS + start)] if start else []
        if len(keys) != 1:
            raise NotStored("there is no such token" if not keys else "several tokens begin so")
        self._store.delete(keys[0])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _record(body: bytes) -> dict[str, Any]:
    """The stored record. One that names no install is refused: None means every install."""
    record = stored_documents.parse(body, "API token", VERSION)
    if "install" not in record:
        raise UnreadableDocument("a stored document (API token) has no field 'install'")
    return record


def _token(digest: str, record: dict[str, Any]) -> Token:
    return Token(
        name=digest[:NAME_LENGTH],
        install=record["install"],
        label=record.get("label") or "",
        issued_at=record.get("issued_at") or "",
    )
