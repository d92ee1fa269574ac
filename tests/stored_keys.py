"""The prefixes of the store and the keys in Redis, as the code declares them."""

from __future__ import annotations

from types import ModuleType

from addon import redis_keys as keys
from addon.archive import prefixes


def declared(module: ModuleType) -> dict[str, str]:
    """Every declaration by its name."""
    return {name: value for name, value in vars(module).items() if name.isupper()}


def store_prefixes() -> set[str]:
    """Each prefix of the store: `intake/`."""
    return set(declared(prefixes).values())


def redis_keys() -> set[str]:
    """Each key in Redis, or its beginning, without a final colon: `ledger`."""
    return {value.rstrip(":") for value in declared(keys).values()}
