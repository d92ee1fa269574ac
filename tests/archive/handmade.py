"""Messages made byte by byte, for shapes that the SDK reads but never writes."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from addon.archive.keys import DecryptionKeys
from addon.archive.layout import Header, SealedKey
from addon.errors import KeyMissing

DATA_KEY = bytes(range(32))
MESSAGE_ID = bytes(range(100, 132))
SEALED = SealedKey("test", b"test key", b"sealed")


class KnownKey(DecryptionKeys):
    """Decryption keys for the SDK that know the data key of every message made here."""

    def data_key(self, sealed_keys: Sequence[SealedKey], context: Mapping[str, str]) -> bytes:
        assert tuple(sealed_keys) == (SEALED,)
        return DATA_KEY


def field(content: bytes) -> bytes:
    return struct.pack(">H", len(content)) + content


def derived(info: bytes) -> bytes:
    return HKDF(hashes.SHA512(), 32, salt=MESSAGE_ID, info=info).derive(DATA_KEY)


@dataclass
class TinyFrames:
    """Writes the format straight from its description (spec/ciphertext 6)."""

    frame_length: int
    iv_prefix: bytes = bytes(8)

    def open_key(self, header: Header) -> bytes:
        if header.sealed_keys != (SEALED,) or header.context:
            raise KeyMissing("not this key")
        return DATA_KEY

    def plaintext(self, lengths: list[int]) -> bytes:
        return bytes(number % 251 for number in range(sum(lengths)))

    def message(self, lengths: list[int]) -> bytes:
        key = AESGCM(derived(b"\x04\x78DERIVEKEY"))
        body = (
            b"\x02\x04\x78"
            + MESSAGE_ID
            + field(b"")
            + struct.pack(">H", 1)
            + b"".join(field(part) for part in (b"test", SEALED.info, SEALED.ciphertext))
            + b"\x02"
            + struct.pack(">I", self.frame_length)
            + derived(b"COMMITKEY")
        )
        plaintext, at, frames = self.plaintext(lengths), 0, []
        for number, length in enumerate(lengths, 1):
            frames.append(
                self._frame(key, number, plaintext[at : at + length], number == len(lengths))
            )
            at += length
        return body + key.encrypt(bytes(12), b"", body) + b"".join(frames)

    def _frame(self, key: AESGCM, number: int, content: bytes, final: bool) -> bytes:
        iv = self.iv_prefix + struct.pack(">I", number)
        kind = b"AWSKMSEncryptionClient " + (b"Final Frame" if final else b"Frame")
        aad = MESSAGE_ID + kind + struct.pack(">IQ", number, len(content))
        sealed = key.encrypt(iv, content, aad)
        if final:
            return (
                struct.pack(">II", 0xFFFFFFFF, number)
                + iv
                + struct.pack(">I", len(content))
                + sealed
            )
        return struct.pack(">I", number) + iv + sealed
