"""Chunked framing, however its bytes are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.errors import UploadBroken
from addon.web.connections.chunked import (
    FREE_CHUNKS,
    MAX_LINE_BYTES,
    MAX_TRAILER_BYTES,
    ChunkedDecoder,
)


def framed(chunks: list[bytes], trailer: bytes = b"") -> bytes:
    frames = [b"%X;a=b\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks if chunk]
    return b"".join(frames) + b"0\r\n" + trailer + b"\r\n"


@given(
    st.lists(st.binary(max_size=50)),
    st.sampled_from([b"", b"X: y\r\n", b"X: y\r\nZ: a\r\n"]),
    st.integers(min_value=1, max_value=40),
    st.binary(max_size=9),
)
def test_a_body_comes_whole_and_what_follows_is_left(
    chunks: list[bytes], trailer: bytes, step: int, after: bytes
) -> None:
    decoder, whole = ChunkedDecoder(), framed(chunks, trailer)
    pieces = [whole[at : at + step] for at in range(0, len(whole), step)]
    pieces[-1] += after
    assert b"".join(map(decoder.decode, pieces)) == b"".join(chunks)
    assert decoder.done
    assert decoder.rest == after


@given(st.lists(st.binary(min_size=1, max_size=50), min_size=1), st.data())
def test_a_body_that_is_cut_is_not_done(chunks: list[bytes], data: st.DataObject) -> None:
    whole = framed(chunks)
    decoder = ChunkedDecoder()
    decoder.decode(whole[: data.draw(st.integers(0, len(whole) - 1))])
    assert not decoder.done


@pytest.mark.parametrize(
    "wrong",
    [
        b"zz\r\n",
        b"\r\n",
        b"-1\r\n",
        b"0x5\r\n",
        b"+5\r\n",
        b"1" * 17 + b"\r\n",
        b"5\r\nhelloXX",
        b"1" * (MAX_LINE_BYTES + 2),
        b"5;" + b"a" * MAX_LINE_BYTES + b"\r\n",
        b"0\r\n" + b"X: y\r\n" * MAX_TRAILER_BYTES,
    ],
)
def test_what_is_no_framing_is_broken(wrong: bytes) -> None:
    with pytest.raises(UploadBroken):
        ChunkedDecoder().decode(wrong)


def test_a_body_of_tiny_chunks_is_broken() -> None:
    decoder = ChunkedDecoder()
    decoder.decode(b"1\r\nx\r\n" * FREE_CHUNKS)
    with pytest.raises(UploadBroken, match="too small"):
        decoder.decode(b"1\r\nx\r\n" * 10)
