"""Whole objects through the official SDK: sealed as a stream, and opened with every byte checked.

Writing is left to the SDK because a mistake there loses recordings for good. What `decrypt` yields
is authentic frame by frame, but only its end proves that the message is complete: nothing may be
published before.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from aws_encryption_sdk import CommitmentPolicy, EncryptionSDKClient
from aws_encryption_sdk.exceptions import EncryptKeyError, GenerateKeyError
from aws_encryption_sdk.identifiers import ContentType
from botocore.exceptions import BotoCoreError

from addon.archive.blocks import BlockSource
from addon.archive.keys import DecryptionKeys, EncryptionKeys
from addon.archive.layout import FRAME_LENGTH, MAX_FRAME_LENGTH, MAX_RECIPIENTS
from addon.archive.wrapping import ALGORITHM
from addon.errors import AddonError, StoreUnavailable, Tampered

_CLIENT = EncryptionSDKClient(
    commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT,
    max_encrypted_data_keys=MAX_RECIPIENTS,
)


def encrypt(
    blocks: Iterable[bytes], encryption_keys: EncryptionKeys, context: Mapping[str, str]
) -> Iterator[bytes]:
    """Seal `blocks` for `encryption_keys`, bound to `context`; yields ciphertext of FRAME_LENGTH.

    Reads are of one frame: other sizes cost up to ten times as much (spec/ciphertext 7). Raises
    StoreUnavailable where KMS does not give a key.
    """
    stream = _CLIENT.stream(
        mode="encrypt",
        source=BlockSource(blocks),
        key_provider=encryption_keys.provider(),
        algorithm=ALGORITHM,
        frame_length=FRAME_LENGTH,
        encryption_context=dict(context),
    )
    try:
        while block := stream.read(FRAME_LENGTH):
            yield block
    except (GenerateKeyError, EncryptKeyError, BotoCoreError) as error:
        raise StoreUnavailable("KMS does not give a key to encrypt with") from error


def decrypt(
    blocks: Iterable[bytes], decryption_keys: DecryptionKeys, context: Mapping[str, str]
) -> Iterator[bytes]:
    """Open a whole message, frame by frame; complete only once it ends without an exception.

    Raises KeyMissing; Tampered for any damage, a context other than `context`, a cut, or bytes
    behind the end (which the SDK itself lets pass). An AddonError of `blocks` passes through.
    """
    source = BlockSource(blocks)
    try:
        with _opened(source, decryption_keys, context) as stream:
            while block := stream.read(FRAME_LENGTH):
                yield block
            stream.close()
    except AddonError:
        raise
    except Exception as error:
        # A damaged message makes the SDK raise nearly anything; none of it may pass for success.
        raise Tampered("the message is damaged or incomplete") from error
    if source.read(1):
        raise Tampered("there are bytes behind the end of the message")


@contextmanager
def _opened(
    source: BlockSource, decryption_keys: DecryptionKeys, context: Mapping[str, str]
) -> Iterator[Any]:
    stream: Any = _CLIENT.stream(
        mode="decrypt-unsigned",
        source=source,
        key_provider=decryption_keys.provider(),
        max_body_length=MAX_FRAME_LENGTH,
    )
    try:
        _judge(stream.header, context)
        yield stream
    finally:
        # Its own close insists on the end of the message, and an interpreter from 3.13 on reports
        # each stream that was left before.
        io.IOBase.close(stream)


def _judge(header: Any, context: Mapping[str, str]) -> None:
    if header.algorithm is not ALGORITHM or header.content_type is not ContentType.FRAMED_DATA:
        raise Tampered("not a message of the suite that this archive writes")
    if header.encryption_context != dict(context):
        raise Tampered("the message belongs to another object")
