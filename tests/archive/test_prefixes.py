"""Prefixes of the store: recordings outlive every release, so their values never change."""

from __future__ import annotations

from addon.archive import prefixes
from addon.archive.store import checked_prefix

RELEASED = {
    "RECORDINGS": "recordings/",
    "DAYS": "days/",
    "CALLS": "calls/",
    "IDS": "ids/",
    "AUDIT": "audit/",
    "EPOCH_KEYS": "keys/",
    "TOKENS": "tokens/",
    "INTAKE": "intake/",
    "RESULTS": "results/",
    "OUTCOMES": "requests/",
}
"""Those of release 0.1.0 that hold recordings, keys and requests."""

ALL = {name: value for name, value in vars(prefixes).items() if name.isupper()}


def test_released_prefixes_stay() -> None:
    assert RELEASED.items() <= ALL.items()


def test_no_prefix_is_part_of_another() -> None:
    values = sorted(ALL.values())
    assert not [(a, b) for a in values for b in values if a != b and b.startswith(a)]


def test_a_store_takes_each() -> None:
    for value in ALL.values():
        assert checked_prefix(value) == value
