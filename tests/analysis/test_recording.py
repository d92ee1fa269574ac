"""The pass as its callers use it, and what its report says about the file."""

import io
from pathlib import Path

import numpy as np
import pytest

from addon.analysis import Options, RecordingPass
from addon.errors import UnreadableAudio
from tests.analysis.calls import RATE, converse, encoded, key_tone, passed, wav
from tests.analysis.test_transcription import NUMBER, Scripted

CALL = converse(20, 1)


def test_there_is_no_report_before_the_end():
    one = RecordingPass(Options(), spool=io.BytesIO)
    one.feed(wav(CALL.samples))
    with pytest.raises(AttributeError):
        _ = one.report
    for _ in one.finish():
        pass
    assert one.report.duration_seconds == 20


def test_nothing_was_fed():
    with pytest.raises(UnreadableAudio, match="empty file"):
        list(RecordingPass(Options(), spool=io.BytesIO).finish())


def test_empty_blocks_do_no_harm():
    one = RecordingPass(Options(), spool=io.BytesIO)
    recording = wav(CALL.samples)
    out = [one.feed(b""), one.feed(recording), one.feed(b""), *one.finish()]
    assert b"".join(out) == recording


def test_a_recording_that_arrives_with_its_end():
    """Fewer bytes than are needed to tell what it is, until it is complete."""
    tiny = wav(CALL.samples[:, 24_000:24_080])
    one = RecordingPass(Options(), spool=io.BytesIO)
    out = [one.feed(bytes([byte])) for byte in tiny]
    assert b"".join([*out, *one.finish()]) == tiny
    assert one.report.duration_seconds == 0.01


@pytest.mark.parametrize(
    ("kind", "format", "codec"),
    [
        ({"format": "WAV", "subtype": "ULAW"}, "wav", "pcm_mulaw"),
        ({"format": "WAV", "subtype": "GSM610"}, "wav", "gsm"),
        ({"format": "MP3", "subtype": "MPEG_LAYER_III"}, "mp3", "mp3"),
        ({"format": "OGG", "subtype": "VORBIS"}, "ogg", "vorbis"),
        ({"format": "FLAC", "subtype": "PCM_16"}, "flac", "flac"),
    ],
)
def test_the_report_names_the_file(kind, format, codec):
    report, _ = passed(encoded(CALL.samples[:1], **kind))
    audio = report.as_result()["audio"]
    assert (audio["format"], audio["codec"]) == (format, codec)
    assert audio["sample_rate_hz"] == RATE and audio["channels"] == 1
    assert report.archived_format == format


def test_two_passes_at_once_do_not_meet():
    """Each pass keeps its own state: their figures are those of each alone."""
    others = converse(20, 2, speakers=("dan", "cat"))
    recordings = [wav(CALL.samples), wav(others.samples)]
    passes = [RecordingPass(Options(), spool=io.BytesIO) for _ in recordings]
    for at in range(0, max(map(len, recordings)), 30_000):
        for one, recording in zip(passes, recordings, strict=True):
            one.feed(recording[at : at + 30_000])
    for one in passes:
        list(one.finish())
    for one, recording in zip(passes, recordings, strict=True):
        assert one.report.as_result() == passed(recording)[0].as_result()


def test_tones_and_spoken_numbers_are_muted_together():
    samples = CALL.samples.copy()
    at = 18 * RATE
    samples[1, at : at + 800] += key_tone(4, 0.1)
    recording = wav(samples)
    report, archived = passed(recording, Options(transcriber=Scripted(NUMBER)))
    assert list(report.redaction.reasons) == ["dtmf", "card_number"]
    assert report.redacted
    muted = np.frombuffer(archived[44:], "<i2").reshape(-1, 2)[at : at + 800]
    assert not muted.any()


def test_each_cause_can_be_turned_off():
    samples = CALL.samples.copy()
    samples[1, 18 * RATE : 18 * RATE + 800] += key_tone(4, 0.1)
    recording = wav(samples)
    options = Options(transcriber=Scripted(NUMBER), redact_dtmf=False)
    report, _ = passed(recording, options)
    assert list(report.redaction.reasons) == ["card_number"]
    options = Options(transcriber=Scripted(NUMBER), redact_spoken=())
    report, _ = passed(recording, options)
    assert list(report.redaction.reasons) == ["dtmf"]


@pytest.mark.parametrize("kind", [{"format": "FLAC", "subtype": "PCM_16"}])
def test_spoken_numbers_in_kinds_that_cannot_be_patched(kind):
    recording = encoded(CALL.samples, **kind)
    report, archived = passed(recording, Options(transcriber=Scripted(NUMBER)))
    assert report.archived_format == "flac"
    assert archived != recording


def test_errors_hold_nothing_of_the_recording():
    secret = b'{"token": "very-secret-value"}'
    with pytest.raises(UnreadableAudio) as refused:
        passed(secret)
    assert "secret" not in str(refused.value)


def test_the_bundled_call_holds_no_key_and_is_archived_as_it_came():
    call = (Path(__file__).parents[2] / "samples" / "call.wav").read_bytes()
    report, archived = passed(call)
    assert report.redaction.intervals == [] and archived == call
