"""Search texts: tidied, and encrypted where they may name a person."""

from __future__ import annotations

import pytest

from addon.errors import NotFound
from addon.vault import Vault
from addon.web import searches

VAULT = Vault(("new", "old"), "cookies")


def test_a_text_comes_back_and_is_not_to_be_read():
    written = searches.encrypted("Amira Haddad", VAULT)
    assert "Amira" not in written
    assert searches.decrypted(written, VAULT) == "Amira Haddad"
    assert searches.decrypted(searches.encrypted("x", Vault(("old",), "cookies")), VAULT) == "x"


@pytest.mark.parametrize("written", ["", "x", "é", "AAAA" * 30])
def test_what_was_not_encrypted_here_is_not_found(written):
    with pytest.raises(NotFound):
        searches.decrypted(written, VAULT)
    gone = searches.encrypted("x", Vault(("gone",), "cookies"))
    with pytest.raises(NotFound):
        searches.decrypted(gone, VAULT)


@pytest.mark.parametrize(
    ("text", "free"),
    [("RE12ab", True), ("CA" + "0" * 32, True), ("4711", False), ("Ada", False), ("AC", False)],
)
def test_only_sids_may_stand_in_an_address(text, free):
    assert searches.is_impersonal(text) == free


def test_a_text_is_printable_on_one_line_and_short():
    assert searches.tidied("  a\x00 b\n\tc ") == "a b c"
    assert len(searches.tidied("x" * 5000)) == searches.MAX_LENGTH
