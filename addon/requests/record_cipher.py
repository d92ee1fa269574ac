"""Encrypts what the intake store keeps until a request is finished: AES-256-GCM under INTAKE_KEY.

The form is this module's own and read nowhere else, unlike the archive's: a small upload costs a
sixth of what the SDK's message does (decision 0011). A record is a magic number, the id of
INTAKE_KEY and a random salt, then frames: four bytes of length, and that many bytes of plaintext
with a tag of 16. An empty frame is the end. Each record has a key of its own, which follows from
INTAKE_KEY, the salt, the record's prefix and its request SID; each frame's nonce is its number, and
whether it is the last. So no frame can be moved, left out or repeated, and no record be another's.
"""

from __future__ import annotations

import hmac
import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from addon.archive import message
from addon.archive.blocks import BlockSource
from addon.archive.keys import DecryptionKeys, EncryptionKeys
from addon.archive.signed_documents import derived_key
from addon.archive.store import READ_SIZE
from addon.errors import KeyMissing, SettingsError, Tampered

MAGIC = b"\xffintake1"
"""No message of the SDK begins so: its first byte is its version, 1 or 2."""

ID_BYTES = 8
SALT_BYTES = 32
TAG_BYTES = 16
FRAME_BYTES = 1024 * 1024
"""Plaintext of the longest frame: a small upload is one."""

MESSAGE_KEY = "intake"
"""The name of INTAKE_KEY in the SDK's messages."""

_LENGTH = struct.Struct(">I")
_NONCE = struct.Struct(">QI")


class RecordCipher:
    """Encrypts records under the first of `keys`, of 32 bytes each, and decrypts under any.

    Raises SettingsError without a key.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise SettingsError("INTAKE_KEY is not set: no request can be kept")
        self._keys = {
            derived_key(key, "id of intake records")[:ID_BYTES]: derived_key(key, "intake records")
            for key in keys
        }
        self._id = next(iter(self._keys))
        self._encryption_keys = EncryptionKeys.local(keys[0], MESSAGE_KEY)
        self._decryption_keys = DecryptionKeys()
        for key in keys:
            self._decryption_keys += DecryptionKeys.local(key, MESSAGE_KEY)

    def encrypt(self, blocks: Iterable[bytes], prefix: str, sid: str) -> Iterator[bytes]:
        """The record of `blocks` for the place `prefix` of the request `sid`, in pieces of about
        FRAME_BYTES."""
        salt = os.urandom(SALT_BYTES)
        cipher = _cipher(self._keys[self._id], salt, prefix, sid)
        piece, size, number = [MAGIC, self._id, salt], 0, 0
        for frame in _frames(blocks):
            piece += (_LENGTH.pack(len(frame)), cipher.encrypt(_nonce(number), frame, None))
            size += len(frame)
            number += 1
            if size >= FRAME_BYTES:
                yield b"".join(piece)
                piece, size = [], 0
        piece += (_LENGTH.pack(0), cipher.encrypt(_nonce(number, last=True), b"", None))
        yield b"".join(piece)

    def encrypt_as_message(self, blocks: Iterable[bytes], prefix: str, sid: str) -> Iterator[bytes]:
        """As the SDK's message, which the release before reads: it would take a result that it
        cannot read for none, and answer with a failure."""
        return message.encrypt(blocks, self._encryption_keys, _context(prefix, sid))

    def decrypt(self, blocks: Iterable[bytes], prefix: str, sid: str) -> Iterator[bytes]:
        """The plaintext frame by frame; complete only once it ends without an exception.

        It opens the SDK's messages too. Raises KeyMissing, and Tampered for any damage, another
        place, a cut, or bytes behind the end. An AddonError of `blocks` passes through.
        """
        source = BlockSource(blocks)
        magic = source.read(len(MAGIC))
        if magic != MAGIC:
            whole = chain([magic], iter(lambda: source.read(READ_SIZE), b""))
            yield from message.decrypt(whole, self._decryption_keys, _context(prefix, sid))
            return
        key = self._keys.get(source.read(ID_BYTES))
        if key is None:
            raise KeyMissing("a record is encrypted under another INTAKE_KEY")
        yield from _decrypted(source, _cipher(key, source.read(SALT_BYTES), prefix, sid))


def _cipher(key: bytes, salt: bytes, prefix: str, sid: str) -> AESGCM:
    return AESGCM(hmac.digest(key, salt + f"{prefix}{sid}".encode(), "sha256"))


def _context(prefix: str, sid: str) -> dict[str, str]:
    return {"kind": prefix.rstrip("/"), "request_sid": sid}


def _frames(blocks: Iterable[bytes]) -> Iterator[bytes | memoryview]:
    """The blocks, those left out that are empty and those cut that are too long for a frame."""
    for block in blocks:
        if len(block) <= FRAME_BYTES:
            if block:
                yield block
        else:
            view = memoryview(block)
            for start in range(0, len(view), FRAME_BYTES):
                yield view[start : start + FRAME_BYTES]


def _decrypted(source: BlockSource, cipher: AESGCM) -> Iterator[bytes]:
    for number in count():
        head = source.read(_LENGTH.size)
        length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else 0
        if length > FRAME_BYTES:
            raise Tampered("a record has an impossible frame")
        sealed = source.read(length + TAG_BYTES)
        try:
            frame = cipher.decrypt(_nonce(number, last=not length), sealed, None)
        except InvalidTag:
            raise Tampered("a record is damaged, cut or another's") from None
        if not length:
            break
        yield frame
    if source.read(1):
        raise Tampered("there are bytes behind the end of a record")


def _nonce(number: int, *, last: bool = False) -> bytes:
    return _NONCE.pack(number, last)
