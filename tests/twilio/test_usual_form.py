"""The pass over a usual body reads it as the library's decoder does, or leaves it to that."""

from __future__ import annotations

import io
import random
from dataclasses import replace

import pytest

from addon.errors import AddonError
from addon.twilio import multipart
from addon.twilio.usual_form import MAX_FIELDS, Part, usual_parts

BOUNDARY = "bndry77"
USUAL = (
    b"--bndry77\r\n"
    b'Content-Disposition: form-data; name="duration"\r\n\r\n4\r\n'
    b"--bndry77\r\n"
    b'Content-Disposition: form-data; name="audio-data"; filename="a b.wav"\r\n'
    b"Content-Type: audio/x-wav\r\n\r\nRIFF\r\n\r\n\r\n"
    b"--bndry77--\r\n"
)
PIECES = [
    *(
        b"--bndry77",
        b"--bndry77--",
        b"\r\n",
        b"\r\n\r\n",
        b"\n",
        b"\r",
        b" ",
        b"-",
        b"--",
        b"x",
        b"=",
    ),
    b'Content-Disposition: form-data; name="a"',
    b'content-disposition: form-data; name="b"',
    b"Content-Disposition: form-data; name=c",
    b'Content-Disposition: form-data; name="d"; filename="d.wav"',
    b'Content-Disposition: form-data; name="audio"; filename=""',
    b'Content-Disposition: form-data; name="%22e\\""',
    b'Content-Disposition: form-data; name="audio"',
    b"Content-Type: audio/wav",
    b"Content-Type: text/plain; charset=iso-8859-1",
    b"Content-Type: ",
    b"\xfc\xff\x00",
    b"--bndry7",
]


def parsed(content: bytes) -> object:
    """All that parsing gives or raises."""
    sink = io.BytesIO()
    environ = {
        "wsgi.input": io.BytesIO(content),
        "CONTENT_LENGTH": str(len(content)),
        "CONTENT_TYPE": f"multipart/form-data; boundary={BOUNDARY}",
    }
    try:
        body = multipart.parse(environ, lambda: sink)
    except AddonError as error:
        return type(error), error.message
    audio = replace(body.audio, sink=None) if body.audio else None
    return list(body.fields.items(multi=True)), audio, sink.getvalue(), body.sha256


def test_a_usual_body_is_cut_at_its_boundaries():
    assert usual_parts(USUAL, b"--bndry77") == [
        (Part("duration", None, None), b"4"),
        (Part("audio-data", "a b.wav", "audio/x-wav"), b"RIFF\r\n\r\n"),
    ]


def same_by_both(content: bytes, monkeypatch: pytest.MonkeyPatch) -> bool:
    """The same comes out with and without the pass; True where it was the pass that read it."""
    by_pass = parsed(content)
    with monkeypatch.context() as patch:
        patch.setattr(multipart, "usual_parts", lambda *_: None)
        assert parsed(content) == by_pass, content
    return usual_parts(content, b"--bndry77") is not None


def test_whatever_is_changed_in_a_usual_body_is_read_as_the_decoder_reads_it(monkeypatch):
    dice, read = random.Random(15), 0
    for _ in range(3000):
        content = bytearray(USUAL)
        for _ in range(dice.randrange(1, 4)):
            at = dice.randrange(len(content) + 1)
            content[at : at + dice.choice((0, 0, 1, 2, 9))] = dice.choice(PIECES)
        read += same_by_both(bytes(content), monkeypatch)
    assert read > 100


def test_whatever_is_put_together_is_read_as_the_decoder_reads_it(monkeypatch):
    dice, read = random.Random(16), 0
    begin, head = b"--bndry77\r\n", PIECES[11]
    for _ in range(3000):
        middle = b"".join(dice.choices(PIECES, k=dice.randrange(6)))
        content = (
            begin + head + b"\r\n\r\n" + middle + b"\r\n--bndry77--" + dice.choice((b"", b"\r\n"))
        )
        read += same_by_both(content, monkeypatch)
    assert read > 100


@pytest.mark.parametrize("count", [MAX_FIELDS, MAX_FIELDS + 1])
def test_it_has_the_decoders_limits(monkeypatch, count):
    part = b'--bndry77\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n'
    assert same_by_both(part * count + b"--bndry77--", monkeypatch) == (count == MAX_FIELDS)


@pytest.mark.parametrize(
    "content", [b"", b"--bndry77", b"--bndry77--", b"--bndry77\r\n", USUAL[:-4]]
)
def test_what_is_not_whole_is_judged_by_the_decoder(monkeypatch, content):
    assert same_by_both(content, monkeypatch) == (content == b"--bndry77--")
