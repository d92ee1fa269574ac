"""The first bytes decide how a recording is read, as early as they can."""

import io

import pytest

from addon.analysis import Options
from addon.analysis.compressed import SpooledIntake
from addon.analysis.intake import KeptWaveIntake, WaveIntake
from addon.analysis.opening import open_intake
from addon.audio.sniffing import HEAD_BYTES
from addon.errors import UnreadableAudio
from tests.analysis.calls import converse, encoded, wav
from tests.analysis.test_transcription import Scripted
from tests.analysis.waves import chunk, format_chunk, plain, riff

CALL = converse(10, 1).samples


def opened(head, options=None, *, at_end=False):
    prepared = []
    intake = open_intake(
        head, options or Options(), io.BytesIO, prepare=prepared.append, at_end=at_end
    )
    return intake, prepared


def test_plain_samples_are_read_in_place():
    intake, prepared = opened(plain())
    assert type(intake) is WaveIntake
    assert prepared == [intake.stages]


def test_with_a_transcriber_they_wait_in_the_spool():
    intake, _ = opened(plain(), Options(transcriber=Scripted()))
    assert type(intake) is KeptWaveIntake


def test_unless_spoken_numbers_stay():
    options = Options(transcriber=Scripted(), redact_spoken_numbers=False)
    assert type(opened(plain(), options)[0]) is WaveIntake


@pytest.mark.parametrize(
    "recording",
    [
        wav(CALL[:1], subtype="GSM610"),
        wav(CALL, subtype="IMA_ADPCM"),
        encoded(CALL, format="WAV", subtype="PCM_16", endian="BIG"),
        encoded(CALL, format="MP3", subtype="MPEG_LAYER_III"),
        encoded(CALL, format="FLAC", subtype="PCM_16"),
    ],
)
def test_other_kinds_wait_for_a_decoder(recording):
    assert type(opened(recording)[0]) is SpooledIntake


def test_a_header_is_waited_for():
    head = riff(chunk(b"JUNK", bytes(2000)), format_chunk(), chunk(b"data", bytes(100)))
    assert opened(head[:1500])[0] is None
    assert type(opened(head)[0]) is WaveIntake


@pytest.mark.parametrize("size", [0, 1, 11])
def test_a_few_bytes_decide_nothing(size):
    assert opened(plain()[:size])[0] is None
    assert opened(b"some text"[:size])[0] is None


def test_at_the_end_everything_is_decided():
    with pytest.raises(UnreadableAudio, match="empty"):
        opened(b"", at_end=True)
    with pytest.raises(UnreadableAudio, match="text"):
        opened(b"short", at_end=True)
    assert opened(plain()[:20], at_end=True)[0] is None  # the pass says: ends inside its header


def test_unknown_bytes_are_left_to_the_decoder():
    assert type(opened(bytes(range(256)) * 20)[0]) is SpooledIntake


def test_a_document_is_refused_as_soon_as_its_head_is_there():
    with pytest.raises(UnreadableAudio, match="HTML"):
        opened(b"<html>".ljust(HEAD_BYTES))
    assert opened(b"<html>".ljust(HEAD_BYTES - 1))[0] is None
