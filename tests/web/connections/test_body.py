"""A body is held in memory, then encrypted on disk, and within the budget."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from addon.errors import UploadBroken
from addon.web.connections.body import (
    MEMORY_BYTES,
    SEGMENT_BYTES,
    SHORT_BYTES,
    BodyPending,
    Budget,
    PendingBody,
    ReceivedBody,
)

BLOCK = bytes(range(256)) * 256


def received(count: int, budget: Budget) -> ReceivedBody:
    body = ReceivedBody(budget)
    for _ in range(count):
        body.take(BLOCK)
    return body


@pytest.mark.parametrize("count", [0, 1, 2, 3, 40, 2 * SEGMENT_BYTES // len(BLOCK) + 3])
def test_a_body_is_read_as_it_came(count: int) -> None:
    budget = Budget(10**9)
    body = received(count, budget)
    stream = body.stream()
    assert b"".join(iter(lambda: stream.read(50_000), b"")) == BLOCK * count
    body.release()
    assert budget.left == 10**9


def test_lines_are_read_over_every_border() -> None:
    body = ReceivedBody(Budget(10**9))
    for _ in range(60_000):
        body.take(b"a line\n")
    assert body.stream().readlines() == [b"a line\n"] * 60_000
    body.release()


def test_small_bodies_are_accepted_when_the_budget_is_used_up() -> None:
    budget = Budget(0)
    small = received(MEMORY_BYTES // len(BLOCK), budget)
    assert len(small.stream().read()) == MEMORY_BYTES
    with pytest.raises(UploadBroken) as refused:
        received(MEMORY_BYTES // len(BLOCK) + 1, budget)
    assert refused.value.retry_after


def test_a_body_that_failed_raises_its_error_and_gives_its_bytes_back() -> None:
    budget = Budget(10**9)
    body = received(10, budget)
    body.fail(UploadBroken("cut"))
    assert budget.left == 10**9
    stream = body.stream()
    for _ in range(2):
        with pytest.raises(UploadBroken, match="cut"):
            stream.read(10)


def test_no_plaintext_reaches_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "spool"
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda: path.open("w+b"))
    body = received(10, Budget(10**9))
    on_disk = path.read_bytes()
    body.release()
    assert len(on_disk) > len(BLOCK)
    assert BLOCK[:64] not in on_disk


def test_the_copy_that_a_reader_makes_counts_until_the_end() -> None:
    budget = Budget(10**9)
    body = received(2 * SEGMENT_BYTES // len(BLOCK), budget)
    came = budget.left
    body.stream()
    body.stream()
    assert budget.left == came - SEGMENT_BYTES
    body.release()
    body.release()
    assert budget.left == 10**9


def test_a_reader_that_is_collected_leaves_the_budget_to_its_thread() -> None:
    budget = Budget(10**9)
    body = received(10, budget)
    del body
    assert budget.left < 10**9


def test_a_pending_body_is_no_answerable_error() -> None:
    with pytest.raises(BodyPending):
        PendingBody().read(1)
    assert not issubclass(BodyPending, Exception)


def test_a_short_body_stays_in_memory_while_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", None)
    budget = Budget(0, held=SHORT_BYTES)
    body = received(SHORT_BYTES // len(BLOCK), budget)
    assert (body.spooled, budget.held_left) == (0, MEMORY_BYTES)
    assert body.stream().read() == BLOCK * (SHORT_BYTES // len(BLOCK))
    body.release()
    assert budget.held_left == SHORT_BYTES


@pytest.mark.parametrize("held", [0, SHORT_BYTES - MEMORY_BYTES - 1])
def test_without_room_in_memory_it_goes_on_on_disk(held: int) -> None:
    budget = Budget(10**9, held)
    body = received(SHORT_BYTES // len(BLOCK), budget)
    assert body.spooled > 0
    assert body.stream().read() == BLOCK * (SHORT_BYTES // len(BLOCK))
    body.release()
    assert (budget.left, budget.held_left) == (10**9, held)


def test_a_body_that_is_not_short_goes_on_on_disk_with_room_or_without() -> None:
    budget = Budget(10**9, 10**9)
    body = received(SHORT_BYTES // len(BLOCK) + 1, budget)
    assert (body.held, body.spooled) == (SHORT_BYTES - MEMORY_BYTES, len(BLOCK))
    body.release()
    assert (budget.left, budget.held_left) == (10**9, 10**9)


def test_a_piece_that_is_refused_and_taken_later_counts_once() -> None:
    budget = Budget(0)
    body = received(MEMORY_BYTES // len(BLOCK), budget)
    with pytest.raises(UploadBroken):
        body.take(BLOCK)
    budget.left = 10**9
    body.take(BLOCK)
    assert body.received == MEMORY_BYTES + len(BLOCK)
    assert len(body.stream().read()) == body.received
    body.release()


def test_pieces_of_any_size_keep_their_order() -> None:
    body = ReceivedBody(Budget(0))
    pieces = [b"a", BLOCK, b"b" * 5000, b"c", b"d" * 4095, BLOCK[:9000], b"e"]
    for piece in pieces:
        body.take(piece)
    assert body.stream().read() == b"".join(pieces)
