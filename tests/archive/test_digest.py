from __future__ import annotations

import hashlib
from concurrent.futures import Executor, Future, ThreadPoolExecutor

import pytest

from addon.archive.digest import BATCH_SIZE, Digest
from tests.archive.recordings import noise


@pytest.mark.parametrize("length", [0, 1, BATCH_SIZE - 1, BATCH_SIZE, 3 * BATCH_SIZE + 7])
@pytest.mark.parametrize("block", [1000, 65536, 5_000_000])
def test_it_is_the_hash_of_all_that_passed(length: int, block: int) -> None:
    content = noise(length)
    with ThreadPoolExecutor(1) as pool:
        digest = Digest(pool)
        for at in range(0, length, block):
            digest(content[at : at + block])
        assert digest.size == length
        assert digest.sha256 == hashlib.sha256(content).hexdigest()
        assert digest.sha256 == hashlib.sha256(content).hexdigest()


def test_it_may_be_asked_in_between() -> None:
    with ThreadPoolExecutor(1) as pool:
        digest = Digest(pool)
        digest(b"one")
        assert digest.sha256 == hashlib.sha256(b"one").hexdigest()
        digest(b"two")
        assert digest.sha256 == hashlib.sha256(b"onetwo").hexdigest()


def test_a_short_stream_needs_no_thread() -> None:
    class NoPool(Executor):
        def submit(self, *_: object, **__: object) -> Future[None]:  # type: ignore[override]
            raise AssertionError("a thread was asked for")

    digest = Digest(NoPool())
    digest(bytes(BATCH_SIZE - 1))
    assert digest.sha256 == hashlib.sha256(bytes(BATCH_SIZE - 1)).hexdigest()
