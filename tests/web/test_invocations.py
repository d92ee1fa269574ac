"""The Marketplace's route: every shape, every refusal; nothing is answered before it is durable."""

from __future__ import annotations

import itertools
import json
import os
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rq.queue import Queue

from addon.factory import create_app
from addon.requests import scheduling
from addon.requests.intake_store import IntakeStore
from addon.twilio.invocation import Invocation
from tests.calls import wav
from tests.conftest import PUBLIC_URL
from tests.web import requests as send

AUDIO = wav(1.0)

UPLOADS = {
    "hyphens": send.first_sample,
    "underscores": send.second_partner,
    "documented": send.documented,
    "no filename": send.without_filename,
}


@pytest.fixture
def intake_store(services) -> IntakeStore:
    return services.intake_store


def jobs(redis_server) -> list[str]:
    return [
        job
        for queue in scheduling.ALL_QUEUES
        for job in Queue(queue, connection=redis_server).get_job_ids()
    ]


def accepted(answer) -> None:
    assert (answer.status_code, answer.data) == (202, b"")
    assert answer.headers["Content-Length"] == "0"


@pytest.mark.parametrize("shape", UPLOADS.values(), ids=UPLOADS)
def test_an_upload_is_kept_whole_and_queued_once(client, intake_store, redis_server, shape):
    sid = send.new_sid()
    accepted(shape(AUDIO).post(client, sid))
    record = intake_store.open(sid)
    assert b"".join(record.audio) == AUDIO
    assert [job.split("-")[1] for job in jobs(redis_server)] == [sid]


@pytest.mark.parametrize("shape", [send.url_only, send.json_body])
def test_a_url_is_kept_for_the_worker(client, intake_store, redis_server, shape):
    sid = send.new_sid()
    accepted(shape().post(client, sid))
    record = intake_store.open(sid)
    invocation = Invocation.from_json(record.request)
    assert invocation.audio_url == "https://media.twilio.com/temporary/abc?k=1"
    assert invocation.callback == send.CALLBACK
    assert b"".join(record.audio) == b""
    assert len(jobs(redis_server)) == 1


def test_unknown_fields_are_kept(client, intake_store):
    sid = send.new_sid()
    accepted(send.second_partner(AUDIO).post(client, sid))
    invocation = Invocation.from_json(intake_store.open(sid).request)
    assert invocation.configuration == {"source_language": "de"}
    assert invocation.recording_sid == "RE" + "4c" * 16
    assert invocation.tenant == send.INSTALL


def test_the_final_slash_is_no_redirect(client, redis_server):
    shape = replace(send.first_sample(AUDIO), path="/recording-analysis/")
    accepted(shape.post(client, send.new_sid()))


def test_an_accepted_upload_is_not_readable_in_the_store(client, settings):
    marker = b"the caller said her card number"
    audio = AUDIO + marker * 100
    accepted(send.first_sample(audio).post(client, send.new_sid()))
    for path in (settings.data_dir / "archive").rglob("*"):
        assert not path.is_file() or marker not in path.read_bytes()


def test_a_repeated_request_is_accepted_and_queued_once(client, redis_server, services):
    sid = send.new_sid()
    for _ in range(10):
        accepted(send.first_sample(AUDIO).post(client, sid))
    assert len(jobs(redis_server)) == 1
    assert services.states.get(sid).duplicates == 9


def test_the_same_sid_with_other_bytes_keeps_the_first(client, intake_store):
    sid = send.new_sid()
    accepted(send.first_sample(AUDIO).post(client, sid))
    accepted(send.first_sample(wav(2.0)).post(client, sid))
    assert b"".join(intake_store.open(sid).audio) == AUDIO


def test_a_late_duplicate_is_known_after_redis_was_lost(client, redis_server, services):
    sid = send.new_sid()
    services.intake_store.record_outcome(sid, {"answer": "delivered", "answered_at": 1.0})
    accepted(send.first_sample(AUDIO).post(client, sid))
    assert jobs(redis_server) == []
    assert not services.intake_store.is_waiting(sid)


def test_an_unfinished_request_is_queued_again_after_redis_was_lost(client, redis_server):
    sid = send.new_sid()
    accepted(send.first_sample(AUDIO).post(client, sid))
    redis_server.flushall()
    accepted(send.first_sample(AUDIO).post(client, sid))
    assert len(jobs(redis_server)) == 1


def test_a_short_clip_goes_to_the_express_lane_whatever_unit_was_declared(client, redis_server):
    for shape in (send.first_sample, send.documented):
        accepted(shape(AUDIO).post(client, send.new_sid()))
    assert Queue("express", connection=redis_server).count == 2


class TestForgeries:
    @pytest.mark.parametrize("given", ["", "x", "TPEzSRfZHGUo0Dpi5BTrq2Kf3yA=", "é", "=" * 28])
    def test_a_wrong_signature_is_refused(self, client, redis_server, given):
        answer = send.first_sample(AUDIO).post(client, send.new_sid(), sign=given or " ")
        assert answer.status_code == 403
        assert jobs(redis_server) == []

    def test_no_signature_is_refused_before_the_body_is_read(self, client, redis_server):
        answer = send.first_sample(AUDIO).post(client, send.new_sid(), unsigned=True)
        assert answer.status_code == 403

    def test_a_changed_field_is_refused(self, client):
        shape = send.first_sample(AUDIO)
        shape.signed = [*shape.signed[:-1], ("format", "audio/mpeg")]
        assert shape.post(client, send.new_sid()).status_code == 403

    def test_a_changed_json_body_is_refused(self, client):
        shape = send.json_body()
        shape.body = shape.body.replace(b"abc", b"abd")
        assert shape.post(client, send.new_sid()).status_code == 403

    def test_a_token_that_is_rotated_out_still_counts_while_it_is_listed(self, settings):
        changed = settings.replace(twilio_auth_tokens_also_accepted=("secondary-token-0002",))
        client = create_app(changed).test_client()
        shape = send.first_sample(AUDIO)
        sign = send.signature(PUBLIC_URL + send.PATH, shape.signed, "secondary-token-0002")
        accepted(shape.post(client, send.new_sid(), sign=sign))

    def test_monitor_mode_only_logs(self, settings, redis_server):
        client = create_app(settings.replace(signature_mode="monitor")).test_client()
        accepted(send.first_sample(AUDIO).post(client, send.new_sid(), unsigned=True))


class TestRejections:
    """200 with the error object: spec/protocol 1.5."""

    def rejected(self, answer, code: int) -> dict[str, object]:
        assert answer.status_code == 200, answer.data
        document = json.loads(answer.data)
        assert document["status"] == "failed"
        assert document["code"] == code
        assert document["message"]
        return document

    def test_neither_audio_nor_url(self, client):
        sid = send.new_sid()
        shape = send.multipart([("callback", send.CALLBACK)], None, name="", filename=None)
        assert self.rejected(shape.post(client, sid), 61003)["request_sid"] == sid

    def test_no_request_sid(self, client):
        self.rejected(send.first_sample(AUDIO).post(client, None), 61003)

    def test_two_spellings_that_disagree(self, client):
        fields = [("callback", "https://a.example/"), ("callback_url", "https://b.example/")]
        shape = send.multipart(fields, AUDIO, name="audio", filename="a.wav")
        self.rejected(shape.post(client, send.new_sid()), 64102)

    def test_another_account(self, client):
        answer = send.first_sample(AUDIO).post(
            client, send.new_sid(), X_Twilio_VendorAccountSid="AC" + "ff" * 16
        )
        self.rejected(answer, 64105)

    @pytest.mark.parametrize("sid", ["RE" + "2c" * 16, "re" + "2c" * 16, "RC-1234"])
    def test_a_recordings_sid_of_another_surface(self, client, services, sid):
        """Else its genuine request would be dropped as a duplicate."""
        self.rejected(send.first_sample(AUDIO).post(client, sid), 64100)
        assert not list(services.store.list())

    def test_an_install_that_is_not_served(self, settings, redis_server):
        served = "XD" + "9" * 32
        client = create_app(settings.replace(known_installs=(served,))).test_client()
        shape = send.first_sample(AUDIO)
        self.rejected(shape.post(client, send.new_sid()), 64107)
        self.rejected(shape.post(client, send.new_sid(), X_Twilio_AddOnInstallSid=""), 64107)
        accepted(shape.post(client, send.new_sid(), X_Twilio_AddOnInstallSid=served))

    def test_a_time_to_live_that_was_moved_into_another_field(self, client):
        old = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
        fields = [("format", "audio/x-wav"), ("invocation_date", old), ("ttl", "60")]
        signed = send.signature(PUBLIC_URL + send.PATH, fields)
        moved = [("format", f"audio/x-wavinvocation_date{old}ttl60")]
        assert send.signature(PUBLIC_URL + send.PATH, moved) == signed
        shape = send.multipart(moved, AUDIO, name="audio", filename="a.wav")
        self.rejected(shape.post(client, send.new_sid()), 64106)

    def test_an_expired_invocation(self, client):
        old = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
        fields = [("callback", send.CALLBACK), ("invocation_date", old), ("ttl", "60")]
        shape = send.multipart(fields, AUDIO, name="audio", filename="a.wav")
        self.rejected(shape.post(client, send.new_sid()), 64103)

    def test_a_fresh_invocation_with_date_and_ttl_is_accepted(self, client):
        fields = [("invocation_date", datetime.now(UTC).isoformat()), ("ttl", "60")]
        shape = send.multipart(fields, AUDIO, name="audio", filename="a.wav")
        accepted(shape.post(client, send.new_sid()))

    def test_more_than_we_accept(self, settings, redis_server):
        client = create_app(settings.replace(max_upload_bytes=4096)).test_client()
        self.rejected(send.first_sample(AUDIO).post(client, send.new_sid()), 64104)

    def test_a_truncated_form(self, client):
        shape = send.first_sample(AUDIO)
        shape.body = shape.body[:-40]
        answer = shape.post(client, send.new_sid())
        assert answer.status_code in (200, 403)

    def test_letters_that_no_sid_has(self, client, settings):
        for sid in ("../../etc/passwd", "XR 1", "X" * 400, "é"):
            answer = send.first_sample(AUDIO).post(client, sid.encode("latin-1").decode("latin-1"))
            self.rejected(answer, 64100)


class TestOutages:
    """503: the work could not be made durable, and Twilio asks again."""

    def test_no_redis(self, settings):
        gone = settings.replace(redis_url="redis://127.0.0.1:1/0")
        answer = send.first_sample(AUDIO).post(create_app(gone).test_client(), send.new_sid())
        assert (answer.status_code, answer.data) == (503, b"")

    def test_no_store(self, settings, redis_server, tmp_path):
        (tmp_path / "a-file").write_bytes(b"")
        gone = settings.replace(archive_url=f"file://{tmp_path}/a-file/archive")
        answer = send.first_sample(AUDIO).post(create_app(gone).test_client(), send.new_sid())
        assert answer.status_code == 503
        assert jobs(redis_server) == []

    def test_an_unreachable_bucket(self, settings, redis_server, monkeypatch):
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        gone = settings.replace(archive_url="s3://bucket/prefix")
        answer = send.first_sample(AUDIO).post(create_app(gone).test_client(), send.new_sid())
        assert answer.status_code == 503

    def test_a_record_stays_when_the_queue_fails_after_it(
        self, settings, client, intake_store, redis_server, monkeypatch
    ):
        """Taking it back could take it from a duplicate that was answered 202 because of it."""
        from addon.errors import QueueUnavailable
        from addon.requests.dispatcher import Dispatcher

        def fail(*_args, **_kwargs):
            raise QueueUnavailable("the queue does not answer")

        monkeypatch.setattr(Dispatcher, "accept", fail)
        sid = send.new_sid()
        assert send.first_sample(AUDIO).post(client, sid).status_code == 503
        assert intake_store.is_waiting(sid)


def test_other_methods_and_kinds_are_never_a_500(client):
    for method in ("get", "put", "delete", "patch"):
        assert getattr(client, method)(send.PATH).status_code == 405
    shape = send.Shape(b"\x00\xff" * 100, "text/plain")
    assert shape.post(client, send.new_sid()).status_code == 200


class Repeating:
    """A request body that is made as it is read."""

    def __init__(self, head: bytes, block: bytes, times: int, tail: bytes) -> None:
        self.length = len(head) + len(block) * times + len(tail)
        self._parts = itertools.chain([head], itertools.repeat(block, times), [tail])
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size:
            part = next(self._parts, b"")
            if not part:
                break
            self._rest += part
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken


def test_a_large_upload_streams_through_and_is_never_whole_in_memory(app, services):
    sid, block = send.new_sid(), os.urandom(64 * 1024)
    shape = send.first_sample(b"@@")
    head, tail = shape.body.split(b"@@")
    body = Repeating(head, block, 1600, tail)
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": send.PATH,
        "REQUEST_URI": send.PATH,
        "SERVER_NAME": "x",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "https",
        "wsgi.input": body,
        "CONTENT_LENGTH": str(body.length),
        "CONTENT_TYPE": shape.content_type,
        "HTTP_X_TWILIO_REQUESTSID": sid,
        "HTTP_X_TWILIO_SIGNATURE": send.signature(PUBLIC_URL + send.PATH, shape.signed),
    }
    answers: list[str] = []
    tracemalloc.start()
    try:
        list(app(environ, lambda status, _headers: answers.append(status)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answers == ["202 Accepted"]
    assert peak < 8 * 1024 * 1024
    assert sum(map(len, services.intake_store.open(sid).audio)) == 1600 * len(block)
