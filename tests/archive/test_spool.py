"""The encrypted temporary file: it behaves like a file, and gives nothing away on disk."""

import os
import random
import tempfile

import pytest

from addon.archive.spool import PAGE, SLOT, SealedSpool
from addon.errors import Tampered


def test_it_behaves_like_a_file_under_random_reads_and_writes():
    dice, model = random.Random(7), bytearray()
    with SealedSpool() as spool:
        for _ in range(600):
            position = dice.randrange(len(model) + 2 * PAGE)
            spool.seek(position)
            if dice.random() < 0.5:
                data = dice.randbytes(dice.randrange(1, 2 * PAGE))
                assert spool.write(data) == len(data)
                model.extend(bytes(max(0, position - len(model))))
                model[position : position + len(data)] = data
            else:
                wanted = dice.randrange(2 * PAGE)
                assert spool.read(wanted) == bytes(model[position : position + wanted])
            assert spool.seek(0, os.SEEK_END) == len(model)


def test_a_small_spool_never_touches_the_disk():
    with SealedSpool() as spool:
        spool.write(b"x" * PAGE)
        assert spool._file is None


def test_the_disk_holds_no_plaintext():
    marker = b"my card number is four one one one " * 4000
    with SealedSpool() as spool:
        spool.write(marker)
        spool.seek(0)
        spool.read(1)
        spool._file.seek(0)
        on_disk = spool._file.read()
        assert b"card number" not in on_disk
        assert len(on_disk) > PAGE


def test_the_file_has_no_name_and_goes_with_the_spool(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    spool = SealedSpool()
    spool.write(os.urandom(3 * PAGE))
    assert list(tmp_path.iterdir()) == []
    spool.close()
    with pytest.raises(ValueError):
        spool.read(1)


def test_rewriting_a_page_never_repeats_a_nonce():
    with SealedSpool() as spool:
        nonces = set()
        for _ in range(20):
            spool.seek(0)
            spool.write(b"a")
            spool.seek(PAGE)
            spool.write(b"b")
            spool._file.seek(0)
            nonces.add(spool._file.read(12))
        assert len(nonces) == 20


@pytest.mark.parametrize("place", [0, 13, SLOT - 1])
def test_a_page_changed_on_disk_is_refused(place):
    with SealedSpool() as spool:
        spool.write(os.urandom(2 * PAGE))
        spool._file.seek(place)
        byte = spool._file.read(1)[0]
        spool._file.seek(place)
        spool._file.write(bytes([byte ^ 1]))
        spool.seek(0)
        with pytest.raises(Tampered):
            spool.read(1)


def test_pages_swapped_on_disk_are_refused():
    with SealedSpool() as spool:
        spool.write(os.urandom(3 * PAGE))
        spool._file.seek(0)
        first, second = spool._file.read(SLOT), spool._file.read(SLOT)
        spool._file.seek(0)
        spool._file.write(second + first)
        spool.seek(0)
        with pytest.raises(Tampered):
            spool.read(1)


def test_seeking_before_the_start_is_refused():
    with SealedSpool() as spool, pytest.raises(ValueError):
        spool.seek(-1)
