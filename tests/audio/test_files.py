"""File objects: behind tags, and sent while they are written."""

import io

import pytest

from addon.audio.files import FileBehindTags, StreamedFile

TAG = b"ID3\x04\0\0\0\0\0\x05" + b"title"


@pytest.mark.parametrize("tags", [b"", TAG, TAG + TAG])
def test_a_file_begins_behind_its_tags(tags):
    file = FileBehindTags(io.BytesIO(tags + b"recording"))
    assert file.read() == b"recording"
    assert file.read() == b""
    assert (file.seek(-3, io.SEEK_END), file.read(2), file.tell()) == (6, b"in", 8)
    assert (file.seek(-4, io.SEEK_CUR), file.read(3)) == (4, b"rdi")
    assert file.seekable() and file.readable() and not file.writable()


def test_nothing_lies_before_the_first_byte():
    file = FileBehindTags(io.BytesIO(TAG + b"recording"))
    assert (file.seek(-100), file.read(3)) == (0, b"rec")
    assert (file.seek(-100, io.SEEK_END), file.read(3)) == (0, b"rec")


def test_a_file_of_tags_alone_is_empty():
    assert FileBehindTags(io.BytesIO(TAG)).read() == b""


def test_what_has_left_is_not_changed_any_more():
    out = StreamedFile()
    out.write(b"abcdef")
    out.seek(1)
    out.write(b"BC")
    assert out.take() == b"aBCdef"
    out.seek(4)
    assert out.write(b"EFghi") == 5
    out.seek(0)
    out.write(b"xx")
    assert (out.tell(), out.seek(0, 2)) == (2, 9)
    assert out.take() == b"ghi"
    assert out.take() == b""
