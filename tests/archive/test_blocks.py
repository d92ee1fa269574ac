from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32

from hypothesis import given
from hypothesis import strategies as st

from addon.archive.blocks import BlockSource, pieces, watched

blocks_of_any_size = st.lists(st.binary(max_size=40), max_size=12)


@given(blocks_of_any_size, st.integers(1, 50))
def test_pieces_are_the_same_bytes_in_one_size(blocks: list[bytes], size: int) -> None:
    cut = []
    for piece in pieces(blocks, size, 2):
        cut.append(bytes(piece.content))
        assert piece.crc32 == crc32(piece.content)
        assert piece.last == (len(cut) * size >= len(b"".join(blocks)))
    assert b"".join(cut) == b"".join(blocks)
    assert all(len(piece) == size for piece in cut[:-1])
    assert len(cut[-1]) <= size
    assert cut[-1] or not any(blocks)


def test_a_piece_of_many_blocks_has_the_usual_crc32() -> None:
    blocks = [bytes(range(256)) * count for count in (1, 256, 257, 700)]
    (first, last) = pieces(blocks, 200_000, 2)
    assert first.crc32 == crc32(first.content)
    assert last.crc32 == crc32(last.content)


@given(blocks_of_any_size, st.integers(1, 10), st.integers(1, 4))
def test_a_piece_stays_as_it_was_until_its_memory_is_due_again(
    blocks: list[bytes], size: int, count: int
) -> None:
    given_out: list[tuple[bytearray, bytes]] = []
    for piece in pieces(blocks, size, count):
        given_out.append((piece.content, bytes(piece.content)))
        assert all(content == copy for content, copy in given_out[-count:])
    assert len({id(content) for content, _ in given_out}) <= count


@given(blocks_of_any_size, st.integers(1, 9))
def test_reads_hold_when_blocks_share_their_memory(blocks: list[bytes], size: int) -> None:
    memory = memoryview(bytearray(40))

    def written_over() -> Iterator[memoryview]:
        for block in blocks:
            memory[: len(block)] = block
            yield memory[: len(block)]

    source, whole = BlockSource(written_over()), b"".join(blocks)
    taken = [source.read(size) for _ in range(len(whole) // size)]
    assert b"".join(taken) == whole[: len(taken) * size]
    assert source.read() == whole[len(taken) * size :]


@given(blocks_of_any_size, st.lists(st.integers(0, 30), max_size=20))
def test_reads_take_exactly_what_they_ask_for(blocks: list[bytes], sizes: list[int]) -> None:
    whole, source, at = b"".join(blocks), BlockSource(blocks), 0
    for size in sizes:
        assert source.read(size) == whole[at : at + size]
        at = min(at + size, len(whole))
    assert source.read() == whole[at:]
    assert source.read(1) == b""


@given(blocks_of_any_size, st.lists(st.integers(0, 30), max_size=20))
def test_views_are_what_reads_are(blocks: list[bytes], sizes: list[int]) -> None:
    read, viewed = BlockSource(blocks), BlockSource(blocks)
    assert [bytes(viewed.view(size)) for size in sizes] == [read.read(size) for size in sizes]
    assert viewed.read() == read.read()


def test_a_view_within_a_block_copies_nothing() -> None:
    block = b"0123456789"
    source = BlockSource([block])
    source.read(2)
    assert source.view(5).obj is block


def test_a_view_at_the_start_of_the_next_block_copies_nothing_either() -> None:
    first, second = b"01234", b"56789"
    source = BlockSource([first, second])
    assert source.view(5).obj is first
    assert source.view(5).obj is second
    assert source.view(1) == b""


def test_blocks_are_asked_for_no_sooner_than_needed() -> None:
    asked: list[bytes] = []
    source = BlockSource(watched([b"ab", b"cd", b"ef"], asked.append))
    assert source.read(3) == b"abc"
    assert asked == [b"ab", b"cd"]


def test_a_watcher_sees_every_block_before_it_passes() -> None:
    seen: list[bytes] = []
    for block in watched([b"a", b"", b"b"], seen.append):
        assert seen[-1] == block
    assert seen == [b"a", b"", b"b"]
