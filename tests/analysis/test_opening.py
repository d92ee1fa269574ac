"""The first bytes decide how a recording is read, as early as they can."""

import io

import pytest

from addon.analysis import Options
from addon.analysis.compressed_input import CompressedInput
from addon.analysis.opening import MAX_UNDECIDED_BYTES, open_input
from addon.analysis.wav_input import WavInput
from addon.audio.sniffing import HEAD_BYTES, SEARCH_BYTES
from addon.errors import UnreadableAudio
from tests.analysis.calls import converse, encoded, wav
from tests.analysis.test_transcription import Scripted
from tests.analysis.waves import chunk, format_chunk, plain, riff

CALL = converse(10, 1).samples


def opened(head, options=None, *, at_end=False):
    """The input for these first bytes, and the stages that were prepared for it."""
    prepared = []
    source = open_input(
        head, options or Options(), io.BytesIO, prepare=prepared.append, at_end=at_end
    )
    return source, prepared


def test_plain_samples_are_read_in_place():
    recording = plain()
    source, prepared = opened(recording)
    assert type(source) is WavInput
    passed = source.feed(recording)
    source.measure()
    assert prepared == [source.stages]
    assert passed + b"".join(source.release([])) == recording


@pytest.mark.parametrize(
    ("options", "waits"),
    [
        (Options(), False),
        (Options(transcriber=Scripted()), True),
        (Options(transcriber=Scripted(), redact_spoken=()), False),
    ],
)
def test_with_a_transcriber_that_mutes_they_wait_in_the_spool(options, waits):
    spools = []

    def spool():
        spools.append(io.BytesIO())
        return spools[-1]

    source = open_input(plain(), options, spool, prepare=lambda _: None, at_end=False)
    source.feed(plain())
    assert bool(spools) is waits


@pytest.mark.parametrize(
    "recording",
    [
        wav(CALL[:1], subtype="GSM610"),
        wav(CALL, subtype="IMA_ADPCM"),
        encoded(CALL, format="MP3", subtype="MPEG_LAYER_III"),
        encoded(CALL, format="FLAC", subtype="PCM_16"),
    ],
)
def test_other_kinds_wait_for_a_decoder(recording):
    assert type(opened(recording)[0]) is CompressedInput


def test_big_endian_samples_are_read_in_place():
    recording = encoded(CALL, format="WAV", subtype="PCM_16", endian="BIG")
    assert recording[:4] == b"RIFX"
    assert type(opened(recording)[0]) is WavInput


def test_a_format_is_waited_for():
    head = riff(chunk(b"JUNK", bytes(2000)), format_chunk(), chunk(b"data", bytes(100)))
    assert opened(head[:1500])[0] is None
    assert type(opened(head)[0]) is WavInput


def test_a_format_that_never_comes_is_not_waited_for():
    endless = riff(size=0xF0000000) + b"id3 " + (3 << 30).to_bytes(4, "little") + bytes(64)
    longest = endless.ljust(MAX_UNDECIDED_BYTES, b"\0")
    assert opened(longest)[0] is None
    with pytest.raises(UnreadableAudio, match="first megabytes"):
        opened(longest + b"\0")


@pytest.mark.parametrize("size", [0, 1, 11])
def test_a_few_bytes_decide_nothing(size):
    assert opened(plain()[:size])[0] is None
    assert opened(b"some text"[:size])[0] is None


def test_at_the_end_everything_is_decided():
    with pytest.raises(UnreadableAudio, match="empty"):
        opened(b"", at_end=True)
    with pytest.raises(UnreadableAudio, match="text"):
        opened(b"short", at_end=True)
    with pytest.raises(UnreadableAudio, match="ends inside its header"):
        opened(plain()[:20], at_end=True)


def test_unknown_bytes_are_left_to_the_decoder():
    noise = bytes(range(256)) * (SEARCH_BYTES // 256)
    assert type(opened(noise)[0]) is CompressedInput
    assert type(opened(noise[:5000], at_end=True)[0]) is CompressedInput


def test_a_document_is_refused_as_soon_as_its_head_is_there():
    with pytest.raises(UnreadableAudio, match="HTML"):
        opened(b"<html>".ljust(HEAD_BYTES))
    assert opened(b"<html>".ljust(HEAD_BYTES - 1))[0] is None
