from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from addon.archive import message
from addon.archive.key_pairs import KeyPair
from addon.archive.keys import DecryptionKeys, EncryptionKeys
from addon.archive.manifest import new_signing_key
from addon.errors import KeyMissing, SettingsError

CONTEXT = {"object": "audio"}
LOCAL = bytes(range(32))


def sealed_for(encryption_keys: EncryptionKeys) -> bytes:
    return b"".join(message.encrypt([b"audio"], encryption_keys, CONTEXT))


def opened_by(decryption_keys: DecryptionKeys, sealed: bytes) -> bytes:
    return b"".join(message.decrypt([sealed], decryption_keys, CONTEXT))


def test_a_public_key_seals_and_only_its_private_half_opens(
    pair: KeyPair, encryption_keys: EncryptionKeys, decryption_keys: DecryptionKeys
) -> None:
    sealed = sealed_for(encryption_keys)
    assert opened_by(decryption_keys, sealed) == b"audio"
    assert encryption_keys.names == (pair.name,)
    with pytest.raises(KeyMissing):
        opened_by(DecryptionKeys(), sealed)


def test_a_missing_key_is_named(other_pair: KeyPair, encryption_keys: EncryptionKeys) -> None:
    sealed = sealed_for(encryption_keys + EncryptionKeys.local(LOCAL, "vault"))
    with pytest.raises(KeyMissing) as caught:
        opened_by(DecryptionKeys.of_private_keys([other_pair.private_pem]), sealed)
    assert encryption_keys.names[0] in caught.value.message
    assert "vault" in caught.value.message
    assert other_pair.name not in caught.value.message


def test_each_encryption_key_alone_opens(
    pair: KeyPair, other_pair: KeyPair, encryption_keys: EncryptionKeys
) -> None:
    both = EncryptionKeys.of_public_keys([pair.public_pem, other_pair.public_pem])
    sealed = sealed_for(both + EncryptionKeys.local(LOCAL))
    for opener in (
        DecryptionKeys.of_private_keys([pair.private_pem]),
        DecryptionKeys.of_private_keys([other_pair.private_pem]),
        DecryptionKeys.local(LOCAL),
    ):
        assert opened_by(opener, sealed) == b"audio"


def test_decryption_keys_together_open_what_each_opens(
    pair: KeyPair, encryption_keys: EncryptionKeys
) -> None:
    together = DecryptionKeys.local(LOCAL) + DecryptionKeys.of_private_keys([pair.private_pem])
    assert opened_by(together, sealed_for(encryption_keys)) == b"audio"
    assert opened_by(together, sealed_for(EncryptionKeys.local(LOCAL))) == b"audio"


def test_another_local_key_of_the_same_name_does_not_open() -> None:
    sealed = sealed_for(EncryptionKeys.local(LOCAL, "intake"))
    with pytest.raises(KeyMissing, match="intake"):
        opened_by(DecryptionKeys.local(bytes(32), "intake"), sealed)


def test_a_key_is_fetched_by_name_and_only_once(
    pair: KeyPair, encryption_keys: EncryptionKeys
) -> None:
    asked: list[str] = []

    def find(name: str) -> str | None:
        asked.append(name)
        return pair.private_pem

    decryption_keys = DecryptionKeys(find=find)
    for _ in range(3):
        assert opened_by(decryption_keys, sealed_for(encryption_keys)) == b"audio"
    assert asked == [pair.name]


def test_a_key_that_is_found_nowhere_is_missing(encryption_keys: EncryptionKeys) -> None:
    with pytest.raises(KeyMissing, match=encryption_keys.names[0]):
        opened_by(DecryptionKeys(find=lambda _name: None), sealed_for(encryption_keys))


def test_decryption_keys_know_whether_they_hold_anything(decryption_keys: DecryptionKeys) -> None:
    assert decryption_keys
    assert DecryptionKeys.of_private_keys([], ["arn:aws:kms:us-east-1:111122223333:key/a"])
    assert not DecryptionKeys(find=lambda _name: None)


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
        EncryptionKeys.of_public_keys([pem])


def test_nobody_is_no_encryption_key() -> None:
    with pytest.raises(SettingsError, match=r"^ARCHIVE_PUBLIC_KEYS"):
        EncryptionKeys.of_public_keys([])


@pytest.mark.parametrize("kind", ["text", "public", "ed25519"])
def test_what_is_no_private_key_is_refused_without_showing_it(kind: str, pair: KeyPair) -> None:
    pem = {"text": "topsecret", "public": pair.public_pem, "ed25519": new_signing_key()}[kind]
    with pytest.raises(SettingsError, match=r"^ARCHIVE_PRIVATE_KEYS") as caught:
        DecryptionKeys.of_private_keys([pem])
    assert pem not in str(caught.value)
