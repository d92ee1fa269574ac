"""An upload is held in memory up to a bound, and nothing beyond is readable on the disk."""

from __future__ import annotations

import os

import pytest

from addon.web.upload import MEMORY_BYTES, Upload


@pytest.mark.parametrize("size", [0, 1, MEMORY_BYTES, MEMORY_BYTES + 1, 3 * MEMORY_BYTES])
@pytest.mark.parametrize("block", [65_536, 700_001])
def test_it_gives_what_it_took_as_often_as_it_is_asked(size, block):
    audio = os.urandom(size)
    with Upload() as upload:
        for start in range(0, size, block):
            upload.write(audio[start : start + block])
        assert b"".join(upload) == b"".join(upload) == audio


def test_only_a_long_one_is_on_disk_and_encrypted_there():
    with Upload() as upload:
        upload.write(b"spoken" * (MEMORY_BYTES // 6))
        assert upload._spool is None
        for _ in range(20):
            upload.write(b"spoken" * 20_000)
        spool = upload._spool._file
        spool.seek(0)
        content = spool.read()
    assert len(content) > MEMORY_BYTES
    assert b"spoken" not in content
    assert spool.closed


def test_one_that_is_left_gives_nothing_any_more():
    with Upload() as upload:
        upload.write(b"audio")
    assert list(upload) == []
