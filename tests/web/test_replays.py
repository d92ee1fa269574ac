"""A captured signature buys nothing: it is good for the request that it came with, and no other."""

from __future__ import annotations

import base64
import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from rq.queue import Queue

from addon.archive.directory import DirectoryStore
from addon.factory import create_app
from addon.metrics import counters, declarations
from addon.requests import scheduling
from tests.calls import wav
from tests.conftest import ACCOUNT, PUBLIC_URL
from tests.twilio.test_field_forms import every_single_move
from tests.web import requests as send
from workers import finalise, handlers
from workers.sweeper import Sweeper

AUDIO = wav(1.0)

INSTALL = "X-Twilio-AddOnInstallSid"
OTHER = {
    "install": {INSTALL: "XD" + "66" * 16},
    "no install": {INSTALL: ""},
    "configuration": {"X-Twilio-AddOnConfigurationSid": "XE" + "66" * 16},
    "account": {"X-Twilio-VendorAccountSid": ""},
}


def captured(sid: str, shape=send.first_sample) -> send.Shape:
    """A genuine request, whose callback is its own."""
    made = shape(AUDIO) if shape is not send.url_only else send.url_only()
    callback = f"https://marketplace.twilio.com/v1/cb/{sid}"
    fields = [(name, callback if "callback" in name else value) for name, value in made.signed]
    return send.multipart(fields, AUDIO, name="audio-data", filename="a.wav")


def url_only(sid: str) -> send.Shape:
    return send.url_only(f"https://media.twilio.com/temporary/{secrets.token_hex(12)}")


def json_body(sid: str) -> send.Shape:
    return send.json_body(f"https://media.twilio.com/temporary/{secrets.token_hex(12)}")


SHAPES = {"multipart": captured, "url": url_only, "json": json_body}


def jobs(connection) -> int:
    return sum(Queue(name, connection=connection).count for name in scheduling.ALL_QUEUES)


def finished(services, sid: str) -> None:
    """The request is over: its outcome and its signature are all that is left."""
    intake = services.intake_store.open(sid)
    request = handlers.read(intake)
    services.intake_store.record_outcome(sid, {"answer": "delivered", "answered_at": 1.0})
    answered = finalise.StoredResult({"status": "failed"}, final=True, archivable=False)
    finalise.finish_answered(services, request, answered, "delivered", {})
    assert not services.intake_store.is_waiting(sid)


def nothing(_services, _sid) -> None:
    """It has just been accepted."""


def redis_wiped(services, _sid) -> None:
    services.redis.flushall()
    Sweeper(services).sweep()


def finished_and_redis_wiped(services, sid) -> None:
    finished(services, sid)
    services.redis.flushall()


def erased_by_age(services, sid) -> None:
    services.signature_uses.settle(services.intake_store.open(sid).signature)
    services.intake_store.remove(sid)
    services.redis.flushall()


SINCE = {
    "just accepted": nothing,
    "Redis was wiped": redis_wiped,
    "finished": finished,
    "finished, Redis was wiped": finished_and_redis_wiped,
    "erased by age, Redis was wiped": erased_by_age,
}


def kept(services) -> set[str]:
    """Everything in the store that says that a request came."""
    return {each.key for each in services.store.list() if not each.key.startswith("signatures/")}


@pytest.mark.parametrize("since", SINCE.values(), ids=SINCE)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
class TestReplays:
    @pytest.fixture
    def sent(self, client, services, shape, since) -> tuple[str, send.Shape]:
        """A request that was accepted, and what happened since."""
        sid = send.new_sid()
        request = shape(sid)
        assert request.post(client, sid).status_code == 202
        since(services, sid)
        return sid, request

    def test_under_another_request_sid(self, client, services, sent):
        _, request = sent
        before = kept(services), jobs(services.redis)
        for headers in ({}, *OTHER.values()):
            altered = replace(request, headers=headers)
            assert altered.post(client, send.new_sid()).status_code == 403
        assert (kept(services), jobs(services.redis)) == before

    def test_under_its_own_sid_for_another_tenant(self, client, services, sent):
        sid, request = sent
        before = kept(services), jobs(services.redis)
        for headers in OTHER.values():
            assert replace(request, headers=headers).post(client, sid).status_code == 403
        assert (kept(services), jobs(services.redis)) == before

    def test_the_very_same_request_is_a_duplicate(self, client, services, sent, since):
        sid, request = sent
        before = kept(services)
        for _ in range(3):
            assert request.post(client, sid).status_code == 202
        if since is not erased_by_age:
            assert kept(services) == before


@pytest.mark.parametrize("since", SINCE.values(), ids=SINCE)
def test_another_recording_is_never_taken(client, services, since):
    """Under a new SID it is refused; under its own it is a duplicate, and the first one counts."""
    sid = send.new_sid()
    request = captured(sid)
    assert request.post(client, sid).status_code == 202
    since(services, sid)
    forged = send.multipart(request.signed, wav(2.0), name="audio-data", filename="a.wav")
    assert forged.post(client, send.new_sid()).status_code == 403
    if since is erased_by_age:
        return
    assert forged.post(client, sid).status_code == 202
    if services.intake_store.is_waiting(sid):
        assert b"".join(services.intake_store.open(sid).audio) == AUDIO


@pytest.mark.parametrize("since", [nothing, finished_and_redis_wiped])
def test_no_other_split_of_the_signed_text_is_accepted(client, services, since):
    sid = send.new_sid()
    request = captured(sid)
    assert request.post(client, sid).status_code == 202
    since(services, sid)
    before = kept(services)
    sign = send.signature(PUBLIC_URL + send.PATH, request.signed)
    moves = every_single_move(dict(request.signed))
    for pairs in moves[:: max(1, len(moves) // 75)]:
        assert send.signature(PUBLIC_URL + send.PATH, pairs) == sign
        altered = send.multipart(pairs, AUDIO, name="audio-data", filename="a.wav")
        for given in (sid, send.new_sid()):
            answer = altered.post(client, given, sign=sign)
            refused = answer.status_code == 200 and json.loads(answer.data)["status"] == "failed"
            assert refused or answer.status_code == 403
    assert kept(services) == before


def test_of_many_at_once_one_is_accepted(app, services):
    request = captured("XR" + 32 * "7")
    sids = [send.new_sid() for _ in range(24)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda sid: request.post(app.test_client(), sid).status_code, sids))
    assert sorted(answers) == [202] + [403] * 23
    assert len(list(services.intake_store.waiting())) == jobs(services.redis) == 1


def test_of_many_at_once_in_two_web_processes_one_is_accepted(app, settings, services, monkeypatch):
    """Each use another request SID, install, recording or field, and the store is slow."""
    put = DirectoryStore.put

    def slow(*args, **options):
        time.sleep(0.02)
        return put(*args, **options)

    monkeypatch.setattr(DirectoryStore, "put", slow)
    apps = (app, create_app(settings))
    request = captured("XR" + 32 * "7")
    sign = send.signature(PUBLIC_URL + send.PATH, request.signed)
    uses = [
        replace(request, headers={INSTALL: "XD" + f"{number:032x}"})
        if number % 2
        else send.multipart(
            request.signed, wav(1.0 + number / 10), name="audio-data", filename="a.wav"
        )
        for number in range(16)
    ]

    def post(number: int) -> int:
        client = apps[number % 2].test_client()
        return uses[number].post(client, send.new_sid(), sign=sign).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(post, range(16)))
    assert answers == [202] + [403] * 15
    assert len(list(services.intake_store.waiting())) == jobs(services.redis) == 1


def test_forged_signatures_leave_nothing_in_redis_to_remember(client, services):
    for number in range(50):
        sign = base64.b64encode(number.to_bytes(20, "big")).decode()
        assert captured(send.new_sid()).post(client, send.new_sid(), sign=sign).status_code == 403
    assert services.redis.keys("signature:*") == []
    assert kept(services) == set()


def test_a_signature_is_remembered_in_redis_as_long_as_its_request_may_be_unfinished(
    client, services
):
    assert captured("XR1").post(client, send.new_sid()).status_code == 202
    (key,) = services.redis.keys("signature:*")
    (state,) = services.redis.keys("ledger:XR*")
    assert services.redis.ttl(key) >= services.redis.ttl(state) - 5


def test_another_surfaces_sid_is_refused_whatever_was_captured(client, services):
    for sid in ("RE" + "2c" * 16, "RC-1"):
        answer = captured(send.new_sid()).post(client, sid)
        assert json.loads(answer.data)["status"] == "failed"
    assert kept(services) == set()


class TestGenuine:
    def test_a_constant_callback_is_no_reason_to_refuse(self, client, services):
        for _ in range(5):
            assert send.first_sample(AUDIO).post(client, send.new_sid()).status_code == 202
        assert jobs(services.redis) == 5

    def test_an_operator_may_refuse_even_these(self, settings, redis_server):
        client = create_app(settings.replace(signature_reuse="refuse")).test_client()
        assert send.first_sample(AUDIO).post(client, send.new_sid()).status_code == 202
        assert send.first_sample(AUDIO).post(client, send.new_sid()).status_code == 403

    @pytest.mark.parametrize(
        "mode", [{"signature_reuse": "report"}, {"signature_mode": "monitor"}], ids=str
    )
    def test_reported_and_let_pass(self, settings, services, mode):
        app = create_app(settings.replace(**mode))
        request = captured(send.new_sid())
        for _ in range(2):
            assert request.post(app.test_client(), send.new_sid()).status_code == 202
        app.extensions["recording-addon"].buffered_counters.close()
        field = counters.field(declarations.SIGNATURES_REUSED, "let pass")
        assert services.counters.read()[field] == 1

    def test_a_retry_has_another_boundary_and_is_the_same(self, client, services):
        sid = send.new_sid()
        assert [captured(sid).post(client, sid).status_code for _ in range(4)] == [202] * 4
        assert services.states.get(sid).duplicates == 3

    def test_a_retry_after_a_503_is_accepted(self, client, services, monkeypatch):
        from addon.errors import StoreUnavailable
        from addon.requests.intake_store import IntakeStore

        sid = send.new_sid()
        with monkeypatch.context() as patch:

            def fail(*_args, **_kwargs):
                raise StoreUnavailable("the store does not answer")

            patch.setattr(IntakeStore, "accept", fail)
            assert captured(sid).post(client, sid).status_code == 503
        assert captured(sid).post(client, sid).status_code == 202


def test_what_is_remembered_is_no_signature_and_no_planted_document_counts(client, services):
    sid = send.new_sid()
    request = captured(sid)
    assert request.post(client, sid).status_code == 202
    sign = send.signature(PUBLIC_URL + send.PATH, request.signed)
    use = services.intake_store.open(sid).signature
    services.store.put(f"signatures/{use.signature}", [b'{"signature":"planted"}'])
    assert request.post(client, sid).status_code == 202
    finished(services, sid)
    (stat,) = services.store.list("signatures/")
    content = services.store.get(stat.key).decode()
    for text in (sign, sid, ACCOUNT, send.INSTALL):
        assert text not in content + stat.key
    assert request.post(client, send.new_sid()).status_code == 403
