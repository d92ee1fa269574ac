"""Listeners' addresses as the access log holds them: an HMAC each, so that none is in the clear.

Equal addresses have equal names while the key stays, so an operator sees that two listeners shared
one. Whoever has the key can look an address up; whoever has only the log cannot try all addresses.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from functools import lru_cache

from addon.archive.configured import control_keys
from addon.archive.signed_documents import derived_key, key_name
from addon.settings import Settings

PURPOSE = "addresses of listeners"

LENGTH = 24
"""Hexadecimal digits, 96 bits: two addresses never share a name by chance."""

NAMED = 1024
"""Addresses whose name is not computed again: a listener's is needed with each range."""


class AddressNames:
    """Names of addresses under the newest key, and under every key given."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = keys
        self._newest = lru_cache(NAMED)(self._name)

    @classmethod
    def from_settings(cls, settings: Settings) -> AddressNames:
        """Under keys that follow from those of the access log: they turn with CONTROL_KEYS."""
        return cls([derived_key(key, PURPOSE) for key in control_keys(settings)])

    def of(self, address: str) -> str:
        """The name of an address under the newest key; without any key nothing is told of it."""
        return self._newest(address)

    def _name(self, address: str) -> str:
        return _name(self._keys[0], address) if self._keys else "not kept"

    def all_of(self, address: str) -> list[str]:
        """Its names under every key, the newest first."""
        return [_name(key, address) for key in self._keys]


def _name(key: bytes, address: str) -> str:
    """The last part of the key's name, and the HMAC."""
    value = hmac.digest(key, address.strip().lower().encode("utf-8", "replace"), "sha256")
    return f"{key_name(key)[-4:]}:{value.hex()[:LENGTH]}"
