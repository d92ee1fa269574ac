"""Kinds that need a decoder: the same figures, the same bytes back, FLAC where tones are muted."""

import io
import itertools

import numpy as np
import pytest
import soundfile

from addon.analysis import Options, RecordingPass
from addon.analysis.compressed_input import CompressedInput
from addon.audio.decoding import Decoder
from addon.errors import UnreadableAudio
from tests.analysis.calls import RATE, converse, encoded, key_tone, passed, wav
from tests.analysis.lossy import GAP, lose_the_end, stop_early
from tests.audio.files import made

KINDS = {
    "gsm": {"format": "WAV", "subtype": "GSM610"},
    "adpcm_ima": {"format": "WAV", "subtype": "IMA_ADPCM"},
    "adpcm_ms": {"format": "WAV", "subtype": "MS_ADPCM"},
    "mp3": {"format": "MP3", "subtype": "MPEG_LAYER_III"},
    "flac": {"format": "FLAC", "subtype": "PCM_16"},
    "vorbis": {"format": "OGG", "subtype": "VORBIS"},
    "opus": {"format": "OGG", "subtype": "OPUS"},
    "aiff": {"format": "AIFF", "subtype": "PCM_16"},
    "au": {"format": "AU", "subtype": "ULAW"},
    "caf": {"format": "CAF", "subtype": "PCM_16"},
    "big-endian wav": {"format": "WAV", "subtype": "PCM_16", "endian": "BIG"},
}


def pressed(seconds: float = 8) -> np.ndarray:
    """Quiet noise on two channels, four keys pressed on the first."""
    rng = np.random.default_rng(3)
    samples = rng.standard_normal((2, int(seconds * RATE))).astype(np.float32) * 0.003
    for index in range(4):
        samples[0, 16000 + index * 2000 :][:1200] += key_tone(index, 0.15)
    return samples


@pytest.mark.parametrize("kind", KINDS)
def test_decodes_and_returns_the_bytes_unchanged(kind):
    call = converse(15, 1)
    samples = call.samples[:1] if kind == "gsm" else call.samples
    recording = encoded(samples, **KINDS[kind])
    report, archived = passed(recording)
    assert archived == recording
    assert report.archived_format == report.format
    assert report.duration_seconds == pytest.approx(call.duration, abs=0.2)
    assert report.channels == len(samples)
    assert sum(report.conversation.talk) > 3


@pytest.mark.parametrize("kind", ["mp3", "flac", "vorbis", "adpcm_ima"])
def test_muted_kinds_come_back_as_flac(kind):
    recording = encoded(pressed(), **KINDS[kind])
    report, archived = passed(recording)
    assert report.archived_format == "flac"
    assert report.participants[0].as_result("")["dtmf"]["count"] == 4
    decoded, rate = soundfile.read(io.BytesIO(archived), dtype="float32")
    original, _ = soundfile.read(io.BytesIO(recording), dtype="float32")
    muted = np.zeros(len(decoded), np.bool_)
    for start, stop in report.redaction.intervals:
        muted[int(start * rate) : int(np.ceil(stop * rate))] = True
    assert rate == RATE
    assert not decoded[muted].any()
    assert np.abs(decoded[~muted] - original[: len(decoded)][~muted]).max() < 2 / 32768


def test_deep_flac_stays_deep():
    recording = encoded(pressed() + np.float32(2**-20), format="FLAC", subtype="PCM_24")
    _, archived = passed(recording)
    before, _ = soundfile.read(io.BytesIO(recording), dtype="int32")
    after, _ = soundfile.read(io.BytesIO(archived), dtype="int32")
    assert soundfile.info(io.BytesIO(archived)).subtype == "PCM_24"
    assert np.array_equal(after[:8000], before[:8000])


def test_tones_stay_where_redaction_is_off():
    recording = encoded(pressed(), **KINDS["flac"])
    report, archived = passed(recording, Options(redact_dtmf=False))
    assert archived == recording
    assert len(report.participants[0].tones) == 4
    assert not report.redacted


@pytest.mark.parametrize("rate", [6000, 11025, 16000, 44100])
def test_other_rates_give_the_same_conversation(rate):
    import soxr

    call = converse(20, 2)
    other = soxr.resample(call.samples.T, RATE, rate).T
    at_8k, _ = passed(wav(call.samples))
    resampled, archived = passed(wav(other, rate))
    assert resampled.duration_seconds == pytest.approx(call.duration, abs=0.001)
    assert resampled.conversation.talk == pytest.approx(at_8k.conversation.talk, abs=1.0)
    assert archived == wav(other, rate)


def test_a_damaged_mp3_is_measured_as_far_as_it_goes():
    recording = bytearray(encoded(converse(20, 1).samples, **KINDS["mp3"]))
    recording[len(recording) // 2 : len(recording) // 2 + 3000] = bytes(3000)
    report, archived = passed(bytes(recording))
    assert archived == recording
    assert 5 < report.duration_seconds <= 20.2


@pytest.mark.parametrize("kind", ["mp3", "flac", "vorbis", "gsm"])
def test_truncated_files_are_measured(kind):
    recording = encoded(converse(20, 1).samples[:1], **KINDS[kind])
    half = recording[: len(recording) // 2]
    report, archived = passed(half)
    assert archived == half
    assert report.duration_seconds > 5


@pytest.mark.parametrize("junk", [b"\0" * 500, b"ID3\x04\0\0\0\0\0\x0a0123456789"])
def test_mp3_behind_something_else(junk):
    report, _ = passed(junk + encoded(converse(15, 1).samples, **KINDS["mp3"]))
    assert report.codec == "mp3"
    assert report.duration_seconds > 13


@pytest.mark.parametrize("head", [b"fLaC", b"OggS", b"ID3\x04", bytes(range(256)) * 40])
def test_what_no_decoder_reads_is_an_error(head):
    with pytest.raises(UnreadableAudio):
        passed(head + bytes(5000))


def test_more_than_two_channels_are_one_mixture():
    call = converse(20, 1)
    report, _ = passed(wav(np.concatenate([call.samples, call.samples[:1] * 0.1])))
    assert [p.role for p in report.participants] == ["mixed"]
    assert report.conversation.crosstalk is None
    assert "more than two" in report.as_result()["conversation"]["agent_talk_seconds_reason"]


def test_the_spool_holds_the_file_only_where_it_must():
    spooled = []

    def spool():
        spooled.append(io.BytesIO())
        return spooled[-1]

    one = RecordingPass(Options(), spool=spool)
    one.feed(wav(pressed()))
    list(one.finish())
    assert not spooled
    two = RecordingPass(Options(), spool=spool)
    assert two.feed(encoded(pressed(), **KINDS["flac"])) == b""
    assert len(spooled) == 1


class TestAFileThatIsNotDecodedWhole:
    """Muting would encode it anew, and what the decoder never gave would be gone from it."""

    @pytest.fixture
    def damaged(self) -> bytes:
        """A FLAC file with four keys pressed in its first half and rubbish in its second."""
        recording = bytearray(encoded(pressed(16), **KINDS["flac"]))
        middle = len(recording) * 3 // 4
        recording[middle : middle + 2000] = bytes(2000)
        return bytes(recording)

    def test_a_damaged_file_stays_as_it_was_received(self, damaged):
        report, archived = passed(damaged)
        assert archived == damaged
        self.says_that_digits_remain(report)

    @pytest.mark.parametrize("kind", ["mp3", "flac", "vorbis"])
    def test_a_decoder_that_stops_early_costs_nothing_of_the_file(self, kind, monkeypatch):
        recording = encoded(pressed(), **KINDS[kind])
        intakes = stop_early(monkeypatch)
        report, archived = passed(recording)
        assert archived == recording
        assert [source.asked_to_mute for source in intakes] == [[[]]]
        self.says_that_digits_remain(report)
        assert report.redaction.reason.startswith(GAP.rstrip("."))

    def test_a_wav_file_is_muted_in_place_as_far_as_it_was_heard(self, monkeypatch):
        recording = wav(pressed())
        stop_early(monkeypatch)
        report, archived = passed(recording)
        assert len(archived) == len(recording)
        assert archived != recording
        assert (report.redaction.status, report.redaction.reason) == ("incomplete", GAP)
        assert report.redaction.coverage["dtmf"].muted == 4

    def says_that_digits_remain(self, report):
        result = report.as_result()
        assert report.archived_format == report.format
        assert not report.redacted
        assert result["redaction"]["status"] == "incomplete"
        assert result["redaction"]["intervals"] == []
        assert result["redaction"]["coverage"]["dtmf"] == {"found": 4, "muted": 0}
        assert result["redaction"]["reason"]
        assert any("Digits may remain" in warning for warning in result["warnings"])


def test_the_frames_of_what_was_encoded_anew_are_counted_in_the_file_itself():
    recording = encoded(pressed(), **KINDS["flac"])
    report, archived = passed(recording)
    assert report.archived_frames == report.frames == soundfile.info(io.BytesIO(archived)).frames
    untouched, _ = passed(encoded(pressed()[:, :9000], **KINDS["flac"]))
    assert untouched.archived_frames is None


def test_an_encoder_that_loses_the_end_is_seen_in_the_file(monkeypatch):
    recording = encoded(pressed(), **KINDS["flac"])
    lose_the_end(monkeypatch)
    report, _ = passed(recording)
    assert report.archived_frames < report.frames


def test_damaged_files_of_every_kind_raise_nothing_else():
    """Bytes changed and cut off anywhere: figures, or the one named error."""
    import random

    rng = random.Random(5)
    samples = converse(10, 1).samples[:1, :8000]
    seeds = [encoded(samples, **kind) for kind in KINDS.values()]
    read = refused = 0
    for _ in range(150):
        recording = bytearray(rng.choice(seeds))
        for _ in range(rng.randint(1, 6)):
            recording[rng.randrange(min(len(recording), 200))] = rng.randrange(256)
        if rng.random() < 0.3:
            del recording[rng.randrange(len(recording)) :]
        try:
            report, archived = passed(bytes(recording))
        except UnreadableAudio:
            refused += 1
        else:
            read += 1
            assert report.duration_seconds > 0
            assert archived == recording or report.redacted
    assert read > 20 and refused > 20


def input_of(recording: bytes, kind: str) -> CompressedInput:
    source = CompressedInput(kind, io.BytesIO, lambda stages: None)
    source.feed(recording)
    source.measure()
    return source


SNIFFED = {"m4a": "mp4", "adts": "aac", "g722": "wav", "opus": "ogg", "vorbis": "ogg"}


@pytest.mark.parametrize("kind", ["mp3", "flac", "opus", "m4a", "amr", "webm", "g722", "adts"])
def test_a_whole_file_is_covered(kind):
    source = input_of(made(kind, 2.0), SNIFFED.get(kind, kind))
    assert not source.gap
    assert not source.source.flags


@pytest.mark.parametrize(("kind", "name"), [("mp3", "mp3"), ("flac", "flac"), ("opus", "ogg")])
def test_a_damaged_file_is_not_covered_and_still_comes_back_as_it_came(kind, name):
    recording = bytearray(made(kind, 20.0))
    middle = len(recording) // 2
    recording[middle : middle + 500] = b"\x55" * 500
    source = input_of(bytes(recording), name)
    assert source.gap.endswith(".")
    assert "damaged" in source.source.flags
    assert b"".join(source.release([])) == recording
    assert source.source.archived_format == name


@pytest.mark.parametrize("kind", ["mp3", "opus", "m4a", "amr", "webm", "g722", "adts", "vorbis"])
def test_a_muted_copy_is_as_long_as_what_was_heard(kind):
    source = input_of(made(kind, 5.0), SNIFFED.get(kind, kind))
    muted = b"".join(source.release([(1.0, 2.0)]))
    assert source.source.archived_format == "flac"
    copy, rate = soundfile.read(io.BytesIO(muted), dtype="float32")
    assert len(copy) == source.stages.totals.count
    assert not copy[rate : 2 * rate].any()
    assert copy[: rate - 1].any() and copy[2 * rate + 1 :].any()


def test_a_muted_copy_says_how_long_it_is_also_where_its_decoder_stopped_early(monkeypatch):
    source = input_of(made("mp3", 5.0), "mp3")
    blocks = Decoder.blocks

    def shorter(self):
        yield from itertools.islice(blocks(self), 1)

    monkeypatch.setattr(Decoder, "blocks", shorter)
    list(source.release([(1.0, 2.0)]))
    assert 0 < source.archived_frames < source.stages.totals.count


def test_joined_recordings_are_muted_and_archived_whole():
    """A digit in each of two MP3 files laid end to end, and in the second link of a chained Ogg."""
    for kind in ("mp3", "vorbis"):
        one = encoded(pressed(4), **KINDS[kind])
        report, archived = passed(one + one)
        assert report.participants[0].as_result("")["dtmf"]["count"] == 8
        copy, rate = soundfile.read(io.BytesIO(archived), dtype="float32")
        assert len(copy) / rate == pytest.approx(8.0, abs=0.4)
        assert report.redacted


def test_a_file_that_no_header_describes_is_heard_to_its_end():
    content = encoded(pressed(8)[:1], **KINDS["flac"])
    count = bytes([content[21] & 0xF0]) + (8000).to_bytes(4, "big")
    report, archived = passed(content[:21] + count + content[26:])
    assert report.duration_seconds == 8.0
    assert report.participants[0].as_result("")["dtmf"]["count"] == 4
    assert soundfile.info(io.BytesIO(archived)).frames == 64_000
