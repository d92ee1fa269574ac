"""Documents of webhooks in the store: each encrypted and authenticated, bound to its own key.

The keys follow from those that sign the control objects, which web and workers both hold: the web
makes an endpoint's secret, and a worker signs with it. Whoever can only write to the store can make
no such document; what is not ours counts as absent and is named in the log.
"""

from __future__ import annotations

from typing import Self, TypeVar

from addon.archive.configured import control_keys
from addon.archive.planted import PlantedObjects
from addon.archive.store import Store
from addon.errors import NotStored, Tampered
from addon.settings import Settings
from addon.stored_documents import StoredDocument
from addon.vault import Vault

Kind = TypeVar("Kind", bound=StoredDocument)


class SealedDocuments:
    """Encrypted documents in one store."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self.store = store
        self._vault = vault
        self._planted = PlantedObjects()

    @classmethod
    def from_settings(cls, settings: Settings, store: Store) -> Self:
        """The documents of a deployment. Raises SettingsError without a key."""
        keys = [key.hex() for key in control_keys(settings)]
        return cls(store, Vault(keys, "webhooks", "INTAKE_KEY"))

    def put(self, key: str, document: StoredDocument, *, if_absent: bool = False) -> None:
        """Write a document. Raises AlreadyStored with `if_absent`, StoreUnavailable."""
        self.store.put(key, [self._vault.encrypt(document, key)], if_absent=if_absent)

    def get(self, kind: type[Kind], key: str) -> Kind | None:
        """The document under `key`; None where there is none, or what lies there is not ours.

        Raises StoreUnavailable.
        """
        try:
            content = self.store.get(key)
        except (NotStored, Tampered):  # Tampered: larger than any such document
            return None
        document = self._vault.decrypt(kind, content, key)
        if document is None:
            self._planted.report(key, f"the {kind.KIND} cannot be opened here")
        return document

    def encrypt_anew(self, kind: type[StoredDocument], prefix: str) -> int:
        """Encrypt what lies under a prefix with the newest key; how many. Raises StoreUnavailable.

        What cannot be opened is left as it is.
        """
        written = 0
        for stat in self.store.list(prefix):
            document = self.get(kind, stat.key)
            if document is not None:
                self.put(stat.key, document)
                written += 1
        return written
