"""Records of the intake store: only what was written comes back, whole and in its own place."""

from __future__ import annotations

import os

import pytest

from addon.errors import AddonError, KeyMissing, SettingsError, Tampered
from addon.requests.record_cipher import (
    FRAME_BYTES,
    ID_BYTES,
    MAGIC,
    SALT_BYTES,
    TAG_BYTES,
    RecordCipher,
)

KEY = bytes(range(32))
HEAD = len(MAGIC) + ID_BYTES + SALT_BYTES
BLOCKS = [b"first" * 100, b"second" * 100, b"third" * 100]
PLACE = ("intake/", "XR1")


def encrypted(blocks=BLOCKS, key: bytes = KEY) -> bytes:
    return b"".join(RecordCipher([key]).encrypt(blocks, *PLACE))


def decrypted(record: bytes, *place: str, cut: int = 1000) -> bytes:
    blocks = [record[start : start + cut] for start in range(0, len(record), cut)]
    return b"".join(RecordCipher([KEY]).decrypt(blocks, *(place or PLACE)))


def frames(record: bytes) -> list[bytes]:
    """The frames of BLOCKS and the last one, each with its length."""
    found, at = [], HEAD
    for size in (*map(len, BLOCKS), 0):
        end = at + 4 + size + TAG_BYTES
        found.append(record[at:end])
        at = end
    assert at == len(record)
    return found


@pytest.mark.parametrize("cut", [1, 7, 1000, 10**7])
@pytest.mark.parametrize("size", [0, 1, FRAME_BYTES - 1, FRAME_BYTES, 2 * FRAME_BYTES + 1])
def test_what_was_encrypted_comes_back_however_it_is_cut(size, cut):
    if cut < 1000 < size:
        cut = 65_537
    data = os.urandom(size)
    assert decrypted(encrypted([b"head", b"", data]), cut=cut) == b"head" + data


def test_a_small_record_is_one_piece_and_a_large_one_is_never_held_whole():
    cipher = RecordCipher([KEY])
    assert len(list(cipher.encrypt([b"head", b"x" * 100_000], *PLACE))) == 1
    pieces = list(cipher.encrypt([b"x" * 65_536] * 64, *PLACE))
    assert max(map(len, pieces)) < 2 * FRAME_BYTES


def test_two_records_of_the_same_bytes_share_nothing_but_their_form():
    first, second = encrypted(), encrypted()
    assert first[: HEAD - SALT_BYTES] == second[: HEAD - SALT_BYTES]
    assert not set(frames(first)) & set(frames(second))


def test_the_first_key_encrypts_and_each_decrypts():
    old, new = bytes(32), os.urandom(32)
    both = RecordCipher([new, old])
    for made_by, opened_by in ((RecordCipher([old]), both), (both, RecordCipher([new]))):
        for encrypt in (made_by.encrypt, made_by.encrypt_as_message):
            record = encrypt([b"words"], *PLACE)
            assert b"".join(opened_by.decrypt(record, *PLACE)) == b"words"
    with pytest.raises(SettingsError):
        RecordCipher([])


@pytest.mark.parametrize("place", [("intake/", "XR2"), ("results/", "XR1")])
def test_a_record_opens_in_its_own_place_alone(place):
    with pytest.raises(Tampered):
        decrypted(encrypted(), *place)


def test_every_flipped_byte_is_noticed():
    record = encrypted([b"a few", b"bytes"])
    for at in range(len(record)):
        changed = bytearray(record)
        changed[at] ^= 1
        with pytest.raises(AddonError):
            decrypted(bytes(changed))


def test_every_cut_and_every_addition_is_noticed():
    record = encrypted([b"a few", b"bytes"])
    for end in range(len(record)):
        with pytest.raises(AddonError):
            decrypted(record[:end])
    with pytest.raises(Tampered):
        decrypted(record + b"x")


@pytest.mark.parametrize(
    "order",
    [(1, 0, 2, 3), (0, 2, 3), (0, 1, 3), (0, 0, 1, 2, 3), (0, 1, 2), (3, 0, 1, 2, 3), (3,), ()],
)
def test_frames_that_are_moved_repeated_or_left_out_are_noticed(order):
    record = encrypted()
    each = frames(record)
    with pytest.raises(Tampered):
        decrypted(record[:HEAD] + b"".join(each[number] for number in order))


def test_a_frame_of_another_record_is_noticed():
    one, other = encrypted(), encrypted()
    mixed = [frames(one)[0], frames(other)[1], *frames(one)[2:]]
    with pytest.raises(Tampered):
        decrypted(one[:HEAD] + b"".join(mixed))


def test_an_impossible_length_asks_for_no_memory():
    record = encrypted()
    with pytest.raises(Tampered, match="impossible"):
        decrypted(record[:HEAD] + b"\xff\xff\xff\xff" + record[HEAD + 4 :])


def test_another_key_is_said_to_be_missing():
    with pytest.raises(KeyMissing):
        decrypted(encrypted(key=os.urandom(32)))


def test_a_message_of_the_sdk_opens_in_its_own_place_alone():
    old = b"".join(RecordCipher([KEY]).encrypt_as_message([b"x" * 200_000], *PLACE))
    assert decrypted(old) == b"x" * 200_000
    with pytest.raises(Tampered):
        decrypted(old, "intake/", "XR2")
    with pytest.raises(Tampered):
        decrypted(old[:-1])


def test_an_error_of_the_source_passes_through():
    def broken():
        yield b"x" * 10
        raise ConnectionError

    with pytest.raises(ConnectionError):
        b"".join(RecordCipher([KEY]).encrypt(broken(), *PLACE))
