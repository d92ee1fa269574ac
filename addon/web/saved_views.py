"""Saved views of the list: a name and an address of each, one encrypted document a viewer.

They lie in the store, because supervisors sit at other desks on other days; encrypted, because a
view's name may be a customer's. Two tabs that save at once: the later one wins.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from addon.archive.prefixes import SAVED_VIEWS
from addon.archive.store import Store
from addon.errors import NotStored
from addon.settings import Settings
from addon.stored_documents import StoredDocument
from addon.vault import Vault

MAX_VIEWS = 20
"""They stand above the list, each a link."""

MAX_NAME = 60
MAX_QUERY = 1500
"""Letters of a view's address; more than any that the page makes."""


@dataclass(frozen=True)
class SavedView:
    """A view by the name that its viewer gave it; `query` is its address behind /recordings?."""

    name: str
    query: str


@dataclass(frozen=True)
class Document(StoredDocument):
    """All saved views of a viewer, as pairs of name and query."""

    KIND: ClassVar[str] = "saved views"

    views: list[Any] = field(default_factory=list)
    version: int = 1


class SavedViews:
    """The saved views in one store. Every method raises StoreUnavailable."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    @classmethod
    def from_settings(cls, settings: Settings, store: Store) -> Self:
        """Those of a deployment. Raises SettingsError without PLAYBACK_SECRETS."""
        return cls(store, Vault(settings.playback_secrets, "saved views"))

    def of(self, viewer: str) -> list[SavedView]:
        """A viewer's views in the order of their names; none where the document does not open."""
        key = _key(viewer)
        try:
            document = self._vault.decrypt(Document, self._store.get(key), key)
        except NotStored:
            return []
        pairs = document.views if document else []
        return [SavedView(*map(str, pair)) for pair in pairs if len(pair) == 2]

    def save(self, viewer: str, view: SavedView) -> None:
        """Keep a view, in the place of one with the same name; the oldest names make room."""
        name = " ".join(view.name.split())[:MAX_NAME]
        if not name or len(view.query) > MAX_QUERY:
            return
        others = [one for one in self.of(viewer) if one.name != name]
        self._write(viewer, [*others, SavedView(name, view.query)][-MAX_VIEWS:])

    def remove(self, viewer: str, name: str) -> None:
        """Forget the view of this name."""
        self._write(viewer, [one for one in self.of(viewer) if one.name != name])

    def _write(self, viewer: str, views: Sequence[SavedView]) -> None:
        key = _key(viewer)
        if not views:
            self._store.delete(key)
            return
        document = Document([[one.name, one.query] for one in views])
        self._store.put(key, [self._vault.encrypt(document, key)], if_absent=False)


def _key(viewer: str) -> str:
    """A key that does not spell the viewer's name."""
    return SAVED_VIEWS + hashlib.sha256(viewer.encode()).hexdigest()
