from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.archive import message
from addon.archive.keys import EncryptionKeys
from addon.archive.layout import (
    FRAME_LENGTH,
    MAX_FRAME_LENGTH,
    MAX_RECIPIENTS,
    Frames,
    Header,
    SealedKey,
    parse_header,
)
from addon.archive.store import FIRST_READ, READ_SIZE
from addon.errors import Tampered

CONTEXT = {"tenant": "XD1", "recording": "RE1"}


def field(content: bytes) -> bytes:
    return struct.pack(">H", len(content)) + content


def built(
    *,
    version: int = 2,
    suite: int = 0x0478,
    context: bytes = b"",
    keys: int = 1,
    kind: int = 2,
    frame_length: int = FRAME_LENGTH,
) -> bytes:
    """A header made by hand, field by field (spec/ciphertext 6)."""
    sealed_key = field(b"provider") + field(b"info") + field(b"sealed")
    return (
        struct.pack(">BH", version, suite)
        + bytes(range(32))
        + field(context)
        + struct.pack(">H", keys)
        + sealed_key * keys
        + struct.pack(">BI", kind, frame_length)
        + b"c" * 32
        + b"t" * 16
    )


def test_a_stores_blocks_end_where_frames_end() -> None:
    frames = Frames(bytes(32), 0, FRAME_LENGTH, full=9, last_length=0)
    assert frames.stored_length(1) == FIRST_READ
    assert READ_SIZE % frames.stored_length(1) == 0


def test_a_header_made_by_hand_is_read() -> None:
    context = struct.pack(">H", 1) + field(b"name") + field("wärt".encode())
    header = parse_header(built(context=context, keys=2, frame_length=4096) + b"the frames")
    assert header.message_id == bytes(range(32))
    assert header.context == {"name": "wärt"}
    assert header.sealed_keys == (SealedKey("provider", b"info", b"sealed"),) * 2
    assert header.frame_length == 4096
    assert (header.commitment, header.tag) == (b"c" * 32, b"t" * 16)
    assert header.length == len(built(context=context, keys=2))


def test_the_sdks_header_is_read(encryption_keys: EncryptionKeys) -> None:
    sealed = b"".join(message.encrypt([b"audio"], encryption_keys, CONTEXT))
    header = parse_header(sealed)
    assert header.context == CONTEXT
    assert [key.info.decode() for key in header.sealed_keys] == list(encryption_keys.names)
    assert header.frame_length == FRAME_LENGTH
    assert sealed[: header.length] == header.body + header.tag


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": 1},
        {"suite": 0x0578},
        {"suite": 0x0178},
        {"keys": 0},
        {"keys": MAX_RECIPIENTS + 1},
        {"kind": 1},
        {"frame_length": 0},
        {"frame_length": MAX_FRAME_LENGTH + 1},
        {"context": b"\0\1"},
        {"context": struct.pack(">H", 0) + b"rest"},
        {"context": struct.pack(">H", 2) + (field(b"twice") + field(b"x")) * 2},
        {"context": struct.pack(">H", 1) + field(b"\xff") + field(b"x")},
    ],
)
def test_what_this_archive_never_writes_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(Tampered):
        parse_header(built(**wrong))  # type: ignore[arg-type]


def test_a_header_that_ends_early_is_refused() -> None:
    whole = built()
    for end in range(len(whole)):
        with pytest.raises(Tampered):
            parse_header(whole[:end])


@given(st.binary(max_size=300))
def test_any_bytes_are_a_header_or_refused(data: bytes) -> None:
    for content in (data, built()[:3] + data, built()[:37] + data):
        try:
            header = parse_header(content)
        except Tampered:
            continue
        assert content.startswith(header.body + header.tag)


def header_of(frame_length: int) -> Header:
    return parse_header(built(frame_length=frame_length))


@given(st.integers(1, 200), st.integers(0, 2000))
def test_a_length_has_one_size_and_a_size_one_length(frame_length: int, length: int) -> None:
    header = header_of(frame_length)
    full, last = divmod(length, frame_length)
    size = header.length + full * (frame_length + 32) + last + 40
    frames = Frames.of(header, size)
    assert frames.plaintext_length == length
    assert frames.offset(1) == header.length
    assert frames.offset(full + 1) + frames.stored_length(full + 1) == size


@given(st.integers(1, 200), st.integers(-50, 2000))
def test_a_size_is_a_layout_or_refused(frame_length: int, behind_header: int) -> None:
    header = header_of(frame_length)
    try:
        frames = Frames.of(header, header.length + behind_header)
    except Tampered:
        return
    assert 0 <= frames.last_length <= frame_length
    last = frames.full + 1
    assert frames.offset(last) + frames.stored_length(last) == header.length + behind_header


def test_a_full_final_frame_is_one_of_the_two_shapes() -> None:
    header = header_of(100)
    assert Frames.of(header, header.length + 140).last_length == 100
    assert Frames.of(header, header.length + 132 + 40).last_length == 0


def test_a_frame_in_the_place_of_another_is_refused() -> None:
    frames = Frames.of(header_of(4), header_of(4).length + 2 * 36 + 41)
    first = struct.pack(">I", 1) + b"i" * 12 + b"ctct" + b"t" * 16
    assert frames.parse(1, first).iv == b"i" * 12
    with pytest.raises(Tampered, match="place"):
        frames.parse(2, first)
    with pytest.raises(Tampered, match="ends inside"):
        frames.parse(1, first[:-1])
    final = struct.pack(">II", 0xFFFFFFFF, 3) + b"i" * 12 + struct.pack(">I", 1) + b"c" + b"t" * 16
    assert frames.parse(3, final).sealed == b"c" + b"t" * 16
    for wrong in (b"\0" + final[1:], final[:20] + struct.pack(">I", 2) + final[24:]):
        with pytest.raises(Tampered, match="final frame"):
            frames.parse(3, wrong)
