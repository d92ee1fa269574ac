"""The SDK's known answers (tests/vectors/NOTICE) through the range reader (spec/ciphertext 9)."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from addon.archive.reader import RangeReader
from addon.errors import Tampered
from tests.archive.recordings import fetch_from

VECTORS = json.loads(
    (Path(__file__).parents[1] / "vectors" / "commitment-test-vectors.json").read_text()
)["tests"]
FRAMED = 2
SIGNED = b"\x02\x05\x78"


def message_of(vector: dict[str, Any]) -> bytes:
    return base64.b64decode(vector["ciphertext"])


def data_key_of(vector: dict[str, Any]) -> bytes:
    return base64.b64decode(vector["decrypted-dek"])


def kind_of(vector: dict[str, Any]) -> str:
    if message_of(vector).startswith(SIGNED):
        return "signed"
    if not vector["status"]:
        return "wrong commitment"
    # Behind the content type: frame length, commitment and tag (spec/ciphertext 6).
    return "framed" if base64.b64decode(vector["header"])[-53] == FRAMED else "unframed"


def of_kind(kind: str) -> list[Any]:
    return [
        pytest.param(vector, id=vector["comment"][:60])
        for vector in VECTORS
        if kind_of(vector) == kind
    ]


def opened(vector: dict[str, Any]) -> RangeReader:
    content = message_of(vector)
    return RangeReader.open(fetch_from(content), len(content), lambda _header: data_key_of(vector))


@pytest.mark.parametrize("vector", of_kind("framed"))
def test_a_known_message_is_read(vector: dict[str, Any]) -> None:
    plaintext = "".join(vector["plaintext-frames"]).encode()
    reader = opened(vector)
    assert reader.length == len(plaintext)
    assert b"".join(reader.read()) == plaintext


@pytest.mark.parametrize("vector", of_kind("wrong commitment"))
def test_a_wrong_commitment_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(Tampered, match="commits"):
        opened(vector)


@pytest.mark.parametrize("vector", of_kind("unframed") + of_kind("signed"))
def test_what_the_archive_never_writes_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(Tampered):
        opened(vector)


def test_the_vectors_are_all_there() -> None:
    kinds = [kind_of(vector) for vector in VECTORS]
    counts = {kind: kinds.count(kind) for kind in set(kinds)}
    assert counts == {"framed": 17, "wrong commitment": 3, "unframed": 3, "signed": 23}
