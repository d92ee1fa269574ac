from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from addon.errors import KeyMissing, Tampered, UnreadableAudio
from addon.twilio.encrypted_media import EncryptionDetails, content_key, decrypted
from addon.twilio.recordings import Recordings
from tests.twilio.standin import StandIn, wav

CR = "CR" + "77" * 16
KEY = bytes(range(32))
IV = bytes(range(0x64, 0x70))
PLAIN = b"RIFF" + (36).to_bytes(4, "little") + b"WAVEfmt demo"
FILE = base64.b64decode("GlKYIF3pVp5pIwmtvAge3Sana2UznRcAuixRoi0luYvD6N7W")
SPELLINGS = [
    ("public_key_sid", "encrypted_cek", "iv"),
    ("encryption_public_key_sid", "encryption_cek", "iv"),
    ("encryption_public_key_sid", "encryption_cek", "encryption_iv"),
]


class Spool(io.BytesIO):
    """Remembers what was in it when it was closed."""

    opened: list[Spool]

    def __init__(self) -> None:
        super().__init__()
        Spool.opened.append(self)


@pytest.fixture(autouse=True)
def fresh() -> None:
    Spool.opened = []


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


@pytest.fixture(scope="module")
def private() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def wrapped(private: rsa.RSAPrivateKey, key: bytes = KEY, mgf: Any = SHA256) -> bytes:
    oaep = padding.OAEP(padding.MGF1(mgf()), SHA256(), None)
    return private.public_key().encrypt(key, oaep)


def details(
    private: rsa.RSAPrivateKey, names: tuple[str, str, str] = SPELLINGS[0]
) -> dict[str, str]:
    values = (CR, base64.b64encode(wrapped(private)).decode(), base64.b64encode(IV).decode())
    return {"type": "rsa-aes", **dict(zip(names, values, strict=True))}


def open_all(blocks: list[bytes]) -> bytes:
    with decrypted(blocks, KEY, IV, spool=Spool) as plain:
        return b"".join(plain)


class TestDetails:
    @pytest.mark.parametrize("names", SPELLINGS)
    @pytest.mark.parametrize("as_text", [True, False])
    def test_details_are_read_in_every_spelling_as_text_and_as_object(
        self, private: rsa.RSAPrivateKey, names: tuple[str, str, str], as_text: bool
    ) -> None:
        given = details(private, names)
        parsed = EncryptionDetails.parse(json.dumps(given) if as_text else given)
        assert (parsed.key_sid, parsed.iv, len(parsed.wrapped_key)) == (CR, IV, 256)
        assert content_key(parsed, {CR: pem(private)}) == KEY

    def test_details_may_lack_the_scheme(self, private: rsa.RSAPrivateKey) -> None:
        given = details(private)
        del given["type"]
        assert EncryptionDetails.parse(given).key_sid == CR

    def test_details_of_another_scheme_are_refused(self, private: rsa.RSAPrivateKey) -> None:
        with pytest.raises(UnreadableAudio, match="scheme"):
            EncryptionDetails.parse({**details(private), "type": "rsa-chacha"})

    @pytest.mark.parametrize(
        "change",
        [
            {"iv": None},
            {"iv": "!!!"},
            {"iv": "ZGVm"},
            {"iv": "ä"},
            {"public_key_sid": ""},
            {"public_key_sid": "CR\n"},
            {"encrypted_cek": "AA=A"},
            {"encrypted_cek": 7},
            {"encryption_iv": "YWJjZGVmZ2hpamts"},
        ],
    )
    def test_details_that_are_not_whole_or_contradict_themselves_are_refused(
        self, private: rsa.RSAPrivateKey, change: dict[str, Any]
    ) -> None:
        with pytest.raises(UnreadableAudio):
            EncryptionDetails.parse({**details(private), **change})

    @pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "[" * 100_000])
    def test_details_that_are_no_object_are_refused(self, text: str) -> None:
        with pytest.raises(UnreadableAudio):
            EncryptionDetails.parse(text)


class TestContentKey:
    def test_a_content_key_is_opened_by_the_key_of_its_sid_only(
        self, private: rsa.RSAPrivateKey
    ) -> None:
        parsed = EncryptionDetails.parse(details(private))
        other = rsa.generate_private_key(65537, 2048)
        with pytest.raises(KeyMissing, match=CR):
            content_key(parsed, {"CR" + "88" * 16: pem(private)})
        with pytest.raises(KeyMissing, match=CR):
            content_key(parsed, {CR: pem(other)})

    @pytest.mark.parametrize("text", ["", "not a PEM"])
    def test_a_content_key_is_not_opened_by_what_is_no_key(
        self, private: rsa.RSAPrivateKey, text: str
    ) -> None:
        with pytest.raises(KeyMissing, match=CR):
            content_key(EncryptionDetails.parse(details(private)), {CR: text})

    def test_a_content_key_is_not_opened_by_a_key_of_another_kind(
        self, private: rsa.RSAPrivateKey
    ) -> None:
        curve = pem(ec.generate_private_key(ec.SECP256R1()))
        with pytest.raises(KeyMissing, match=CR):
            content_key(EncryptionDetails.parse(details(private)), {CR: curve})

    def test_a_content_key_wrapped_with_sha1_masks_is_not_accepted(
        self, private: rsa.RSAPrivateKey
    ) -> None:
        parsed = EncryptionDetails(CR, wrapped(private, mgf=SHA1), IV)
        with pytest.raises(KeyMissing):
            content_key(parsed, {CR: pem(private)})

    def test_a_content_key_of_a_wrong_length_is_refused(self, private: rsa.RSAPrivateKey) -> None:
        parsed = EncryptionDetails(CR, wrapped(private, KEY[:16]), IV)
        with pytest.raises(Tampered, match="length"):
            content_key(parsed, {CR: pem(private)})

    def test_a_content_key_stays_out_of_a_repr(self, private: rsa.RSAPrivateKey) -> None:
        parsed = EncryptionDetails(CR, b"wrapped-bytes", IV)
        assert "wrapped-bytes" not in repr(parsed)


class TestDecryption:
    @pytest.mark.parametrize("step", [1, 5, 15, 16, 17, 20, 35, 36])
    def test_decryption_gives_the_audio_without_the_tag_however_the_blocks_fall(
        self, step: int
    ) -> None:
        blocks = [FILE[at : at + step] for at in range(0, len(FILE), step)]
        assert open_all(blocks) == PLAIN

    def test_decryption_of_a_long_recording_is_whole(self) -> None:
        sound = wav() * 100
        sealed = AESGCM(KEY).encrypt(IV, sound, None)
        blocks = [sealed[at : at + 65536] for at in range(0, len(sealed), 65536)]
        assert open_all(blocks) == sound

    @pytest.mark.parametrize("at", [0, 19, 20, 35])
    def test_decryption_of_a_changed_byte_gives_nothing_at_all(self, at: int) -> None:
        changed = bytearray(FILE)
        changed[at] ^= 1
        with (
            pytest.raises(Tampered, match="tag"),
            decrypted([bytes(changed)], KEY, IV, spool=Spool),
        ):
            pytest.fail("unverified audio was handed out")
        assert Spool.opened[0].closed

    @pytest.mark.parametrize("length", [0, 15, 16, 35])
    def test_decryption_of_a_cut_file_gives_nothing_at_all(self, length: int) -> None:
        with pytest.raises(Tampered):
            open_all([FILE[:length]])

    def test_decryption_under_another_key_or_iv_gives_nothing_at_all(self) -> None:
        for key, iv in ((KEY[::-1], IV), (KEY, IV[::-1])):
            with pytest.raises(Tampered), decrypted([FILE], key, iv, spool=Spool):
                pytest.fail("unverified audio was handed out")

    def test_decryption_that_breaks_off_deletes_the_spool(self) -> None:
        def broken() -> Iterator[bytes]:
            yield FILE[:30]
            raise ConnectionError

        with pytest.raises(ConnectionError), decrypted(broken(), KEY, IV, spool=Spool):
            pytest.fail("unverified audio was handed out")
        assert Spool.opened[0].closed

    def test_decryption_closes_the_spool_after_use(self) -> None:
        open_all([FILE])
        assert Spool.opened[0].closed


def test_from_download_to_audio(twilio: StandIn, private: rsa.RSAPrivateKey) -> None:
    sound = wav()
    name = twilio.record(
        1, AESGCM(KEY).encrypt(IV, sound, None), encryption_details=details(private, SPELLINGS[1])
    )
    recordings = Recordings(twilio.rest())
    resource = recordings.get(name)
    assert resource is not None
    assert resource.encryption is not None
    parsed = EncryptionDetails.parse(resource.encryption)
    key = content_key(parsed, {CR: pem(private)})
    with (
        recordings.media(name) as media,
        decrypted(media.blocks, key, parsed.iv, spool=Spool) as plain,
    ):
        assert b"".join(plain) == sound
