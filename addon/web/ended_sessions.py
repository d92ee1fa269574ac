"""Sessions that were ended, noted in the store: one that is put back into Redis stays ended.

A session is in Redis alone, and whoever can write to Redis could bring an ended one back for its
cookie. A note is signed, named by the cookie's hash as Redis names it, and goes when the session
would have ended by itself.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Self

from addon.archive.prefixes import ENDED_SESSIONS
from addon.archive.signed_documents import DocumentSigner, derived_key
from addon.archive.store import Store
from addon.bounded_cache import BoundedCache
from addon.errors import NotStored, Tampered
from addon.settings import Settings

KIND = "ended session"
"""How the MAC calls a note."""

KEPT_FOR = timedelta(hours=9)
"""An hour more than any session lives, for clocks that differ."""

ASKED_EVERY_S = 10.0
"""A page asks for its session with everything it loads; the store is asked so often."""

MAX_REMEMBERED = 4096


class EndedSessions:
    """The notes in one store. Every method raises StoreUnavailable."""

    def __init__(self, store: Store, signer: DocumentSigner) -> None:
        self._store = store
        self._signer = signer
        self._going_on: BoundedCache[str, bool] = BoundedCache(
            MAX_REMEMBERED, seconds=ASKED_EVERY_S
        )

    @classmethod
    def from_settings(cls, settings: Settings, store: Store) -> Self:
        """The notes of a deployment, signed with keys that follow from PLAYBACK_SECRETS."""
        keys = [derived_key(one.encode(), "sessions") for one in settings.playback_secrets]
        return cls(store, DocumentSigner(keys))

    def note(self, digest: str) -> None:
        """Note that the session of a cookie with this hash was ended, and forget older notes."""
        self._going_on.remove(digest)
        key, now = ENDED_SESSIONS + digest, datetime.now(UTC)
        document = {"version": 1, "ended_at": now.isoformat()}
        self._store.put(key, [self._signer.sign(KIND, key, document)], if_absent=False)
        for stat in self._store.list(ENDED_SESSIONS):
            if stat.modified < now - KEPT_FOR:
                self._store.delete(stat.key)

    def has(self, digest: str) -> bool:
        """True where it was ended; that it was not is believed for ASKED_EVERY_S."""
        if self._going_on.get(digest):
            return False
        key = ENDED_SESSIONS + digest
        try:
            if self._signer.believed(KIND, key, self._store.get(key)) is not None:
                return True
        except (NotStored, Tampered):  # Tampered: larger than any note
            pass
        self._going_on.put(digest, True)
        return False
