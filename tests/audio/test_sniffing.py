"""The first bytes: audio by its kind, and everything else by what it looks like."""

import pytest

from addon.audio.sniffing import describe, sniff
from addon.errors import UnreadableAudio
from tests.analysis.calls import converse, encoded, passed, wav

DOCUMENTS = {
    b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>': "XML",
    b"\xef\xbb\xbf  <!DOCTYPE html><html><body>502</body></html>": "HTML",
    b"<html><head></head></html>": "HTML",
    b'{"code": 20404, "message": "The requested resource was not found"}': "JSON",
    b"[]": "JSON",
    b"<TwilioResponse/>": "markup",
    b"upstream connect error or disconnect": "text",
    b"": "empty",
}


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("wav", {"format": "WAV", "subtype": "PCM_16"}),
        ("mp3", {"format": "MP3", "subtype": "MPEG_LAYER_III"}),
        ("flac", {"format": "FLAC", "subtype": "PCM_16"}),
        ("ogg", {"format": "OGG", "subtype": "OPUS"}),
        ("aiff", {"format": "AIFF", "subtype": "PCM_16"}),
        ("au", {"format": "AU", "subtype": "ULAW"}),
        ("caf", {"format": "CAF", "subtype": "PCM_16"}),
    ],
)
def test_recognises(kind, how):
    assert sniff(encoded(converse(10, 1).samples, **how)) == kind


@pytest.mark.parametrize("magic", [b"RF64", b"BW64", b"RIFX"])
def test_recognises_relatives_of_riff(magic):
    assert sniff(magic + b"\xff\xff\xff\xffWAVE") == "wav"


def test_recognises_mp3_behind_junk_but_not_chance():
    frames = encoded(converse(10, 1).samples, format="MP3", subtype="MPEG_LAYER_III")
    assert sniff(b"junk" * 100 + frames) == "mp3"
    assert sniff(b"\xff\xf3\x48\xc4" + b"\x55" * 3000) is None


@pytest.mark.parametrize(("document", "name"), DOCUMENTS.items())
def test_documents_are_no_audio_and_are_named(document, name):
    assert sniff(document) is None
    assert name.lower() in describe(document).lower()
    with pytest.raises(UnreadableAudio, match=f"(?i){name}"):
        passed(document)


def test_an_error_page_is_refused_before_it_has_arrived_whole():
    from addon.analysis import Options, RecordingPass

    page = b"<html>" + b"error " * 1000
    with pytest.raises(UnreadableAudio):
        RecordingPass(Options(), spool=lambda: pytest.fail("no spool needed")).feed(page)


@pytest.mark.parametrize("head", [b"\0\0\0\x20ftypM4A ", b"\x1aE\xdf\xa3", b"#!AMR\n"])
def test_kinds_that_nothing_decodes_are_named(head):
    with pytest.raises(UnreadableAudio, match="not decoded here"):
        passed(head + bytes(5000))


def test_random_bytes_are_refused():
    import random

    noise = random.Random(1).randbytes(20_000)
    with pytest.raises(UnreadableAudio):
        passed(noise)


def test_wav_needs_its_form():
    assert sniff(b"RIFF\0\0\0\0AVI LIST") is None
    assert sniff(wav(converse(10, 1).samples)[:12]) == "wav"
