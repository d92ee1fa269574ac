from __future__ import annotations

import pytest

from addon.archive import message
from addon.archive.keys import DecryptionKeys, EncryptionKeys
from addon.archive.layout import parse_header
from addon.archive.wrapping import key_name, local_name
from addon.errors import KeyMissing, SettingsError

CONTEXT = {"object": "audio"}
LOCAL = bytes(range(32))


def sealed_for(encryption_keys: EncryptionKeys) -> bytes:
    return b"".join(message.encrypt([b"audio"], encryption_keys, CONTEXT))


def test_a_local_name_tells_keys_apart() -> None:
    assert local_name(LOCAL) == local_name(LOCAL)
    assert local_name(LOCAL) != local_name(bytes(32))
    assert LOCAL.hex() not in local_name(LOCAL)


def test_a_name_from_a_header_cannot_forge_a_line_of_a_log() -> None:
    sealed = sealed_for(EncryptionKeys.local(LOCAL, "ok\nERROR all is lost"))
    with pytest.raises(KeyMissing) as caught:
        b"".join(message.decrypt([sealed], DecryptionKeys(), CONTEXT))
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_local_key_has_one_length(length: int) -> None:
    with pytest.raises(SettingsError, match="32 bytes"):
        EncryptionKeys.local(bytes(length), "intake")


def test_the_header_names_the_encryption_keys(encryption_keys: EncryptionKeys) -> None:
    header = parse_header(sealed_for(encryption_keys + EncryptionKeys.local(LOCAL, "vault")))
    assert {key.provider for key in header.sealed_keys} == {"addon-rsa", "addon-local"}
    assert {key_name(key) for key in header.sealed_keys} == {"vault", *encryption_keys.names}
