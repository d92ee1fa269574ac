"""Ogg pages: checked by their CRC, with the bytes before them that are none."""

import io
from itertools import pairwise

import pytest

from addon.audio.ogg_pages import BEGINS, CONTINUED, ENDS, Page, pages_of
from addon.audio.packets import Window
from tests.audio.files import made


def read(content: bytes, position: int = 0) -> list[tuple[Page | None, int]]:
    return list(pages_of(Window(io.BytesIO(content)), position))


CONTENT = made("vorbis", 3.0)


def test_a_file_is_all_pages():
    pages = [page for page, _ in read(CONTENT)[:-1]]
    assert read(CONTENT)[-1] == (None, 0)
    assert not any(passed for _, passed in read(CONTENT))
    assert pages[0].flags & BEGINS and pages[-1].flags & ENDS
    assert [page.number for page in pages] == list(range(len(pages)))


def test_a_packet_that_goes_on_is_open_at_the_end_and_continued():
    pages = [page for page, _ in read(CONTENT) if page]
    for page, following in pairwise(pages):
        assert page.open_end == bool(following.flags & CONTINUED)


@pytest.mark.parametrize("place", [0, 5, 22, 26, 40])
def test_a_changed_byte_makes_it_no_page(place):
    second = read(CONTENT)[1][0]
    damaged = bytearray(CONTENT)
    damaged[second.position + place] ^= 0x10
    pages = read(bytes(damaged))
    assert len(pages) == len(read(CONTENT)) - 1
    assert pages[1][1] == read(CONTENT)[2][0].position - second.position


def test_bytes_between_and_behind_pages_are_counted():
    second = read(CONTENT)[1][0].position
    content = CONTENT[:second] + b"OggS no page" + CONTENT[second:] + b"rest"
    assert read(content)[1][1] == 12
    assert read(content)[-1] == (None, 4)


@pytest.mark.parametrize("size", [0, 3, 26, 27, 57])
def test_a_cut_page_is_none(size):
    assert read(CONTENT[:size]) == [(None, size)]
