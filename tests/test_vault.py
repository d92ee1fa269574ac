from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from addon.errors import SettingsError
from addon.stored_documents import StoredDocument
from addon.vault import Vault


@dataclass(frozen=True)
class Secret(StoredDocument):
    KIND = "secret"

    text: str


TOKEN = Secret("refresh-token")


def test_a_document_comes_back_and_does_not_show():
    vault = Vault(["secret-1"], "notes")
    sealed = vault.encrypt(TOKEN, "session-1")
    assert vault.decrypt(Secret, sealed, "session-1") == TOKEN
    assert b"refresh-token" not in sealed
    assert sealed != vault.encrypt(TOKEN, "session-1")


def test_a_new_secret_in_front_still_decrypts_what_the_old_one_encrypted():
    old, rotated = Vault(["old"], "notes"), Vault(["new", "old"], "notes")
    assert rotated.decrypt(Secret, old.encrypt(TOKEN, "p"), "p") == TOKEN
    assert Vault(["new"], "notes").decrypt(Secret, rotated.encrypt(TOKEN, "p"), "p") == TOKEN


def test_nothing_is_decrypted_under_a_secret_that_is_gone():
    assert (
        Vault(["new"], "notes").decrypt(Secret, Vault(["old"], "notes").encrypt(TOKEN, "p"), "p")
        is None
    )


def test_a_document_does_not_decrypt_under_another_name():
    vault = Vault(["secret"], "notes")
    assert vault.decrypt(Secret, vault.encrypt(TOKEN, "session-1"), "session-2") is None


def test_any_change_and_any_cut_is_noticed():
    vault = Vault(["secret"], "notes")
    sealed = vault.encrypt(TOKEN, "p")
    for number in range(len(sealed)):
        changed = bytearray(sealed)
        changed[number] ^= 1
        assert vault.decrypt(Secret, bytes(changed), "p") is None
        assert vault.decrypt(Secret, sealed[:number], "p") is None
    assert vault.decrypt(Secret, None, "p") is None


def test_a_document_of_a_newer_release_is_not_read():
    @dataclass(frozen=True)
    class Newer(Secret):
        version: int = 99

    vault = Vault(["secret"], "notes")
    newer = Newer("x")
    assert json.loads(newer.to_json())["version"] == 99
    assert vault.decrypt(Secret, vault.encrypt(newer, "p"), "p") is None


def test_without_a_secret_there_is_no_vault():
    with pytest.raises(SettingsError, match="PLAYBACK_SECRETS"):
        Vault([], "notes")


def test_a_document_of_another_purpose_is_not_read():
    sealed = Vault(["secret"], "notes").encrypt(TOKEN, "p")
    assert Vault(["secret"], "letters").decrypt(Secret, sealed, "p") is None
