"""The first bytes: audio by its kind, documents by their name, and everything else unknown."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.audio.sniffing import (
    HEAD_BYTES,
    MEDIA_TYPES,
    SEARCH_BYTES,
    describe,
    is_document,
    media_type,
    sniff,
    wanted_bytes,
)
from addon.errors import UnreadableAudio
from tests.analysis.calls import converse, encoded, passed, wav

CALL = converse(10, 1).samples
MP3 = encoded(CALL, format="MP3", subtype="MPEG_LAYER_III")

DOCUMENTS = {
    b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>': "XML",
    b"\xef\xbb\xbf  <!DOCTYPE html><html><body>502</body></html>": "HTML",
    b"<html><head></head></html>": "HTML",
    b"\n\n<!-- cached --> <!-- 1 --><html><body>\xe4</body></html>": "HTML",
    "<?xml version='1.0' encoding='utf-16'?><Error/>".encode("utf-16"): "XML",
    "<html><body>Nicht gefunden</body></html>".encode("utf-16-be"): "HTML",
    "<html><body>Nicht gefunden</body></html>".encode("utf-16-le"): "HTML",
    b'{"code": 20404, "message": "The requested resource was not found"}': "JSON",
    b" \r\n[]": "JSON",
    b"<TwilioResponse/>": "markup",
    b"upstream connect error or disconnect": "text",
    ("Der Dienst ist überlastet. " * 40).encode(): "text",
}


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("wav", {"format": "WAV", "subtype": "PCM_16"}),
        ("wav", {"format": "WAV", "subtype": "PCM_16", "endian": "BIG"}),
        ("wav", {"format": "RF64", "subtype": "PCM_16"}),
        ("w64", {"format": "W64", "subtype": "PCM_16"}),
        ("mp3", {"format": "MP3", "subtype": "MPEG_LAYER_III"}),
        ("flac", {"format": "FLAC", "subtype": "PCM_16"}),
        ("ogg", {"format": "OGG", "subtype": "OPUS"}),
        ("ogg", {"format": "OGG", "subtype": "VORBIS"}),
        ("aiff", {"format": "AIFF", "subtype": "PCM_16"}),
        ("au", {"format": "AU", "subtype": "ULAW"}),
        ("caf", {"format": "CAF", "subtype": "PCM_16"}),
    ],
)
def test_recognises(kind, how):
    recording = encoded(CALL, **how)
    assert sniff(recording) == kind == sniff(recording[: wanted_bytes(recording)])
    assert kind in MEDIA_TYPES


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"RF64\xff\xff\xff\xffWAVE", "wav"),
        (b"BW64\xff\xff\xff\xffWAVE", "wav"),
        (b"RIFX\xff\xff\xff\xffWAVE", "wav"),
        (b"\0\0\0\x20ftypM4A ", "mp4"),
        (b"\0\0\0\x18ftyp3gp5", "mp4"),
        (b"\x1aE\xdf\xa3", "webm"),
        (b"#!AMR\n", "amr"),
        (b"#!AMR-WB\n", "amr-wb"),
        (b"OggS\0\2", "ogg"),
        (b"NIST_1A\n   1024\nsample_rate -i 8000\nend_head\n" + b" " * 900, "sphere"),
    ],
)
def test_recognises_by_signature(head, kind):
    assert sniff(head + bytes(5000)) == kind


def frames(header: bytes, length: int, count: int) -> bytes:
    """MPEG or ADTS frames of noise, each with the same header."""
    rng = random.Random(1)
    return b"".join(header + rng.randbytes(length - len(header)) for _ in range(count))


LAYERS = {
    "MPEG-1 layer I, 384 kbit/s, 44.1 kHz": (b"\xff\xff\xc0\x00", 416),
    "MPEG-1 layer II, 192 kbit/s, 48 kHz": (b"\xff\xfd\xa4\x00", 576),
    "MPEG-2 layer II, 64 kbit/s, 16 kHz": (b"\xff\xf5\x88\x00", 576),
    "MPEG-1 layer III, 128 kbit/s, 44.1 kHz": (b"\xff\xfb\x90\x00", 417),
    "MPEG-2 layer III, 32 kbit/s, 22.05 kHz": (b"\xff\xf3\x40\x00", 104),
    "MPEG-2.5 layer III, 8 kbit/s, 8 kHz": (b"\xff\xe3\x18\x00", 72),
}


@pytest.mark.parametrize(("header", "length"), LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("before", [b"", bytes(5000), b"junk" * 100, bytes(200_000)])
def test_recognises_each_layer_behind_zeros_or_rubbish(header, length, before):
    recording = before + frames(header, length, 12)
    assert sniff(recording) == "mp3"


def test_recognises_adts():
    assert sniff(frames(b"\xff\xf1\x6c\x40\x2e\x7f\xfc", 371, 8)) == "aac"


@pytest.mark.parametrize("count", [2, 3, 4])
def test_a_few_frames_before_a_tag_are_enough(count):
    recording = frames(b"\xff\xf5\xe4\x04", 960, count) + b"TAG".ljust(128, b"\0")
    assert sniff(recording) == "mp3"


def test_a_single_frame_is_enough_where_it_is_the_whole_file():
    assert sniff(MP3[: 2 * 72 + 10]) == "mp3"


def tag(size: int) -> bytes:
    return b"ID3\4\0\0" + bytes(size >> shift & 127 for shift in (21, 14, 7, 0)) + bytes(size)


@pytest.mark.parametrize("size", [0, 30, 5000, 1_300_000])
@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (MP3, "mp3"),
        (b"\x55" * 700 + MP3, "mp3"),
        (encoded(CALL, format="FLAC", subtype="PCM_16"), "flac"),
        (wav(CALL), "wav"),
        (frames(b"\xff\xf1\x6c\x40\x2e\x7f\xfc", 371, 8), "aac"),
    ],
)
def test_a_tag_of_any_size_is_looked_past(size, content, kind):
    recording = tag(size) + content
    assert sniff(recording) == kind
    wanted = 0
    while (more := wanted_bytes(recording[:wanted])) > wanted and wanted < len(recording):
        wanted = more
    assert sniff(recording[:wanted]) == kind


@pytest.mark.parametrize(
    "noise",
    [
        b"\xff\xf3\x48\xc4" + b"\x55" * 3000,
        random.Random(1).randbytes(SEARCH_BYTES),
        b"\xff" * SEARCH_BYTES,
        b"\x7f\xff" * 100_000,
        b"\xff\xfb\x90\x00" * 50_000,
    ],
    ids=["one header", "noise", "idle mu-law", "quiet mu-law", "headers without frames"],
)
def test_chance_is_not_taken_for_mp3(noise):
    assert sniff(noise) is None


def test_speech_without_any_header_is_of_no_kind_and_no_document():
    for subtype in ("ULAW", "ALAW", "PCM_16", "PCM_U8"):
        raw = encoded(converse(60, 2).samples[:1], format="RAW", subtype=subtype)
        assert sniff(raw) is None
        assert not is_document(raw)
        assert describe(raw) == "data of an unknown kind"


@pytest.mark.parametrize("idle", [b"\xff", b"\x7f", b"\xd5", b"\x55", b"\x80", b"\0", b"\x54\x55"])
def test_an_idle_line_is_no_document(idle):
    assert not is_document(idle * 4000)


@pytest.mark.parametrize("offset", [33, 60, 100])
def test_quiet_samples_that_spell_letters_are_no_document(offset):
    wobble = np.random.default_rng(1).integers(-3, 4, 4000)
    assert not is_document((wobble + offset).astype("<i2").tobytes())
    assert not is_document((wobble + offset).astype(">i2").tobytes())


@pytest.mark.parametrize(("document", "name"), DOCUMENTS.items())
def test_documents_are_no_audio_and_are_named(document, name):
    assert sniff(document) is None
    assert is_document(document)
    assert name.lower() in describe(document).lower()
    with pytest.raises(UnreadableAudio, match=f"(?i){name}"):
        passed(document)


def test_nothing_is_an_empty_file():
    assert sniff(b"") is None and not is_document(b"")
    assert describe(b"") == "an empty file"


@pytest.mark.parametrize("cut", range(5))
def test_a_document_cut_within_a_character_is_one(cut):
    page = ("<p>" + "Ü€𝄞" * 2000).encode()
    assert is_document(page[: HEAD_BYTES + cut])


def test_an_error_page_is_refused_before_it_has_arrived_whole():
    from addon.analysis import Options, RecordingPass

    page = b"<html>" + b"error " * 1000
    with pytest.raises(UnreadableAudio):
        RecordingPass(Options(), spool=lambda: pytest.fail("no spool needed")).feed(page)


def test_random_bytes_are_refused():
    noise = random.Random(1).randbytes(20_000)
    with pytest.raises(UnreadableAudio):
        passed(noise)


def test_wav_needs_its_form():
    assert sniff(b"RIFF\0\0\0\0AVI LIST") is None
    assert sniff(wav(converse(10, 1).samples)[:12]) == "wav"


def test_every_kind_has_a_media_type_and_nothing_else_does():
    assert media_type("wav") == "audio/x-wav"
    assert media_type("unknown") == media_type("../x") == "application/octet-stream"


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything(head):
    for start in (b"", b"ID3\3\0\0\0\0\0\1", b"\xff\xfb\x90\0", b"\xff\xfe", b"<"):
        data = start + head
        assert sniff(data) in (None, *MEDIA_TYPES)
        assert wanted_bytes(data) >= 0
        assert is_document(data) in (True, False)
        assert describe(data)


def test_a_hundred_thousand_empty_tags_are_not_walked_through_for_each_block():
    tags = b"ID3\x03\0\0\0\0\0\0" * 100_000
    assert wanted_bytes(tags) < len(tags) / 2
    assert sniff(tags) == "mp3"
