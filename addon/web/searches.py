"""Search texts in addresses: a SID as it is, anything else encrypted.

People search for telephone numbers, names and words. An address ends in the logs of proxies and in
the history of browsers, so that such a text stands in it encrypted (`addon/vault.py`); whoever may
open the link sees the same list.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from addon.errors import NotFound
from addon.stored_documents import StoredDocument
from addon.vault import Vault

MAX_LENGTH = 100

_NAME = "search"
_SID_PART = re.compile(r"[A-Z]{2}[0-9a-f]{2,32}")


@dataclass(frozen=True)
class Search(StoredDocument):
    """A text that a person searched for."""

    KIND: ClassVar[str] = "search"

    text: str
    version: int = 1


def tidied(text: str) -> str:
    """A text as it is searched for: printable, on one line and of a sensible length."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split())[:MAX_LENGTH]


def is_impersonal(text: str) -> bool:
    """True for a SID or the beginning of one, which may stand in an address."""
    return _SID_PART.fullmatch(text) is not None


def encrypted(text: str, vault: Vault) -> str:
    """A search text for an address."""
    return vault.encrypt_text(Search(text), _NAME)


def decrypted(written: str, vault: Vault) -> str:
    """The text of `encrypted`. Raises NotFound for one under a secret that is gone."""
    found = vault.decrypt_text(Search, written, _NAME)
    if found is None:
        raise NotFound("This search is too old to be opened, or was changed")
    return found.text
