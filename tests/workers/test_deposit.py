"""The archive never holds less than what came, and its manifest says whether digits may remain."""

from __future__ import annotations

import io
import os
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import soundfile

from addon.analysis.wav_input import WavInput
from addon.archive.archive import Archive
from addon.archive.deposit import Deposit
from addon.archive.manifest import RecordingFacts
from addon.errors import Withheld
from addon.playback.player import Player
from addon.requests.state import WAITING
from tests.analysis.calls import RATE, converse, encoded, key_tone
from tests.analysis.calls import wav as speech
from tests.analysis.lossy import lose_the_end, stop_early
from tests.analysis.test_transcription import Scripted
from tests.calls import wav
from tests.conftest import ACCOUNT
from tests.web.requests import INSTALL
from workers import deposit, process
from workers.deliver import deliver
from workers.services import Services

TOO_SHORT = 64405
UNREADABLE = b"RIFF\x00\x00\x00\x00WAVEfmt " + bytes(range(256)) * 8


@pytest.fixture
def reader(settings) -> Archive:
    return Archive.from_settings(settings)


@pytest.fixture
def worked(accept, as_worker, reader):
    """Accepts a recording, does its work, and gives the answer, its facts and what is archived."""

    def work(audio: bytes) -> tuple[dict[str, Any], RecordingFacts, bytes]:
        exchange = accept(audio)
        process.process(exchange.sid)
        deliver(exchange.sid)
        (callback,) = exchange.callbacks
        facts = reader.manifest(INSTALL, exchange.sid).facts
        stored = b"".join(reader.open(INSTALL, exchange.sid).read())
        return callback.document(), facts, stored

    return work


def pressed(seconds: float = 10.0, **kind: str) -> bytes:
    """A recording with four keys pressed in its second second."""
    rng = np.random.default_rng(11)
    samples = rng.standard_normal((2, int(seconds * RATE))).astype(np.float32) * 0.003
    for index in range(4):
        samples[0, RATE + index * 2000 :][:1200] += key_tone(index, 0.15)
    return encoded(samples, **(kind or {"format": "FLAC", "subtype": "PCM_16"}))


def test_an_encoder_that_loses_the_end_commits_nothing_of_it(worked, monkeypatch):
    recording = pressed()
    lose_the_end(monkeypatch)
    answer, facts, stored = worked(recording)
    assert (answer["status"], answer["code"]) == ("failed", TOO_SHORT)
    assert stored == recording
    assert (facts.redaction, facts.redacted, facts.format) == ("incomplete", False, "flac")


def test_an_input_that_keeps_bytes_back_commits_nothing_of_it(worked, monkeypatch):
    release = WavInput.release

    def all_but_the_last_second(self, muted):
        yield b"".join(release(self, muted))[: -4 * RATE]

    monkeypatch.setattr(WavInput, "release", all_but_the_last_second)
    recording = wav(3.0)
    answer, facts, stored = worked(recording)
    assert (answer["status"], answer["code"]) == ("failed", TOO_SHORT)
    assert stored == recording
    assert facts.redaction == "incomplete"


def test_other_bytes_of_the_same_length_are_no_archive_either(worked, monkeypatch):
    release = WavInput.release

    def changed(self, muted):
        yield b"".join(release(self, muted))[:-1] + b"\x55"

    monkeypatch.setattr(WavInput, "release", changed)
    recording = wav(3.0)
    answer, _, stored = worked(recording)
    assert answer["code"] == TOO_SHORT
    assert stored == recording


def test_a_decoder_that_stops_early_costs_nothing_of_the_recording(worked, monkeypatch):
    recording = pressed(format="MP3", subtype="MPEG_LAYER_III")
    stop_early(monkeypatch)
    check_kept_as_received(recording, *worked(recording))


def test_a_damaged_file_is_kept_as_it_was_received(worked):
    recording = bytearray(pressed())
    at = len(recording) * 3 // 4
    recording[at : at + 2000] = bytes(2000)
    check_kept_as_received(bytes(recording), *worked(bytes(recording)))


def check_kept_as_received(recording: bytes, answer: Any, facts: Any, stored: bytes) -> None:
    assert answer["status"] == "successful"
    assert stored == recording
    redaction = answer["result"]["redaction"]
    assert (redaction["status"], redaction["intervals"]) == ("incomplete", [])
    assert redaction["coverage"]["dtmf"]["found"] >= 4
    assert redaction["coverage"]["dtmf"]["muted"] == 0
    assert any("Digits may remain" in warning for warning in answer["result"]["warnings"])
    assert answer["result"]["archive"]["redacted"] is False
    assert (facts.redaction, facts.redaction_reason) == ("incomplete", redaction["reason"])


def test_what_was_encoded_anew_is_as_long_as_what_was_heard(worked):
    recording = pressed(format="OGG", subtype="VORBIS")
    answer, facts, stored = worked(recording)
    assert answer["result"]["redaction"]["status"] == "complete"
    assert (facts.redaction, facts.redacted, facts.format) == ("complete", True, "flac")
    received, archived = (soundfile.info(io.BytesIO(content)) for content in (recording, stored))
    assert archived.frames == received.frames


def test_what_nothing_reads_is_whole_and_says_that_digits_may_remain(worked):
    answer, facts, stored = worked(UNREADABLE)
    assert answer["code"] == 64401
    assert stored == UNREADABLE
    assert facts.redaction == "incomplete"
    assert "nothing here could analyse it" in facts.redaction_reason


@pytest.mark.parametrize("recording", [wav(1.0), UNREADABLE], ids=["read", "unreadable"])
def test_where_nothing_is_to_be_muted_the_manifest_says_so(
    worked, services, monkeypatch, recording
):
    off = replace(services, settings=services.settings.replace(redact_dtmf="off"))
    monkeypatch.setattr("workers.services._made", {os.getpid(): off})
    _, facts, stored = worked(recording)
    assert stored == recording
    assert (facts.redaction, facts.redaction_reason) == ("off", None)


def test_a_store_that_takes_less_than_an_unreadable_recording_has_is_asked_again(
    accept, as_worker, reader, monkeypatch
):
    exchange = accept(UNREADABLE)
    seal = Deposit._seal

    def loses_a_byte(self, part, key, blocks):
        return seal(self, part, key, [b"".join(blocks)[:-1]])

    with monkeypatch.context() as patch:
        patch.setattr(Deposit, "_seal", loses_a_byte)
        process.process(exchange.sid)
    assert as_worker.states.get(exchange.sid).state == WAITING
    assert as_worker.intake_store.is_waiting(exchange.sid)
    process.process(exchange.sid)
    assert b"".join(reader.open(INSTALL, exchange.sid).read()) == UNREADABLE


class TestRequired:
    """REDACT_DTMF=required: everything is archived, and what may hold digits is not played."""

    @pytest.fixture
    def as_worker(self, services, monkeypatch) -> Services:
        strict = replace(services, settings=services.settings.replace(redact_dtmf="required"))
        monkeypatch.setattr("workers.services._made", {os.getpid(): strict})
        return strict

    @pytest.mark.parametrize("recording", [wav(1.0), pressed(4.0)], ids=["wav", "encoded anew"])
    def test_what_is_redacted_completely_is_played(self, worked, reader, recording):
        answer, facts, stored = worked(recording)
        assert facts.redaction == "complete"
        player = Player(reader, redaction_required=True)
        sound = player.recording(INSTALL, answer["request_sid"])
        assert b"".join(sound.read(0, sound.length)) == stored

    def test_what_nothing_reads_is_kept_and_not_played(self, worked, reader):
        answer, facts, stored = worked(UNREADABLE)
        assert (facts.redaction, stored) == ("incomplete", UNREADABLE)
        with pytest.raises(Withheld):
            Player(reader, redaction_required=True).recording(INSTALL, answer["request_sid"])

    def test_what_twilio_encrypted_and_nobody_here_opens_is_not_played(self, flex):
        flex.configure(redact_dtmf="required")
        details = {"encryption_public_key_sid": "CR1", "encryption_cek": "x", "encryption_iv": "y"}
        recording = flex.record(audio=os.urandom(5000), encryption_details=details)
        flex.announce(recording)
        flex.work(recording)
        assert flex.reader.manifest(ACCOUNT, recording).facts.redaction == "incomplete"
        with pytest.raises(Withheld):
            Player(flex.reader, redaction_required=True).recording(ACCOUNT, recording)


class Speaking(Scripted):
    """Hears the same two words, one of a kind, in every piece."""

    def __init__(self):
        super().__init__("absolutely xylophone.")


def test_words_are_nowhere_but_in_the_archive_and_in_the_result(
    accept, as_worker, redis_server, settings, reader, monkeypatch, printed
):
    """Not in a file, in Redis, in a log or in a metric; the archive holds them encrypted."""
    monkeypatch.setattr(deposit, "open_transcriber", lambda setting: Speaking())
    exchange = accept(speech(converse(30, 1).samples))
    process.process(exchange.sid)
    deliver(exchange.sid)
    (callback,) = exchange.callbacks
    assert "xylophone" in str(callback.document()["result"]["transcript"])
    kept = reader.analysis(INSTALL, exchange.sid)
    assert "xylophone" in str(kept["result"]["transcript"])
    files = [path for path in settings.data_dir.rglob("*") if path.is_file()]
    assert any(path.name == "analysis.esdk" for path in files)
    assert [path for path in files if b"xylophone" in path.read_bytes()] == []
    keys = redis_server.keys()
    assert len(keys) > 3
    assert [key for key in keys if b"xylophone" in _all_of(redis_server, key)] == []
    said = printed()
    assert exchange.sid in said and "xylophone" not in said


def _all_of(connection, key: bytes) -> bytes:
    """Everything under a key of Redis, whatever its type."""
    read = {
        b"string": connection.get,
        b"hash": connection.hgetall,
        b"list": lambda name: connection.lrange(name, 0, -1),
        b"set": connection.smembers,
        b"zset": lambda name: connection.zrange(name, 0, -1, withscores=True),
        b"stream": connection.xrange,
    }
    content = str(read[connection.type(key)](key)).encode()
    # RQ deflates what a job carries.
    return content + b"".join(_inflated(one) for one in _values(connection, key))


def _values(connection, key: bytes) -> list[bytes]:
    return list(connection.hgetall(key).values()) if connection.type(key) == b"hash" else []


def _inflated(content: bytes) -> bytes:
    try:
        return zlib.decompress(content)
    except zlib.error:
        return b""
