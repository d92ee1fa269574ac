from __future__ import annotations

import hashlib

import pytest

from addon.archive.digest import Digest
from tests.archive.recordings import noise


@pytest.mark.parametrize("length", [0, 1, 65536, 200_000])
@pytest.mark.parametrize("block", [1000, 65536])
def test_it_is_the_hash_of_all_that_passed(length: int, block: int) -> None:
    content = noise(length)
    digest = Digest()
    for at in range(0, length, block):
        digest(content[at : at + block])
    assert digest.size == length
    assert digest.sha256 == hashlib.sha256(content).hexdigest()
    assert digest.sha256 == hashlib.sha256(content).hexdigest()


def test_it_may_be_asked_in_between() -> None:
    digest = Digest()
    digest(b"one")
    assert digest.sha256 == hashlib.sha256(b"one").hexdigest()
    digest(bytearray(b"two"))
    assert digest.sha256 == hashlib.sha256(b"onetwo").hexdigest()
