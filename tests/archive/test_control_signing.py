"""Signing what is not signed yet: everything once, from wherever a run was stopped."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime

import pytest

from addon.archive.control_signing import Signed, sign_all
from addon.archive.signed_documents import DocumentSigner
from addon.archive.store import Store

OLD, NEW = bytes(32), bytes(range(32))
signer = DocumentSigner([NEW, OLD], unsigned_until=datetime.max.replace(tzinfo=UTC))
PREFIXES = {
    "tokens/": Signed("API token", signer),
    "requests/": Signed("outcome", signer),
}
DOCUMENT = {"version": 1, "install": None}


@pytest.fixture(params=["directory", "bucket"])
def store(request: pytest.FixtureRequest) -> Store:
    found: Store = request.getfixturevalue(request.param)
    unsigned = json.dumps(DOCUMENT).encode()
    for key in ("requests/XR1", "requests/XR2", "tokens/a"):
        found.put(key, [unsigned])
    found.put("requests/XR3", [DocumentSigner([OLD]).sign("outcome", "requests/XR3", DOCUMENT)])
    found.put("requests/XR4", [signer.sign("outcome", "requests/XR4", DOCUMENT)])
    found.put("requests/XR5", [b"garbage"])
    found.put("requests/XR6", [DocumentSigner([os.urandom(32)]).sign("outcome", "x", DOCUMENT)])
    found.put("days/XD1/2026-01-01/000000-RE1", ())
    return found


def states(store: Store, after: str = "") -> dict[str, str]:
    found = sign_all(store, PREFIXES, after=after)
    return {f"{one.tenant}/{one.recording_id}": one.state for one in found}


def test_everything_unsigned_or_under_an_older_key_is_signed_with_the_newest(store: Store) -> None:
    assert states(store) == {
        "requests/XR1": "whole",
        "requests/XR2": "whole",
        "requests/XR3": "whole",
        "requests/XR4": "current",
        "requests/XR5": "bad",
        "requests/XR6": "bad",
        "tokens/a": "whole",
    }
    newest = DocumentSigner([NEW])
    for key in ("requests/XR1", "requests/XR2", "requests/XR3", "requests/XR4"):
        assert newest.verified("outcome", key, store.get(key)) == DOCUMENT
    assert newest.verified("API token", "tokens/a", store.get("tokens/a")) == DOCUMENT


def test_what_is_not_ours_stays_as_it_is(store: Store) -> None:
    states(store)
    assert store.get("requests/XR5") == b"garbage"


def test_running_again_changes_nothing(store: Store) -> None:
    states(store)
    before = {stat.key: stat.etag for stat in store.list()}
    assert set(states(store).values()) == {"current", "bad"}
    assert {stat.key: stat.etag for stat in store.list()} == before


@pytest.mark.parametrize(
    ("after", "left"),
    [("requests/XR2", 5), ("requests/XR6", 1), ("requests/", 7), ("tokens/a", 0), ("s", 1)],
)
def test_a_run_goes_on_behind_the_key_it_is_given(store: Store, after: str, left: int) -> None:
    assert len(states(store, after)) == left


def test_an_outcome_that_was_written_meanwhile_is_not_written_over(store, monkeypatch) -> None:
    get, newer = store.get, signer.sign("outcome", "requests/XR1", {"version": 1, "answer": "new"})

    def get_then_change(key: str) -> bytes:
        content = get(key)
        if key == "requests/XR1":
            store.put(key, [newer], if_absent=False)
        return content

    monkeypatch.setattr(store, "get", get_then_change)
    assert states(store)["requests/XR1"] == "current"
    monkeypatch.undo()
    assert store.get("requests/XR1") == newer
