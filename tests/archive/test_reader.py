from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from addon.archive import message
from addon.archive.key_pairs import KeyPair
from addon.archive.keys import DecryptionKeys, EncryptionKeys
from addon.archive.layout import FRAME_LENGTH, Frames, Header, parse_header
from addon.archive.reader import (
    VIEW_FRAMES,
    WINDOW_FRAMES,
    RangeReader,
    fetch_header,
    open_with,
)
from addon.errors import KeyMissing, Tampered
from tests.archive.handmade import KnownKey, TinyFrames
from tests.archive.recordings import fetch_from, noise

CONTEXT = {"tenant": "XD1", "recording": "RE1", "object": "audio"}
F = FRAME_LENGTH


def sealed(content: bytes, encryption_keys: EncryptionKeys) -> bytes:
    return b"".join(message.encrypt([content], encryption_keys, CONTEXT))


def reader_of(content: bytes, decryption_keys: DecryptionKeys) -> RangeReader:
    return RangeReader.open(fetch_from(content), len(content), open_with(decryption_keys, CONTEXT))


@pytest.mark.parametrize("local", [False, True])
@pytest.mark.parametrize("length", [0, 1, F - 1, F, F + 1, 2 * F, 3 * F + 17])
def test_the_reader_agrees_with_the_sdk(
    length: int, local: bool, encryption_keys: EncryptionKeys, decryption_keys: DecryptionKeys
) -> None:
    if local:
        encryption_keys, decryption_keys = (
            EncryptionKeys.local(bytes(32)),
            DecryptionKeys.local(bytes(32)),
        )
    content = noise(length)
    reader = reader_of(sealed(content, encryption_keys), decryption_keys)
    assert reader.length == length
    assert b"".join(reader.read()) == content
    assert b"".join(reader.read(length)) == b""
    edges = sorted({0, 1, F - 1, F, F + 1, 2 * F, length - 1, length, length + 5} - {-1})
    for start in edges:
        for stop in edges:
            assert b"".join(reader.read(start, stop)) == content[start:stop]


def test_500_random_ranges_are_slices(
    encryption_keys: EncryptionKeys, decryption_keys: DecryptionKeys
) -> None:
    content = noise(5 * F + 1234)
    reader = reader_of(sealed(content, encryption_keys), decryption_keys)
    dice = random.Random(42)
    for _ in range(500):
        start = dice.randrange(len(content) + 1)
        stop = min(start + int(dice.expovariate(1 / F)), len(content) + 10)
        assert b"".join(reader.read(start, stop)) == content[start:stop]


def test_a_range_costs_the_frames_it_touches(
    encryption_keys: EncryptionKeys, decryption_keys: DecryptionKeys
) -> None:
    content = sealed(noise(10 * F), encryption_keys)
    asked: list[tuple[int, int]] = []

    def fetch(start: int, length: int, _into: object = None) -> Iterator[bytes]:
        asked.append((start, length))
        return iter([content[start : start + length]])

    reader = RangeReader.open(fetch, len(content), open_with(decryption_keys, CONTEXT))
    assert [length for _, length in asked] == [4096, 40]
    asked.clear()
    assert len(b"".join(reader.read(5 * F - 10, 6 * F - 10))) == F
    assert [length for _, length in asked] == [2 * (F + 32)]


def test_a_long_range_goes_in_windows_and_stops_with_its_reader(
    encryption_keys: EncryptionKeys,
    decryption_keys: DecryptionKeys,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("addon.archive.reader.WINDOW_FRAMES", 3)
    content = sealed(noise(10 * F), encryption_keys)
    asked: list[int] = []

    def fetch(start: int, length: int, _into: object = None) -> Iterator[bytes]:
        asked.append(length)
        return iter([content[start : start + length]])

    reader = RangeReader.open(fetch, len(content), open_with(decryption_keys, CONTEXT))
    asked.clear()
    blocks = reader.read()
    first = next(blocks)
    assert len(first) == F
    assert asked == [3 * (F + 32)]
    assert first + b"".join(blocks) == noise(10 * F)
    assert asked == [3 * (F + 32)] * 3 + [F + 32]
    assert WINDOW_FRAMES > 3


def test_the_first_frame_goes_out_by_itself_and_the_others_by_the_block(
    encryption_keys: EncryptionKeys,
    decryption_keys: DecryptionKeys,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("addon.archive.reader.BLOCK_LENGTH", 3 * F + 1)
    monkeypatch.setattr("addon.archive.reader.WINDOW_FRAMES", 8)
    content = noise(10 * F + 5)
    reader = reader_of(sealed(content, encryption_keys), decryption_keys)
    blocks = list(reader.read(7))
    assert [len(block) for block in blocks] == [F - 7, 3 * F, 3 * F, F, 2 * F + 5]
    assert b"".join(blocks) == content[7:]


def test_a_block_is_not_changed_by_the_next(
    encryption_keys: EncryptionKeys, decryption_keys: DecryptionKeys
) -> None:
    content = noise(40 * F)
    reader = reader_of(sealed(content, encryption_keys), decryption_keys)
    assert b"".join(list(reader.read())) == content


@pytest.mark.parametrize("count", [3, 40])
def test_views_are_the_same_bytes_in_memory_that_is_used_again(
    encryption_keys: EncryptionKeys, decryption_keys: DecryptionKeys, count: int
) -> None:
    content = noise(count * F + 7)
    stored = sealed(content, encryption_keys)

    def fetch(start: int, length: int, into: memoryview | None = None) -> Iterator[memoryview]:
        memory = memoryview(bytearray(1000)) if into is None else into
        for at in range(start, start + length, len(memory)):
            size = min(len(memory), start + length - at)
            memory[:size] = stored[at : at + size]
            yield memory[:size]

    open_key = open_with(decryption_keys, CONTEXT)
    reader = RangeReader.open(
        lambda start, length, into=None: map(bytes, fetch(start, length, into)),
        len(stored),
        open_key,
    )
    reader._fetch = fetch
    assert b"".join(map(bytes, reader.views(5))) == content[5:]
    assert b"".join(reader.read(F - 1, 2 * F + 1)) == content[F - 1 : 2 * F + 1]


def test_memory_of_views_is_used_again_once_they_are_read_to_the_end(
    encryption_keys: EncryptionKeys, decryption_keys: DecryptionKeys
) -> None:
    content = noise(3 * VIEW_FRAMES * F)
    reader = reader_of(sealed(content, encryption_keys), decryption_keys)

    def memory_of(block: memoryview) -> int:
        return id(block.obj)

    whole = list(reader.views(F))
    (again,) = reader.views(F, 2 * F)
    assert {memory_of(block) for block in whole} == {memory_of(again)}
    one, other = reader.views(), reader.views(F)
    first, second = next(one), next(other)
    assert memory_of(first) != memory_of(second)
    assert (bytes(first), bytes(second)) == (content[:F], content[F : 2 * F])
    one.close()  # type: ignore[attr-defined]
    later = [memory_of(block) for _ in range(3) for block in reader.views(F, 2 * F)]
    assert memory_of(first) not in later
    assert memory_of(second) not in later
    assert b"".join(map(bytes, other)) == content[2 * F :]


def test_a_damaged_frame_of_a_views_block_gives_none_of_it(
    encryption_keys: EncryptionKeys, decryption_keys: DecryptionKeys
) -> None:
    stored = bytearray(sealed(noise(VIEW_FRAMES * F), encryption_keys))
    stored[-3 * F] ^= 1
    reader = reader_of(bytes(stored), decryption_keys)
    with pytest.raises(Tampered):
        next(reader.views(F, VIEW_FRAMES * F))


def test_fetches_in_blocks_of_any_size_are_joined(
    encryption_keys: EncryptionKeys, decryption_keys: DecryptionKeys
) -> None:
    content = sealed(noise(2 * F), encryption_keys)

    def fetch(start: int, length: int, _into: object = None) -> Iterator[bytes]:
        for at in range(start, start + length, 1000):
            yield content[at : min(at + 1000, start + length)]

    reader = RangeReader.open(fetch, len(content), open_with(decryption_keys, CONTEXT))
    assert b"".join(reader.read()) == noise(2 * F)


def test_a_header_longer_than_the_probe_is_read(
    encryption_keys: EncryptionKeys, decryption_keys: DecryptionKeys
) -> None:
    many = encryption_keys
    for number in range(10):
        many += EncryptionKeys.local(bytes([number]) * 32, f"{number}" * 400)
    content = sealed(b"audio", many)
    assert parse_header(content).length > 4096
    assert b"".join(reader_of(content, decryption_keys).read()) == b"audio"


@pytest.mark.parametrize("lengths", [[4, 4, 0], [4, 4], [0], [4], [4, 3]])
@pytest.mark.parametrize("iv_prefix", [bytes(8), b"\xff" * 8])
def test_both_shapes_of_the_final_frame_and_foreign_ivs_are_read(
    lengths: list[int], iv_prefix: bytes
) -> None:
    """Written by hand; the SDK agrees that they are messages."""
    tiny = TinyFrames(frame_length=4, iv_prefix=iv_prefix)
    content = tiny.message(lengths)
    reader = RangeReader.open(fetch_from(content), len(content), tiny.open_key)
    assert b"".join(reader.read()) == tiny.plaintext(lengths)
    assert b"".join(message.decrypt([content], KnownKey(), {})) == tiny.plaintext(lengths)


def all_read(content: bytes, open_key: object) -> bytes:
    reader = RangeReader.open(fetch_from(content), len(content), open_key)  # type: ignore[arg-type]
    return b"".join(reader.read())


def test_every_flipped_byte_is_refused() -> None:
    tiny = TinyFrames(frame_length=16)
    content = bytearray(tiny.message([16, 16, 5]))
    for at in range(len(content)):
        for bit in range(8):
            content[at] ^= 1 << bit
            with pytest.raises((Tampered, KeyMissing)):
                all_read(bytes(content), tiny.open_key)
            content[at] ^= 1 << bit
    assert all_read(bytes(content), tiny.open_key) == tiny.plaintext([16, 16, 5])


def test_every_flipped_byte_of_an_sdk_message_is_refused(
    encryption_keys: EncryptionKeys, decryption_keys: DecryptionKeys
) -> None:
    content = bytearray(sealed(noise(300), encryption_keys))
    for at in range(len(content)):
        content[at] ^= 0x10
        with pytest.raises((Tampered, KeyMissing)):
            b"".join(reader_of(bytes(content), decryption_keys).read())
        content[at] ^= 0x10


def test_every_truncation_and_every_lengthening_is_refused_at_opening() -> None:
    tiny = TinyFrames(frame_length=16)
    content = tiny.message([16, 16, 5])
    for wrong in [content[:end] for end in range(len(content))] + [
        content + bytes(more) for more in range(1, 100)
    ]:
        with pytest.raises(Tampered):
            RangeReader.open(fetch_from(wrong), len(wrong), tiny.open_key)


def frames_of(content: bytes) -> tuple[bytes, list[bytes]]:
    header = parse_header(content)
    frames = Frames.of(header, len(content))
    return content[: header.length], [
        content[frames.offset(n) : frames.offset(n) + frames.stored_length(n)]
        for n in range(1, frames.full + 2)
    ]


@pytest.mark.parametrize(
    "order",
    [[1, 0, 2, 3], [0, 2, 1, 3], [0, 0, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 1, 2, 3], [0, 1, 2]],
)
def test_frames_swapped_dropped_or_doubled_are_refused(
    order: list[int], encryption_keys: EncryptionKeys, decryption_keys: DecryptionKeys
) -> None:
    header, frames = frames_of(sealed(noise(3 * F + 10), encryption_keys))
    wrong = header + b"".join(frames[number] for number in order)
    with pytest.raises(Tampered):
        b"".join(reader_of(wrong, decryption_keys).read())
    with pytest.raises(Tampered):
        b"".join(message.decrypt([wrong], decryption_keys, CONTEXT))


@pytest.mark.parametrize("splice", range(3))
def test_frames_of_another_message_are_refused(
    splice: int, encryption_keys: EncryptionKeys, decryption_keys: DecryptionKeys
) -> None:
    content = noise(2 * F + 10)
    header, frames = frames_of(sealed(content, encryption_keys))
    _, others = frames_of(sealed(content, encryption_keys))
    frames[splice] = others[splice]
    wrong = header + b"".join(frames)
    with pytest.raises(Tampered):
        b"".join(reader_of(wrong, decryption_keys).read())
    with pytest.raises(Tampered):
        b"".join(message.decrypt([wrong], decryption_keys, CONTEXT))


def test_the_header_of_another_message_is_refused(
    encryption_keys: EncryptionKeys, decryption_keys: DecryptionKeys
) -> None:
    (header, _), (_, frames) = (frames_of(sealed(noise(F + 10), encryption_keys)) for _ in range(2))
    with pytest.raises(Tampered):
        reader_of(header + b"".join(frames), decryption_keys)


def test_no_byte_of_a_damaged_frame_is_yielded(
    encryption_keys: EncryptionKeys, decryption_keys: DecryptionKeys
) -> None:
    content = bytearray(sealed(noise(3 * F), encryption_keys))
    frames = Frames.of(parse_header(bytes(content)), len(content))
    content[frames.offset(2) + 30_000] ^= 1
    reader = reader_of(bytes(content), decryption_keys)
    assert b"".join(reader.read(0, F)) == noise(3 * F)[:F]
    out = []
    with pytest.raises(Tampered):
        out.extend(reader.read(F - 1, 2 * F + 1))
    assert b"".join(out) == noise(3 * F)[F - 1 : F]


def test_no_byte_of_a_block_with_a_damaged_frame_is_yielded(
    encryption_keys: EncryptionKeys, decryption_keys: DecryptionKeys
) -> None:
    """Blocks are opened into one buffer: what lies in it before its last tag may never leave."""
    content = bytearray(sealed(noise(40 * F), encryption_keys))
    frames = Frames.of(parse_header(bytes(content)), len(content))
    content[frames.offset(20) + 30_000] ^= 1
    out: list[bytes] = []
    with pytest.raises(Tampered):
        out.extend(reader_of(bytes(content), decryption_keys).read())
    assert b"".join(out) == noise(40 * F)[: 17 * F]


def test_another_objects_context_is_refused_before_a_key_is_used(
    encryption_keys: EncryptionKeys, decryption_keys: DecryptionKeys
) -> None:
    content = sealed(b"audio", encryption_keys)
    for context in ({}, CONTEXT | {"tenant": "XD2"}):
        with pytest.raises(Tampered, match="another object"):
            RangeReader.open(fetch_from(content), len(content), open_with(decryption_keys, context))


def test_a_writer_cannot_read(
    pair: KeyPair, other_pair: KeyPair, encryption_keys: EncryptionKeys
) -> None:
    content = sealed(b"audio", encryption_keys)
    for decryption_keys in (
        DecryptionKeys(),
        DecryptionKeys.of_private_keys([other_pair.private_pem]),
    ):
        with pytest.raises(KeyMissing, match=pair.name):
            reader_of(content, decryption_keys)


def test_a_wrong_data_key_is_refused_by_the_commitment(encryption_keys: EncryptionKeys) -> None:
    content = sealed(b"audio", encryption_keys)
    with pytest.raises(Tampered, match="commits"):
        RangeReader.open(fetch_from(content), len(content), lambda _header: bytes(32))


def test_a_header_is_fetched_as_it_lies(encryption_keys: EncryptionKeys) -> None:
    content = sealed(b"audio", encryption_keys)
    header = fetch_header(fetch_from(content), len(content))
    assert isinstance(header, Header)
    assert content.startswith(header.body + header.tag)
