"""Tokens at rest: sealed, bound to their place, and readable through a rotation."""

from __future__ import annotations

import pytest

from addon.errors import KeyMissing, SettingsError, Tampered
from addon.ringcentral.vault import Vault


def test_what_is_sealed_opens_again_and_shows_nothing():
    vault = Vault(["secret-1"])
    sealed = vault.seal(b"refresh-token", "session-1")
    assert vault.open(sealed, "session-1") == b"refresh-token"
    assert b"refresh-token" not in sealed
    assert sealed != vault.seal(b"refresh-token", "session-1")


def test_it_opens_under_an_older_secret_and_seals_under_the_newest():
    old, rotated = Vault(["old"]), Vault(["new", "old"])
    assert rotated.open(old.seal(b"x", "p"), "p") == b"x"
    with pytest.raises(KeyMissing):
        old.open(rotated.seal(b"x", "p"), "p")


def test_a_secret_that_is_gone_is_named_as_the_reason():
    with pytest.raises(KeyMissing):
        Vault(["new"]).open(Vault(["old"]).seal(b"x", "p"), "p")


def test_a_text_moved_to_another_place_does_not_open():
    vault = Vault(["secret"])
    with pytest.raises(Tampered):
        vault.open(vault.seal(b"x", "session-1"), "session-2")


def test_no_changed_or_cut_byte_passes():
    vault = Vault(["secret"])
    sealed = vault.seal(b"token", "p")
    for number in range(len(sealed)):
        changed = bytearray(sealed)
        changed[number] ^= 1
        with pytest.raises((Tampered, KeyMissing)):
            vault.open(bytes(changed), "p")
        with pytest.raises((Tampered, KeyMissing)):
            vault.open(sealed[:number], "p")


def test_without_a_secret_nothing_is_kept():
    with pytest.raises(SettingsError, match="PLAYBACK_SECRETS"):
        Vault([])
