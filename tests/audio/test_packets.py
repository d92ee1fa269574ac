"""The window on a file: every byte read once when walking forward, regions laid end to end."""

import io
import random

import pytest

from addon.audio import packets
from addon.audio.packets import Window

CONTENT = random.Random(1).randbytes(5000)


class Counting(io.BytesIO):
    """Gives at most 100 bytes at once, as a network does, and counts them."""

    given = 0

    def read(self, count: int | None = -1, /) -> bytes:
        block = super().read(min(100, count or 0))
        self.given += len(block)
        return block


@pytest.mark.parametrize("blocks", [64, 1 << 18])
def test_any_part_is_read_whole(blocks, monkeypatch):
    monkeypatch.setattr(packets, "WINDOW_BYTES", blocks)
    window, rng = Window(Counting(CONTENT)), random.Random(2)
    for _ in range(300):
        at, count = rng.randrange(5100), rng.randrange(400)
        assert window.read(at, count) == CONTENT[at : at + count]


@pytest.mark.parametrize("blocks", [64, 1 << 18])
def test_a_search_finds_the_first_place_in_its_range(blocks, monkeypatch):
    monkeypatch.setattr(packets, "WINDOW_BYTES", blocks)
    window, rng = Window(Counting(CONTENT)), random.Random(3)
    for _ in range(300):
        at, start, size = rng.randrange(5000), rng.randrange(5000), rng.choice([1, 2, 4])
        wanted = CONTENT[at : at + size]
        stop = rng.choice([None, rng.randrange(5000)])
        end = len(CONTENT) if stop is None else stop + len(wanted) - 1
        assert window.find(wanted, start, stop) == CONTENT.find(wanted, start, end)


def test_walking_forward_reads_every_byte_once(monkeypatch):
    monkeypatch.setattr(packets, "WINDOW_BYTES", 256)
    file = Counting(CONTENT)
    window = Window(file)
    for at in range(0, 5000, 50):
        window.read(at, 50)
    assert file.given == 5000


def test_regions_are_laid_end_to_end():
    window = Window(io.BytesIO(CONTENT), [(10, 20), (100, 150), (4990, 5000)])
    laid = CONTENT[10:20] + CONTENT[100:150] + CONTENT[4990:]
    assert window.size == 70
    assert window.read(0, 100) == laid
    assert window.read(5, 60) == laid[5:65]
    assert window.find(laid[58:64], 0) == 58


def test_an_earlier_end_hides_what_follows():
    window = Window(io.BytesIO(CONTENT)).cut(100)
    assert window.read(90, 50) == CONTENT[90:100]
    assert window.find(CONTENT[200:210], 0) == -1
