from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from aws_encryption_sdk import CommitmentPolicy, EncryptionSDKClient
from aws_encryption_sdk.identifiers import Algorithm

from addon.archive import message
from addon.archive.keys import DecryptionKeys, EncryptionKeys
from addon.archive.layout import FRAME_LENGTH, MAX_FRAME_LENGTH, Frames, parse_header
from addon.errors import KeyMissing, SourceUnavailable, StoreUnavailable, Tampered
from tests.archive.recordings import noise

CONTEXT = {"tenant": "XD1", "recording": "RE1", "object": "audio"}
F = FRAME_LENGTH
EDGES = [0, 1, F - 1, F, F + 1, 2 * F, 3 * F + 17]


def sealed(content: bytes, encryption_keys: EncryptionKeys) -> bytes:
    return b"".join(message.encrypt([content], encryption_keys, CONTEXT))


def opened(
    content: bytes, decryption_keys: DecryptionKeys, context: dict[str, str] = CONTEXT
) -> bytes:
    return b"".join(message.decrypt([content], decryption_keys, context))


@pytest.mark.parametrize("length", EDGES)
def test_what_is_sealed_opens(
    length: int, encryption_keys: EncryptionKeys, decryption_keys: DecryptionKeys
) -> None:
    content = noise(length)
    assert opened(sealed(content, encryption_keys), decryption_keys) == content


@pytest.mark.parametrize("length", EDGES)
def test_the_size_is_known_beforehand(length: int, encryption_keys: EncryptionKeys) -> None:
    content = sealed(noise(length), encryption_keys)
    header = parse_header(content)
    full, last = divmod(length, F)
    assert len(content) == header.length + full * (F + 32) + last + 40
    assert Frames.of(header, len(content)).plaintext_length == length


def test_blocks_of_any_size_go_in_and_frames_come_out(encryption_keys: EncryptionKeys) -> None:
    content = noise(3 * F)
    small = (content[at : at + 777] for at in range(0, len(content), 777))
    out = list(message.encrypt(small, encryption_keys, CONTEXT))
    assert all(len(block) == F for block in out[:-1])


def test_the_source_is_pulled_no_faster_than_frames_leave(encryption_keys: EncryptionKeys) -> None:
    pulled = 0

    def blocks() -> Iterator[bytes]:
        nonlocal pulled
        for _ in range(10):
            pulled += 1
            yield bytes(F)

    out = message.encrypt(blocks(), encryption_keys, CONTEXT)
    next(out)
    assert pulled <= 2


def test_every_truncation_is_refused(
    encryption_keys: EncryptionKeys, decryption_keys: DecryptionKeys
) -> None:
    content = sealed(noise(50), encryption_keys)
    for end in range(len(content)):
        with pytest.raises(Tampered):
            opened(content[:end], decryption_keys)


def test_every_flipped_byte_is_refused(
    encryption_keys: EncryptionKeys, decryption_keys: DecryptionKeys
) -> None:
    content = bytearray(sealed(noise(50), encryption_keys))
    for at in range(len(content)):
        content[at] ^= 1 << at % 8
        with pytest.raises((Tampered, KeyMissing)):
            opened(bytes(content), decryption_keys)
        content[at] ^= 1 << at % 8
    assert opened(bytes(content), decryption_keys) == noise(50)


def test_bytes_behind_the_end_are_refused(
    encryption_keys: EncryptionKeys, decryption_keys: DecryptionKeys
) -> None:
    with pytest.raises(Tampered, match="behind the end"):
        opened(sealed(b"x", encryption_keys) + b"!", decryption_keys)


@pytest.mark.parametrize(
    "context",
    [
        {},
        CONTEXT | {"recording": "RE2"},
        CONTEXT | {"object": "analysis"},
        CONTEXT | {"more": "x"},
        {"tenant": "XD1"},
    ],
)
def test_another_objects_context_is_refused(
    context: dict[str, str], encryption_keys: EncryptionKeys, decryption_keys: DecryptionKeys
) -> None:
    with pytest.raises(Tampered, match="another object"):
        opened(sealed(b"x", encryption_keys), decryption_keys, context)


def test_what_precedes_damage_is_not_the_end(
    encryption_keys: EncryptionKeys, decryption_keys: DecryptionKeys
) -> None:
    """Frames before the damage are yielded: the exception is what forbids publishing them."""
    content = sealed(noise(3 * F), encryption_keys)
    blocks = message.decrypt([content[: len(content) - 50]], decryption_keys, CONTEXT)
    seen = 0
    with pytest.raises(Tampered):
        for block in blocks:
            seen += len(block)
    assert seen > 0


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every stream that the SDK was asked for."""
    made: list[Any] = []
    client = message._CLIENT

    class Watching:
        def stream(self, **options: Any) -> Any:
            made.append(client.stream(**options))
            return made[-1]

    monkeypatch.setattr(message, "_CLIENT", Watching())
    return made


def test_a_message_that_is_left_early_leaves_no_open_stream(
    encryption_keys: EncryptionKeys, decryption_keys: DecryptionKeys, streams: list[Any]
) -> None:
    """Python 3.13 reported every one of them on standard error."""
    content = sealed(noise(3 * F), encryption_keys)
    blocks = message.decrypt([content], decryption_keys, CONTEXT)
    next(blocks)
    blocks.close()  # type: ignore[attr-defined]
    with pytest.raises(Tampered):
        opened(content, decryption_keys, {"tenant": "XD2"})
    with pytest.raises(Tampered):
        opened(content[:-1], decryption_keys)
    assert [stream.closed for stream in streams[1:]] == [True] * 3


@pytest.mark.parametrize("error", [SourceUnavailable("gone"), StoreUnavailable("away")])
def test_an_error_of_the_source_stays_what_it_is(
    error: Exception, encryption_keys: EncryptionKeys, decryption_keys: DecryptionKeys
) -> None:
    content = sealed(noise(2 * F), encryption_keys)

    def broken(part: bytes) -> Iterator[bytes]:
        yield part
        raise error

    with pytest.raises(type(error)):
        list(message.decrypt(broken(content[: F + 1000]), decryption_keys, CONTEXT))
    with pytest.raises(type(error)):
        list(message.encrypt(broken(noise(F + 5)), encryption_keys, CONTEXT))


@pytest.mark.parametrize(
    ("algorithm", "frame_length"),
    [
        (Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY_ECDSA_P384, F),
        (Algorithm.AES_256_GCM_IV12_TAG16_HKDF_SHA256, F),
        (Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY, 0),
        (Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY, MAX_FRAME_LENGTH + 4096),
    ],
)
def test_other_suites_and_frames_are_refused(
    algorithm: Algorithm,
    frame_length: int,
    encryption_keys: EncryptionKeys,
    decryption_keys: DecryptionKeys,
) -> None:
    client = EncryptionSDKClient(commitment_policy=CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT)
    if algorithm.is_committing():
        client = EncryptionSDKClient()
    content, _ = client.encrypt(
        source=b"audio",
        key_provider=encryption_keys.provider(),
        algorithm=algorithm,
        frame_length=frame_length,
        encryption_context=CONTEXT,
    )
    with pytest.raises(Tampered):
        opened(content, decryption_keys)


def test_two_messages_never_share_a_key_or_an_id(encryption_keys: EncryptionKeys) -> None:
    one, two = (parse_header(sealed(b"same", encryption_keys)) for _ in range(2))
    assert one.message_id != two.message_id
    assert one.commitment != two.commitment
