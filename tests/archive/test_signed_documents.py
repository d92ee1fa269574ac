"""Signed documents: only what was signed here, for this place and kind, is believed."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog

from addon.archive.signed_documents import DocumentSigner, derived_key, key_name
from addon.errors import KeyMissing, Tampered

KEY = bytes(range(32))
PLACE = "requests/XR1"
DOCUMENT: dict[str, Any] = {"version": 1, "answer": "delivered", "answered_at": 1.5, "é": [None]}
NOW = datetime(2026, 11, 26, tzinfo=UTC)

signer = DocumentSigner([KEY])
signed = signer.sign("outcome", PLACE, DOCUMENT)


def test_what_was_signed_is_given_back_as_it_was():
    assert signer.verified("outcome", PLACE, signed) == DOCUMENT
    assert signer.believed("outcome", PLACE, signed) == DOCUMENT


def test_an_older_release_reads_the_same_fields():
    document = json.loads(signed)
    assert document.items() >= DOCUMENT.items()
    assert document["mac"]["key"] == key_name(KEY)


def test_neither_the_key_nor_anything_that_follows_from_it_alone_is_stored():
    assert KEY.hex() not in signed.decode()
    assert KEY not in signed


def changed(change) -> bytes:
    document = json.loads(signed)
    change(document)
    return json.dumps(document).encode()


def plant(document, **mac):
    document["mac"] |= mac


PLANTED = {
    "changed": changed(lambda document: document.update(answer="refused")),
    "with a field more": changed(lambda document: document.update(added=1)),
    "with a field less": changed(lambda document: document.pop("answered_at")),
    "without a MAC": changed(lambda document: document.pop("mac")),
    "a MAC that is none": changed(lambda document: document.update(mac=None)),
    "a text for a MAC": changed(lambda document: document.update(mac="x")),
    "a list for a MAC": changed(lambda document: document.update(mac=[])),
    "an unknown key": changed(lambda document: plant(document, key="hmac-0")),
    "a key that is none": changed(lambda document: plant(document, key=None)),
    "a key of another type": changed(lambda document: plant(document, key=["x"])),
    "another algorithm": changed(lambda document: plant(document, algorithm="none")),
    "an empty MAC": changed(lambda document: plant(document, value="")),
    "half a MAC": changed(lambda document: plant(document, value=document["mac"]["value"][:20])),
    "a MAC of another type": changed(lambda document: plant(document, value=7)),
    "a MAC beyond ASCII": changed(lambda document: plant(document, value="é" * 44)),
    "of a key of their own": DocumentSigner([os.urandom(32)]).sign("outcome", PLACE, DOCUMENT),
    "another place": signer.sign("outcome", "requests/XR2", DOCUMENT),
    "another kind": signer.sign("API token", PLACE, DOCUMENT),
    "nothing": b"",
    "no JSON": b"\xff{",
    "no object": b"[1]",
    "a text": b'"x"',
    "a number that is none": signed.replace(b"1.5", b"NaN"),
    "a number too long": signed.replace(b"1.5", b"1" * 5000),
    "too deep": b"[" * 100_000,
    "half of it": signed[: len(signed) // 2],
}


@pytest.mark.parametrize("content", PLANTED.values(), ids=PLANTED)
def test_nothing_else_is_believed(content):
    with pytest.raises(Tampered):
        signer.verified("outcome", PLACE, content)
    assert signer.believed("outcome", PLACE, content) is None


@pytest.mark.parametrize("at", range(len(signed) - 1))
def test_any_bit_flipped_is_noticed_or_changes_nothing(at):
    flipped = signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1 :]
    found = signer.believed("outcome", PLACE, flipped)
    assert found is None or found == DOCUMENT


def test_what_is_not_believed_is_reported_once():
    watched = DocumentSigner([KEY])
    with structlog.testing.capture_logs() as lines:
        for _ in range(3):
            watched.believed("outcome", PLACE, b"{}")
            watched.believed("outcome", "requests/XR2", b"{}")
    assert [line["object"] for line in lines] == [PLACE, "requests/XR2"]
    assert all(line["alarm"] and line["log_level"] == "error" for line in lines)


def test_an_older_key_is_believed_and_the_newest_signs():
    newer = os.urandom(32)
    both = DocumentSigner([newer, KEY])
    assert both.verified("outcome", PLACE, signed) == DOCUMENT
    assert not both.is_current(signed)
    again = both.sign("outcome", PLACE, DOCUMENT)
    assert both.is_current(again)
    assert DocumentSigner([newer]).verified("outcome", PLACE, again) == DOCUMENT
    with pytest.raises(Tampered):
        signer.verified("outcome", PLACE, again)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"mac":1}'])
def test_what_is_no_signed_document_is_signed_by_no_current_key(content):
    assert not signer.is_current(content)


def test_unsigned_documents_are_believed_until_their_time_is_over():
    moment = [NOW]
    upgrading = DocumentSigner([KEY], unsigned_until=NOW + timedelta(days=1), now=lambda: moment[0])
    unsigned = json.dumps(DOCUMENT).encode()
    assert upgrading.verified("outcome", PLACE, unsigned) == DOCUMENT
    for planted in ("changed", "an unknown key", "another place", "no JSON", "no object"):
        with pytest.raises(Tampered):
            upgrading.verified("outcome", PLACE, PLANTED[planted])
    moment[0] += timedelta(days=1)
    with pytest.raises(Tampered, match="not signed"):
        upgrading.verified("outcome", PLACE, unsigned)


def test_without_a_key_nothing_is_signed_or_believed():
    with pytest.raises(KeyMissing, match="outcome"):
        DocumentSigner([]).sign("outcome", PLACE, DOCUMENT)
    assert DocumentSigner([]).believed("outcome", PLACE, signed) is None


def test_keys_that_follow_from_a_secret_differ_by_purpose_and_secret():
    made = {derived_key(secret, purpose) for secret in (b"a", b"b") for purpose in ("x", "y")}
    assert len(made) == 4
    assert all(len(key) == 32 for key in made)
    assert derived_key(b"a", "x") in made
