"""Rows of frames: one is believed where its like follows, all else is passed over and counted."""

import io

import pytest

from addon.audio.framing import Format, Header, frames_of
from addon.audio.packets import Window


def parse(head: bytes) -> Header | None:
    """Frames of ten bytes: 0xFA, a kind, eight bytes of content."""
    if len(head) < 2 or head[0] != 0xFA:
        return None
    return Header(10, 80, 8000, 1, chr(head[1]))


FORM = Format(parse, 2, b"\xfa", confirm=2)


def frame(kind: str = "a") -> bytes:
    return b"\xfa" + kind.encode() + bytes(8)


def found(content: bytes, form: Format = FORM) -> list[tuple[int, bool, int, bool]]:
    rows = frames_of(Window(io.BytesIO(content)), form)
    return [(one.position, one.header is not None, one.lost, one.zeros) for one in rows]


def test_a_row_of_frames_is_found_whole():
    assert found(frame() * 3) == [(0, True, 0, True), (10, True, 0, True), (20, True, 0, True),
                                  (30, False, 0, True)]  # fmt: skip


@pytest.mark.parametrize(("between", "zeros"), [(bytes(7), True), (b"\xfaxrubbish", False)])
def test_bytes_that_are_no_frame_are_counted(between, zeros):
    rows = found(frame() * 2 + between + frame() * 2)
    assert rows[2] == (20 + len(between), True, len(between), zeros)


def test_tags_are_passed_over_and_not_lost():
    rows = found(frame() * 2 + b"TAG" + bytes(125) + frame() * 2)
    assert rows[2] == (148, True, 0, True)


def test_a_frame_that_no_other_follows_is_not_believed():
    assert found(b"\x01" * 5 + frame() + b"\x01" * 30)[0] == (45, False, 45, False)


def test_a_marker_may_stand_between_joined_files():
    form = FORM._replace(marker=b"#!X")
    rows = found(b"#!X" + frame() * 2 + b"#!X" + frame() * 2, form)
    assert [row[0] for row in rows if row[1]] == [3, 13, 26, 36]
    assert not any(row[2] for row in rows)


def test_a_cut_last_frame_is_lost():
    assert found(frame() * 3 + frame()[:4])[-1] == (34, False, 4, False)


def test_work_grows_with_the_bytes():
    """Each position is searched once, however often the search comes back."""
    looked_at = 0

    def counted(head: bytes) -> Header | None:
        nonlocal looked_at
        looked_at += 1
        return parse(head)

    rubbish = (b"\xfaq" + b"\x01" * 30) * 2000
    found(rubbish, FORM._replace(parse=counted))
    assert looked_at < len(rubbish)
