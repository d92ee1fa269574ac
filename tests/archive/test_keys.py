from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from addon.archive import message
from addon.archive.key_pairs import KeyPair
from addon.archive.keys import Openers, Recipients
from addon.archive.manifest import new_signing_key
from addon.errors import KeyMissing, SettingsError

CONTEXT = {"object": "audio"}
LOCAL = bytes(range(32))


def sealed_for(recipients: Recipients) -> bytes:
    return b"".join(message.encrypt([b"audio"], recipients, CONTEXT))


def opened_by(openers: Openers, sealed: bytes) -> bytes:
    return b"".join(message.decrypt([sealed], openers, CONTEXT))


def test_a_public_key_seals_and_only_its_private_half_opens(
    pair: KeyPair, recipients: Recipients, openers: Openers
) -> None:
    sealed = sealed_for(recipients)
    assert opened_by(openers, sealed) == b"audio"
    assert recipients.names == (pair.name,)
    with pytest.raises(KeyMissing):
        opened_by(Openers(), sealed)


def test_a_missing_key_is_named(other_pair: KeyPair, recipients: Recipients) -> None:
    sealed = sealed_for(recipients + Recipients.local(LOCAL, "vault"))
    with pytest.raises(KeyMissing) as caught:
        opened_by(Openers.of_private_keys([other_pair.private_pem]), sealed)
    assert recipients.names[0] in caught.value.message
    assert "vault" in caught.value.message
    assert other_pair.name not in caught.value.message


def test_each_recipient_alone_opens(
    pair: KeyPair, other_pair: KeyPair, recipients: Recipients
) -> None:
    both = Recipients.of_public_keys([pair.public_pem, other_pair.public_pem])
    sealed = sealed_for(both + Recipients.local(LOCAL))
    for opener in (
        Openers.of_private_keys([pair.private_pem]),
        Openers.of_private_keys([other_pair.private_pem]),
        Openers.local(LOCAL),
    ):
        assert opened_by(opener, sealed) == b"audio"


def test_openers_together_open_what_each_opens(pair: KeyPair, recipients: Recipients) -> None:
    together = Openers.local(LOCAL) + Openers.of_private_keys([pair.private_pem])
    assert opened_by(together, sealed_for(recipients)) == b"audio"
    assert opened_by(together, sealed_for(Recipients.local(LOCAL))) == b"audio"


def test_another_local_key_of_the_same_name_does_not_open() -> None:
    sealed = sealed_for(Recipients.local(LOCAL, "intake"))
    with pytest.raises(KeyMissing, match="intake"):
        opened_by(Openers.local(bytes(32), "intake"), sealed)


def test_a_key_is_fetched_by_name_and_only_once(pair: KeyPair, recipients: Recipients) -> None:
    asked: list[str] = []

    def find(name: str) -> str | None:
        asked.append(name)
        return pair.private_pem

    openers = Openers(find=find)
    for _ in range(3):
        assert opened_by(openers, sealed_for(recipients)) == b"audio"
    assert asked == [pair.name]


def test_a_key_that_is_found_nowhere_is_missing(recipients: Recipients) -> None:
    with pytest.raises(KeyMissing, match=recipients.names[0]):
        opened_by(Openers(find=lambda _name: None), sealed_for(recipients))


def test_openers_know_whether_they_hold_anything(openers: Openers) -> None:
    assert openers
    assert Openers.of_private_keys([], ["arn:aws:kms:us-east-1:111122223333:key/a"])
    assert not Openers(find=lambda _name: None)


def weak() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
    return public(key)


def public(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> str:
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, info).decode()


@pytest.mark.parametrize("kind", ["empty", "text", "elliptic", "weak", "private"])
def test_what_is_no_public_key_is_refused_by_name(kind: str, pair: KeyPair) -> None:
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem = {
        "empty": "",
        "text": "nonsense",
        "elliptic": public(curve),
        "weak": weak(),
        "private": pair.private_pem,
    }[kind]
    with pytest.raises(SettingsError, match=r"^ARCHIVE_PUBLIC_KEYS"):
        Recipients.of_public_keys([pem])


def test_nobody_is_no_recipient() -> None:
    with pytest.raises(SettingsError, match=r"^ARCHIVE_PUBLIC_KEYS"):
        Recipients.of_public_keys([])


@pytest.mark.parametrize("kind", ["text", "public", "ed25519"])
def test_what_is_no_private_key_is_refused_without_showing_it(kind: str, pair: KeyPair) -> None:
    pem = {"text": "topsecret", "public": pair.public_pem, "ed25519": new_signing_key()}[kind]
    with pytest.raises(SettingsError, match=r"^ARCHIVE_PRIVATE_KEYS") as caught:
        Openers.of_private_keys([pem])
    assert pem not in str(caught.value)
