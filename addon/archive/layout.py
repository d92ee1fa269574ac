"""The bytes of an encrypted object: header, frames and the arithmetic between them.

Message format version 2, suite 0x0478, framed, big-endian (spec/ciphertext 6). Pure functions
over bytes; nothing here decrypts, and nothing parsed here is authentic before `reader` has checked
its tags.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from addon.errors import Tampered

VERSION = 2
SUITE = 0x0478
"""AES-256-GCM, HKDF-SHA512, key commitment, no signature: the only suite written or read."""

FRAME_LENGTH = 65536
"""What is written: the fastest size the SDK has, and 0.05 % overhead (spec/ciphertext 2)."""

MAX_FRAME_LENGTH = 1024 * 1024
"""What is read: a frame is held in memory whole before one byte of it is released."""

MAX_RECIPIENTS = 16
"""Keys one object may be sealed for: an epoch, an offline key, some KMS keys, and room."""

MAX_HEADER_LENGTH = 32 * 1024
"""MAX_RECIPIENTS keys of RSA-8192 and an encryption context fit; nothing larger is parsed."""

TAG_LENGTH = 16
IV_LENGTH = 12
_FRAMED = 2
_COMMITMENT_LENGTH = 32
_FINAL_MARK = 0xFFFFFFFF
_FRAME_EXTRA = 4 + IV_LENGTH + TAG_LENGTH
_FINAL_EXTRA = 4 + 4 + IV_LENGTH + 4 + TAG_LENGTH
_REGULAR = struct.Struct(f">I{IV_LENGTH}s")
_FINAL = struct.Struct(f">II{IV_LENGTH}sI")
_AAD_FULL = b"AWSKMSEncryptionClient Frame"
_AAD_FINAL = b"AWSKMSEncryptionClient Final Frame"
_AAD_END = struct.Struct(">IQ")


class SealedKey(NamedTuple):
    """The data key as one encryption key can open it (an encrypted data key of the format)."""

    provider: str
    info: bytes
    ciphertext: bytes


@dataclass(frozen=True)
class Header:
    """A parsed header: `body` is what its tag authenticates."""

    body: bytes
    tag: bytes
    message_id: bytes
    context: dict[str, str]
    sealed_keys: tuple[SealedKey, ...]
    frame_length: int
    commitment: bytes

    @property
    def length(self) -> int:
        """Bytes of the object before its first frame."""
        return len(self.body) + len(self.tag)


class Frame(NamedTuple):
    """One frame as read, `length` bytes when opened: the stored IV counts, whatever its form
    (spec/ciphertext 6).
    """

    iv: bytes
    sealed: memoryview
    aad: bytes
    length: int


class _Cursor:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        """The next `count` bytes. Raises Tampered where there are fewer."""
        part = self.data[self.at : self.at + count]
        if len(part) < count:
            raise Tampered("the header is cut short")
        self.at += count
        return part

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def field(self) -> bytes:
        return self.take(self.number(2))


def parse_header(data: bytes) -> Header:
    """The header at the beginning of `data`. Raises Tampered, also where `data` ends inside it."""
    cursor = _Cursor(data[:MAX_HEADER_LENGTH])
    if cursor.number(1) != VERSION or cursor.number(2) != SUITE:
        raise Tampered("not a message of the suite that this archive writes")
    message_id = cursor.take(32)
    context = _parse_context(cursor.field())
    count = cursor.number(2)
    if not 1 <= count <= MAX_RECIPIENTS:
        raise Tampered("the header names no encryption key, or too many")
    sealed_keys = tuple(
        SealedKey(_text(cursor.field()), cursor.field(), cursor.field()) for _ in range(count)
    )
    if cursor.number(1) != _FRAMED:
        raise Tampered("the message is not framed")
    frame_length = cursor.number(4)
    if not 1 <= frame_length <= MAX_FRAME_LENGTH:
        raise Tampered("the frame length is out of bounds")
    commitment = cursor.take(_COMMITMENT_LENGTH)
    body = data[: cursor.at]
    return Header(
        body, cursor.take(TAG_LENGTH), message_id, context, sealed_keys, frame_length, commitment
    )


def _parse_context(data: bytes) -> dict[str, str]:
    if not data:
        return {}
    cursor = _Cursor(data)
    count = cursor.number(2)
    pairs = [(_text(cursor.field()), _text(cursor.field())) for _ in range(count)]
    if cursor.at != len(data) or len(dict(pairs)) != count:
        raise Tampered("the encryption context is malformed")
    return dict(pairs)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Tampered("the header holds text that is none") from None


@dataclass(frozen=True)
class Frames:
    """The places of one object's frames; numbers begin at 1, `full + 1` is the final frame."""

    message_id: bytes
    start: int
    frame_length: int
    full: int
    last_length: int

    @classmethod
    def of(cls, header: Header, size: int) -> Frames:
        """The one layout that an object of `size` bytes can have. Raises Tampered for none."""
        stride = header.frame_length + _FRAME_EXTRA
        full, last_length = divmod(size - header.length - _FINAL_EXTRA, stride)
        if full < 0 or last_length > header.frame_length:
            raise Tampered("no message has this size: it was cut or lengthened")
        return cls(header.message_id, header.length, header.frame_length, full, last_length)

    @property
    def plaintext_length(self) -> int:
        """Bytes of plaintext; proven only once the final frame was authenticated."""
        return self.full * self.frame_length + self.last_length

    def offset(self, number: int) -> int:
        """The offset of frame `number` in the object."""
        return self.start + (number - 1) * (self.frame_length + _FRAME_EXTRA)

    def stored_length(self, number: int) -> int:
        """The bytes that frame `number` occupies."""
        if number <= self.full:
            return self.frame_length + _FRAME_EXTRA
        return self.last_length + _FINAL_EXTRA

    def parse(self, number: int, data: memoryview) -> Frame:
        """Frame `number` from its stored bytes. Raises Tampered where another lies there."""
        if len(data) != self.stored_length(number):
            raise Tampered("the object ends inside a frame")
        if number > self.full:
            return self._parse_final(number, data)
        sequence, iv = _REGULAR.unpack_from(data)
        if sequence != number:
            raise Tampered("a frame is out of its place")
        aad = self._aad_of_full + _AAD_END.pack(number, self.frame_length)
        return Frame(iv, data[_REGULAR.size :], aad, self.frame_length)

    def _parse_final(self, number: int, data: memoryview) -> Frame:
        mark, sequence, iv, length = _FINAL.unpack_from(data)
        if mark != _FINAL_MARK or length != self.last_length:
            raise Tampered("the final frame is missing")
        if sequence != number:
            raise Tampered("a frame is out of its place")
        aad = self.message_id + _AAD_FINAL + _AAD_END.pack(number, length)
        return Frame(iv, data[_FINAL.size :], aad, length)

    @cached_property
    def _aad_of_full(self) -> bytes:
        return self.message_id + _AAD_FULL
