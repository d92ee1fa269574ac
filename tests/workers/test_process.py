"""The main job on real bytes: archived, analysed, kept for delivery, whatever happens."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pytest
import soundfile
from redis import Redis
from structlog.testing import capture_logs

from addon import log
from addon.analysis import Hints
from addon.archive.archive import Archive
from addon.call_facts import facts_of
from addon.errors import NotStored, StoreUnavailable
from addon.metrics import declarations
from addon.metrics.counters import field
from addon.requests.request import Request
from addon.requests.state import QUEUED, WAITING
from addon.settings import Settings
from tests.analysis import calls
from tests.analysis.test_transcription import Scripted
from tests.calls import wav
from tests.web.requests import INSTALL
from workers import deposit, finalise, process
from workers.deliver import deliver
from workers.sweeper import Sweeper


@pytest.fixture
def reader(settings) -> Archive:
    return Archive.from_settings(settings)


def archived(reader: Archive, name: str) -> bytes:
    return b"".join(reader.open(INSTALL, name).read())


@pytest.mark.parametrize("by_url", [False, True], ids=["upload", "url"])
def test_a_recording_is_archived_and_its_result_delivered(
    accept, as_worker, reader, market, by_url
):
    exchange = accept(wav(2.0), by_url=by_url)
    process.process(exchange.sid)
    deliver(exchange.sid)
    assert archived(reader, exchange.sid) == exchange.audio
    (callback,) = exchange.callbacks
    assert callback.authorised
    assert callback.content_type == "application/json"
    document = callback.document()
    assert (document["status"], document["request_sid"]) == ("successful", exchange.sid)
    audio = document["result"]["audio"]
    assert (audio["duration_seconds"], audio["channels"]) == (2.0, 2)
    assert audio["sha256"] == hashlib.sha256(exchange.audio).hexdigest()
    assert document["result"]["archive"]["sha256"] == hashlib.sha256(exchange.audio).hexdigest()
    assert not as_worker.intake_store.is_waiting(exchange.sid)
    assert as_worker.intake_store.outcome(exchange.sid)["answer"] == "delivered"
    assert as_worker.states.get(exchange.sid).state == "done"
    counted = as_worker.counters.read()
    assert counted[field(declarations.REDACTIONS, document["result"]["redaction"]["status"])] == 1


def in_redis(queue: Redis) -> str:
    """Every key with all that it holds, as text."""
    read = {
        b"string": queue.get,
        b"hash": queue.hgetall,
        b"list": lambda key: queue.lrange(key, 0, -1),
        b"set": queue.smembers,
        b"zset": lambda key: queue.zrange(key, 0, -1),
    }
    return "".join(f"{key}: {read[queue.type(key)](key)}\n" for key in queue.scan_iter())


def test_what_was_said_is_in_the_result_and_in_no_log_and_not_in_redis(
    accept, as_worker, reader, monkeypatch, printed
):
    script = "Qwertzuiop asdfghjkl. I want a refund and a super visor."
    monkeypatch.setattr(deposit, "open_transcriber", lambda _setting: Scripted(script))
    exchange = accept(calls.wav(calls.converse(20, 1).samples))
    process.process(exchange.sid)
    result = reader.analysis(INSTALL, exchange.sid)["result"]
    found = {each["rule"]: each for each in result["categories"]}
    assert found["refund"]["text"][0].startswith("refund")
    assert found["recording_notice"]["status"] == "missing"
    kept, said = in_redis(as_worker.redis), printed()
    assert exchange.sid in kept and exchange.sid in said
    for word in ("wertzuiop", "refund", "visor"):
        assert word not in kept and word not in said


NUMBER = "+14158675309"


@pytest.mark.parametrize("audio", [wav(1.0), bytes(range(1, 200)) * 40], ids=["read", "unread"])
def test_the_calls_facts_are_stored_encrypted_and_never_sent(
    accept, as_worker, reader, printed, audio
):
    exchange = accept(audio, configuration={"From": NUMBER, "agent": "Ada Lovelace"})
    process.process(exchange.sid)
    deliver(exchange.sid)
    facts = facts_of(reader.analysis(INSTALL, exchange.sid))
    assert (facts["from"], facts["agent"], facts["queue"]) == (NUMBER, "Ada Lovelace", None)
    (callback,) = exchange.callbacks
    objects = [as_worker.store.get(one.key) for one in as_worker.store.list("")]
    for personal in (NUMBER, "Lovelace"):
        assert personal not in str(callback.document())
        assert personal not in in_redis(as_worker.redis) and personal not in printed()
        assert not any(personal.encode() in one for one in objects)


def test_a_worker_cannot_read_what_it_wrote(accept, as_worker):
    exchange = accept()
    process.process(exchange.sid)
    with pytest.raises(Exception, match="key"):
        b"".join(as_worker.archive.open(INSTALL, exchange.sid).read())


def test_the_recording_lies_under_its_own_sid_where_that_is_known(accept, reader):
    own = "RE" + "5d" * 16
    exchange = accept(recording_sid=own)
    process.process(exchange.sid)
    assert archived(reader, own) == exchange.audio


def test_a_second_request_for_the_same_recording_never_touches_the_first(accept, reader):
    own = "RE" + "5d" * 16
    first, second = accept(wav(1.0), recording_sid=own), accept(wav(2.0), recording_sid=own)
    process.process(first.sid)
    process.process(second.sid)
    assert archived(reader, own) == first.audio
    assert archived(reader, second.sid) == second.audio


def test_running_twice_does_no_harm(accept, reader, as_worker):
    exchange = accept()
    for _ in range(3):
        process.process(exchange.sid)
        deliver(exchange.sid)
    assert len(exchange.callbacks) == 1
    assert archived(reader, exchange.sid) == exchange.audio


@pytest.mark.parametrize(
    "step",
    ["place.audio", "place.analysis", "intake_store.store_result", "place.commit", "hand_over"],
)
def test_a_crash_after_any_step_is_made_good_by_the_next_try(
    accept, as_worker, reader, monkeypatch, step
):
    exchange = accept()
    crash_after(monkeypatch, step)
    with pytest.raises(SystemError):
        process.process(exchange.sid)
    monkeypatch.undo()
    monkeypatch.setattr("workers.services._made", {__import__("os").getpid(): as_worker})
    assert as_worker.intake_store.is_waiting(exchange.sid)
    process.process(exchange.sid)
    deliver(exchange.sid)
    assert archived(reader, exchange.sid) == exchange.audio
    assert len(exchange.callbacks) == 1
    assert not as_worker.intake_store.is_waiting(exchange.sid)


def crash_after(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    from addon.archive.deposit import Deposit
    from addon.requests.intake_store import IntakeStore

    owner, name = {
        "place.audio": (Deposit, "audio"),
        "place.analysis": (Deposit, "analysis"),
        "intake_store.store_result": (IntakeStore, "store_result"),
        "place.commit": (Deposit, "commit"),
        "hand_over": (finalise, "hand_over"),
    }[step]
    real = getattr(owner, name)

    def then_crash(*args, **kwargs):
        real(*args, **kwargs)
        raise SystemError("killed here")

    monkeypatch.setattr(owner, name, then_crash)
    # A killed process takes nothing back.
    monkeypatch.setattr(Deposit, "__exit__", lambda *_: None)


def audio_of(kind: str) -> bytes:
    """Bytes whose first ones tell little or nothing."""
    samples = np.random.default_rng(1).standard_normal(16000) * 0.1
    if kind == "noise":
        return bytes(range(256)) * 40
    how = {
        "raw mu-law": {"format": "RAW", "subtype": "ULAW"},
        "W64": {"format": "W64", "subtype": "PCM_16"},
        "MP3 behind zeros": {"format": "MP3", "subtype": "MPEG_LAYER_III"},
    }[kind]
    out = io.BytesIO()
    soundfile.write(out, samples, 8000, **how)
    return bytes(3000 if "zeros" in kind else 0) + out.getvalue()


class TestFailures:
    def test_an_unreadable_upload_is_answered_and_kept_as_received(self, accept, reader):
        exchange = accept(b"RIFF\x00\x00\x00\x00WAVEfmt " + bytes(range(256)) * 8)
        process.process(exchange.sid)
        deliver(exchange.sid)
        document = exchange.callbacks[0].document()
        assert (document["status"], document["code"]) == ("failed", 64401)
        assert document["result"] is None
        assert document["message"]
        assert archived(reader, exchange.sid) == exchange.audio

    def test_an_error_page_is_answered_and_never_archived(self, accept, reader, as_worker):
        exchange = accept(
            b'<?xml version="1.0"?><TwilioResponse><Code>20404</Code></TwilioResponse>'
        )
        process.process(exchange.sid)
        deliver(exchange.sid)
        assert exchange.callbacks[0].document()["code"] == 64401
        with pytest.raises(NotStored):
            reader.open(INSTALL, exchange.sid)
        assert not as_worker.intake_store.is_waiting(exchange.sid)

    @pytest.mark.parametrize("page", [b"<html>one moment</html>", b""], ids=["page", "nothing"])
    def test_a_host_that_answers_wrongly_once_is_asked_again(self, accept, as_worker, reader, page):
        exchange = accept(by_url=True)
        audio, exchange.audio = exchange.audio, page
        process.process(exchange.sid)
        assert as_worker.states.get(exchange.sid).state == WAITING
        exchange.audio = audio
        process.process(exchange.sid)
        deliver(exchange.sid)
        assert exchange.callbacks[0].document()["status"] == "successful"
        assert archived(reader, exchange.sid) == audio

    def test_a_host_that_only_sends_pages_is_given_up_and_nothing_archived(
        self, accept, as_worker, reader
    ):
        exchange = accept(b"<html>not found</html>", by_url=True)
        for _ in range(8):
            process.process(exchange.sid)
        deliver(exchange.sid)
        document = exchange.callbacks[0].document()
        assert document["code"] == 64403
        assert document["message"].endswith("it must be the recording itself.")
        with pytest.raises(NotStored):
            reader.open(INSTALL, exchange.sid)

    @pytest.mark.parametrize("by_url", [False, True], ids=["upload", "URL"])
    @pytest.mark.parametrize("kind", ["raw mu-law", "noise", "W64", "MP3 behind zeros"])
    def test_the_same_bytes_get_the_same_answer_in_every_shape(self, accept, reader, kind, by_url):
        """Not audio that any decoder reads, or audio behind something: kept all the same."""
        exchange = accept(audio_of(kind), by_url=by_url)
        process.process(exchange.sid)
        deliver(exchange.sid)
        document = exchange.callbacks[0].document()
        readable = kind in ("W64", "MP3 behind zeros")
        assert document["status"] == ("successful" if readable else "failed")
        assert archived(reader, exchange.sid) == exchange.audio

    def test_a_refused_host_is_answered(self, accept):
        exchange = accept(by_url=True, audio_url="https://evil.example.com/a.wav")
        process.process(exchange.sid)
        deliver(exchange.sid)
        assert exchange.callbacks[0].document()["code"] == 64402

    def test_a_missing_recording_is_tried_again_and_then_given_up(self, accept, as_worker, market):
        exchange = accept(by_url=True, audio_url=f"{market.origin}/media/XRnothing")
        tries = 0
        while as_worker.intake_store.stored_result(exchange.sid) is None:
            process.process(exchange.sid)
            tries += 1
            entry = as_worker.states.get(exchange.sid)
            assert entry.state == WAITING or as_worker.intake_store.stored_result(exchange.sid)
            assert tries < 20
        deliver(exchange.sid)
        assert tries == 8
        assert exchange.callbacks[0].document()["code"] == 64403

    def test_a_store_that_fails_leaves_the_request_waiting(self, accept, as_worker, monkeypatch):
        exchange = accept()

        def fail(*_args, **_kwargs):
            raise StoreUnavailable("the bucket refused: AccessDenied")

        with monkeypatch.context() as patch, capture_logs() as lines:
            patch.setattr(process, "logger", log.get("process"))
            patch.setattr(type(as_worker.store), "put", fail)
            process.process(exchange.sid)
        assert lines[-1]["reason"] == "the bucket refused: AccessDenied"
        assert as_worker.states.get(exchange.sid).state == WAITING
        process.process(exchange.sid)
        deliver(exchange.sid)
        assert len(exchange.callbacks) == 1

    def test_what_kills_its_workers_is_archived_unanalysed(self, accept, as_worker, reader):
        exchange = accept()
        for _ in range(process.TRIES):
            as_worker.states.begin_attempt(exchange.sid, 0.0)
        process.process(exchange.sid)
        deliver(exchange.sid)
        assert exchange.callbacks[0].document()["code"] == 64404
        assert archived(reader, exchange.sid) == exchange.audio

    def test_what_could_not_be_fetched_again_is_not_called_kept(self, accept, as_worker):
        exchange = accept(by_url=True, audio_url="https://evil.example.com/a.wav")
        for _ in range(process.TRIES):
            as_worker.states.begin_attempt(exchange.sid, 0.0)
        process.process(exchange.sid)
        deliver(exchange.sid)
        document = exchange.callbacks[0].document()
        assert document["code"] == 64404
        assert "Nothing could be archived" in document["message"]

    def test_what_kills_even_that_stays_in_the_intake(self, accept, as_worker):
        exchange = accept()
        for _ in range(process.LAST_TRY):
            as_worker.states.begin_attempt(exchange.sid, 0.0)
        process.process(exchange.sid)
        assert as_worker.intake_store.is_waiting(exchange.sid)
        assert as_worker.states.get(exchange.sid).state == "stuck"


def test_options_follow_install_then_integration_then_default(settings):
    from dataclasses import replace
    from datetime import UTC, datetime

    from addon.twilio.invocation import Invocation

    mapped = settings.replace(agent_channel={"": "1", "RECORDING_DIAL": "0", INSTALL: "1"})
    plain = Invocation("XR1", datetime.now(UTC))
    dial = replace(plain, usage_key="recording_dial")
    own = replace(dial, install=INSTALL)
    asked = [Request.marketplace(each) for each in (plain, dial, own)]
    roles = [deposit.options(mapped, each).roles for each in asked]
    assert roles == [("customer", "agent"), ("agent", "customer"), ("customer", "agent")]
    others = settings.replace(
        agent_channel={"XD9": "0"},
        transcriber_language={"": "en", INSTALL: "auto"},
        transcriber_vocabulary={"RECORDING_DIAL": "parcel desk; Robinson"},
    )
    asked_options = [deposit.options(others, each) for each in asked]
    assert [each.roles for each in asked_options] == [("customer", "agent")] * 3
    assert [each.hints for each in asked_options] == [
        Hints("en"),
        Hints("en", ("parcel desk", "Robinson")),
        Hints(None, ("parcel desk", "Robinson")),
    ]


@pytest.mark.parametrize(("declared", "lane"), [(3600.0, "qlong"), (None, "q600"), (20.0, "q600")])
def test_a_long_recording_that_was_taken_for_a_short_clip_leaves_the_express_lane(
    accept, as_worker, monkeypatch, declared, lane
):
    """An hour in seconds reads as 3.6 s in milliseconds, and a URL may come without any length."""
    monkeypatch.setattr("addon.requests.scheduling.EXPRESS_BYTES", 50_000)
    exchange = accept(wav(2.0), by_url=True, duration=declared)
    process.process(exchange.sid)
    entry = as_worker.states.get(exchange.sid)
    assert (entry.state, entry.attempts, entry.queue) == (WAITING, 0, "express")
    assert list(as_worker.store.list("recordings/")) == []
    Sweeper(as_worker).sweep()
    entry = as_worker.states.get(exchange.sid)
    assert (entry.state, entry.queue) == (QUEUED, lane)
    process.process(exchange.sid)
    deliver(exchange.sid)
    assert exchange.callbacks[0].document()["status"] == "successful"


@pytest.mark.parametrize("wanted", ["off", "on"])
def test_the_waveform_is_in_the_result_where_the_setting_asks(
    accept, as_worker, monkeypatch, wanted
):
    asked = Settings.load({"RESULT_WAVEFORM": wanted}).result_waveform
    changed = as_worker.settings.replace(result_waveform=asked)
    monkeypatch.setitem(as_worker.__dict__, "settings", changed)
    exchange = accept()
    process.process(exchange.sid)
    deliver(exchange.sid)
    result = exchange.callbacks[0].document()["result"]
    assert ("waveform" in result) is (wanted == "on")
