"""What is stored already is held against the keys of now."""

from __future__ import annotations

from addon.archive.opening import open_store
from addon.archive.prefixes import INTAKE
from addon.playback.tokens import Tokens
from addon.requests.intake_store import IntakeStore

OTHER_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
SID = "XR" + "1" * 32


def test_requests_that_wait_for_another_intake_key_are_counted(deployment, settings, tmp_path):
    store = open_store((tmp_path / "var/archive").as_uri())
    IntakeStore.from_settings(settings, store).accept(SID, "flex", "{}")
    subject = "requests that wait"
    assert deployment.found(subject) == []
    (found,) = deployment.found(subject, INTAKE_KEY=OTHER_KEY)
    assert found.startswith("wrong: 1 accepted requests wait for another INTAKE_KEY, of 1 that")


def test_a_record_that_is_damaged_stops_no_release(deployment, tmp_path):
    store = open_store((tmp_path / "var/archive").as_uri())
    store.put(INTAKE + SID, [b"no record"])
    (found,) = deployment.found("requests that wait")
    assert found.startswith("warning: 1 intake records are damaged")


def test_tokens_that_open_nothing_are_counted(deployment, settings, tmp_path):
    store = open_store((tmp_path / "var/archive").as_uri())
    Tokens.from_settings(settings, store).issue()
    assert deployment.found("API tokens") == []
    (found,) = deployment.found(
        "API tokens", PLAYBACK_SECRETS="another secret, as long as it must be"
    )
    assert found.startswith("wrong: 1 API tokens open nothing")


def test_a_catalogue_of_another_key_is_wrong(deployment):
    assert deployment.found("catalogue") == []
    (found,) = deployment.found("catalogue", CATALOGUE_KEY=OTHER_KEY)
    assert found.startswith("wrong: ") and "CATALOGUE_KEY" in found
