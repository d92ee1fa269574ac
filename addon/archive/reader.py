"""Any byte range of an encrypted object, from only the frames it touches.

The SDK cannot seek, so this reads the format (spec/ciphertext 6). The header's commitment and tag
and the final frame are authenticated before a length is announced, and each frame before one byte
of it is yielded: this module must never release an unverified byte.
"""

from __future__ import annotations

import hmac
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from addon.archive.blocks import BlockSource
from addon.archive.keys import DecryptionKeys
from addon.archive.layout import (
    FRAME_LENGTH,
    IV_LENGTH,
    MAX_HEADER_LENGTH,
    SUITE,
    Frames,
    Header,
    parse_header,
)
from addon.archive.manifest import Manifest, Sealed
from addon.archive.store import FIRST_READ
from addon.errors import Tampered

PROBE_LENGTH = 4096
"""The first read: holds the header with four RSA-4096 keys, and all of a small object."""

WINDOW_FRAMES = 128
"""Frames asked for in one request, 8 MiB of ours: a listener who leaves has cost no more."""

BLOCK_LENGTH = 1024 * 1024
"""Plaintext given out at once: handing on a frame by itself costs as much as verifying it (decision
0505)."""

VIEW_FRAMES = 5
"""Frames of ours in a block of `views`: a player's 256 KiB touch no more, so it is read, opened and
sent at once, and twice as much stays in a core's cache."""

MEMORIES_KEPT = 8
"""For the next answers, as many as threads read next requests: new memory of this size costs a
range as much as decrypting it."""


class ViewMemory(NamedTuple):
    """The memory of one answer's views: for `VIEW_FRAMES` as they are stored, and opened."""

    stored: memoryview
    plaintext: memoryview


_kept: deque[ViewMemory] = deque(maxlen=MEMORIES_KEPT)


class Fetch(Protocol):
    """Reads the object's ciphertext from an offset, so many bytes."""

    def __call__(
        self, start: int, length: int, into: memoryview | None = None, /
    ) -> Iterator[bytes] | Iterator[memoryview]:
        """With `into` the blocks may lie in this memory, each written over by the next."""
        ...


class RangeReader:
    """One object, opened: `length` is proven, `read` yields verified plaintext."""

    def __init__(self, fetch: Fetch, frames: Frames, key: AESGCM) -> None:
        self._fetch = fetch
        self._frames = frames
        self._key = key
        self.length = frames.plaintext_length

    @classmethod
    def open(
        cls,
        fetch: Fetch,
        size: int,
        open_key: Callable[[Header], bytes],
    ) -> RangeReader:
        """Authenticate the header and the final frame of an object of `size` bytes.

        `open_key` gives the data key for a header, having judged it. Raises Tampered, and what
        `open_key` and `fetch` raise.
        """
        header = fetch_header(fetch, size)
        key = _authentic_key(header, open_key(header))
        frames = Frames.of(header, size)
        reader = cls(fetch, frames, key)
        for _ in reader._blocks(frames.full + 1, frames.full + 1, 1):
            pass
        return reader

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Plaintext from `start` up to, not including, `stop`, in blocks of whole frames.

        Raises Tampered instead of the first block that is not authentic, and what `fetch` raises.
        """
        return map(bytes, self._range(start, stop, BLOCK_LENGTH, None))

    def views(self, start: int = 0, stop: int | None = None) -> Iterator[memoryview]:
        """As `read`, but each block lies in memory that the next one is written into.

        Once the end is met the memory is the next answer's: whoever asks for the next block, or the
        end, must have done with all before it. One that is left early is not used again.
        """
        try:
            memory = _kept.pop()
        except IndexError:
            memory = ViewMemory(
                memoryview(bytearray(VIEW_FRAMES * FIRST_READ)),
                memoryview(bytearray(VIEW_FRAMES * FRAME_LENGTH)),
            )
        yield from self._range(start, stop, len(memory.plaintext), memory)
        _kept.append(memory)

    def _range(
        self, start: int, stop: int | None, block_length: int, memory: ViewMemory | None
    ) -> Iterator[memoryview]:
        """Plaintext in blocks of whole frames, each overwritten by the next."""
        stop = self.length if stop is None else min(stop, self.length)
        if start >= stop:
            return
        frame_length = self._frames.frame_length
        first, last = start // frame_length + 1, (stop - 1) // frame_length + 1
        at = (first - 1) * frame_length
        for block in self._blocks(first, last, max(block_length // frame_length, 1), memory):
            yield block[max(start - at, 0) : stop - at]
            at += len(block)

    def _blocks(
        self, first: int, last: int, count: int, memory: ViewMemory | None = None
    ) -> Iterator[memoryview]:
        """The plaintext of frames `first` to `last`, `count` at a time, as `_range` gives it.

        A listener waits for the first frame at the object's start and of more than one block: it
        goes out by itself, before the others are opened.
        """
        alone = first == 1 or last - first >= count
        stored, plaintext = memory or (None, memoryview(b""))
        for window in range(first, last + 1, WINDOW_FRAMES):
            end = min(window + WINDOW_FRAMES - 1, last)
            source = self._stored(window, end, stored)
            head = 1 if window == first and alone else count
            edges = (window, *range(window + head, end + 1, count), end + 1)
            for begin, stop in pairwise(edges):
                length = (stop - begin) * self._frames.frame_length
                if length > len(plaintext):  # new memory takes longer than verifying a frame
                    plaintext = memoryview(bytearray(length))
                yield plaintext[: self._open_into(plaintext, range(begin, stop), source)]

    def _stored(self, first: int, last: int, memory: memoryview | None) -> BlockSource:
        """Frames `first` to `last` as they lie there, from one request, see Fetch."""
        begin = self._frames.offset(first)
        length = self._frames.offset(last) + self._frames.stored_length(last) - begin
        return BlockSource(self._fetch(begin, length, memory))

    def _open_into(self, plaintext: memoryview, numbers: range, source: BlockSource) -> int:
        """Verify the next frames, end to end; what lies in `plaintext` counts only on return."""
        at = 0
        for number in numbers:
            frame = self._frames.parse(number, source.view(self._frames.stored_length(number)))
            room = plaintext[at : at + frame.length]
            try:
                self._key.decrypt_into(frame.iv, frame.sealed, frame.aad, room)
            except InvalidTag:
                raise Tampered("a frame is not what was written") from None
            at += frame.length
        return at


def open_with(
    decryption_keys: DecryptionKeys, context: Mapping[str, str]
) -> Callable[[Header], bytes]:
    """A function that gives a header's data key; it raises Tampered for another `context`."""

    def open_key(header: Header) -> bytes:
        if header.context != dict(context):
            raise Tampered("the message belongs to another object")
        return decryption_keys.data_key(header.sealed_keys, header.context)

    return open_key


def fetch_header(fetch: Fetch, size: int) -> Header:
    """The header of an object, parsed but not authentic yet; one read, two for a long header."""
    probe = b"".join(fetch(0, min(size, PROBE_LENGTH)))
    try:
        return parse_header(probe)
    except Tampered:
        if size <= PROBE_LENGTH:
            raise
    return parse_header(b"".join(fetch(0, min(size, MAX_HEADER_LENGTH))))


def _authentic_key(header: Header, data_key: bytes) -> AESGCM:
    """The message key, once commitment and header tag agree with it. Raises Tampered."""
    commitment = _derived(data_key, header.message_id, b"COMMITKEY")
    if not hmac.compare_digest(commitment, header.commitment):
        raise Tampered("the header commits to another key")
    info = SUITE.to_bytes(2, "big") + b"DERIVEKEY"
    key = AESGCM(_derived(data_key, header.message_id, info))
    try:
        key.decrypt(bytes(IV_LENGTH), header.tag, header.body)
    except InvalidTag:
        raise Tampered("the header is not what was written") from None
    return key


def _derived(data_key: bytes, message_id: bytes, info: bytes) -> bytes:
    return HKDF(hashes.SHA512(), 32, salt=message_id, info=info).derive(data_key)


class ArchivedAudio:
    """One recording's audio, opened: `length` in bytes is proven, every byte read is verified."""

    def __init__(
        self, manifest: Manifest, sealed: Sealed, reader: RangeReader, version: str
    ) -> None:
        self.manifest = manifest
        self.length = reader.length
        self.etag = sealed.plaintext_sha256[:32]
        self.format = manifest.facts.format
        self.seconds = manifest.facts.duration_seconds
        self.version = version
        self._reader = reader

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Verified plaintext from `start` up to, not including, `stop`.

        Raises Tampered, also where the object was replaced since; NotStored; StoreUnavailable.
        """
        return self._reader.read(start, stop)

    def views(self, start: int = 0, stop: int | None = None) -> Iterator[memoryview]:
        """As `read`, but each block lies in memory that the next one is written into."""
        return self._reader.views(start, stop)
