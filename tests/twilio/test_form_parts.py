"""The parts of a form: which is text, which is audio, and what is refused of them."""

from __future__ import annotations

import hashlib
import io

import pytest

from addon.errors import InputConflict, Rejected, UploadTooLarge
from addon.twilio.form_parts import MAX_TEXT_BYTES, Part, Parts


@pytest.fixture
def sink() -> io.BytesIO:
    return io.BytesIO()


@pytest.fixture
def parts(sink: io.BytesIO) -> Parts:
    return Parts(lambda: sink, max_audio_bytes=10)


def give(parts: Parts, part: Part, *data: bytes) -> None:
    parts.begin(part)
    for block in data[:-1]:
        parts.take(block, last=False)
    parts.take(data[-1], last=True)


def test_text_is_a_field_and_audio_goes_to_the_sink(parts: Parts, sink: io.BytesIO) -> None:
    give(parts, Part("duration", None, None), b"1", b"2")
    give(parts, Part("audio-data", "a.wav", "audio/wav"), b"RI", b"FF")
    give(parts, Part("notes", "notes.txt", None), b"neither")
    audio = parts.audio()
    assert audio is not None
    assert (audio.name, audio.filename, audio.content_type) == ("audio-data", "a.wav", "audio/wav")
    assert (audio.size, audio.sha256) == (4, hashlib.sha256(b"RIFF").hexdigest())
    assert sink.getvalue() == b"RIFF"
    assert list(parts.fields.items(multi=True)) == [("duration", "12")]


def test_text_has_its_own_charset_where_that_is_a_known_one(parts: Parts) -> None:
    give(parts, Part("a", None, "text/plain; charset=ISO-8859-1"), b"\xfc")
    give(parts, Part("b", None, "text/plain; charset=utf-7"), b"+AGE-")
    assert list(parts.fields.values()) == ["ü", "+AGE-"]


def test_without_audio_there_is_none(parts: Parts) -> None:
    give(parts, Part("audio", None, None), b"")
    assert parts.audio() is None


def test_a_second_audio_part_an_unnamed_one_and_too_much_are_refused(parts: Parts) -> None:
    with pytest.raises(Rejected):
        parts.begin(Part(None, None, None))
    with pytest.raises(Rejected):
        give(parts, Part("text", None, None), b"x" * (MAX_TEXT_BYTES + 1))
    give(parts, Part("audio", None, None), b"R")
    with pytest.raises(InputConflict):
        give(parts, Part("audio", None, None), b"R")


def test_audio_above_the_limit_is_refused(parts: Parts) -> None:
    with pytest.raises(UploadTooLarge):
        give(parts, Part("audio", None, None), b"x" * 10, b"x")
