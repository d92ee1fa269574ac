"""Deliveries of events: real workers, a real store and Redis, receivers as dirty as the world."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from addon import redis_keys
from addon.archive.prefixes import WEBHOOK_EVENTS, WEBHOOK_PENDING
from addon.errors import UnreadableAudio
from addon.outbound import Timeouts
from addon.requests.lease import Lease
from addon.requests.queues import WEBHOOK_KIND
from addon.settings import Settings
from addon.webhooks import sending
from addon.webhooks.endpoints import DISABLED_AFTER, Endpoint
from addon.webhooks.events import of_analysis
from addon.webhooks.outbox import DeliveryName
from addon.webhooks.tries import PAUSES_S, Tries
from tests.analysis.calls import RATE, encoded, key_tone
from tests.calls import wav
from tests.outbound.authority import contexts
from tests.outbound.loopback import Answer, Loopback
from tests.outbound.resetting import Resetting
from tests.stack.running import wait_until
from tests.web.requests import INSTALL
from tests.workers.working import become_worker
from workers import announcing, process, webhooks
from workers.deliveries import DeliveryWorker
from workers.delivery_hosts import HOST_SENDS, HostLimits
from workers.services import Services
from workers.webhook_sweep import WebhookSweep

OTHER_INSTALL = "XD" + "9" * 32


@pytest.fixture
def receiver() -> Iterator[Loopback]:
    with Loopback().running() as running:
        running.otherwise = lambda _: Answer()
        yield running


@pytest.fixture
def elsewhere() -> Iterator[Loopback]:
    with Loopback().running() as running:
        running.otherwise = lambda _: Answer()
        yield running


@pytest.fixture
def untrusted(tmp_path) -> Iterator[Loopback]:
    """A receiver whose certificate nobody signed."""
    server, _ = contexts(tmp_path, "hooks.example")
    with Loopback(server).running() as running:
        running.otherwise = lambda _: Answer()
        yield running


@pytest.fixture
def resetting() -> Iterator[Resetting]:
    host = Resetting()
    yield host
    host.close()


@pytest.fixture
def settings(settings, receiver, elsewhere, untrusted, resetting) -> Settings:
    hosts = (receiver.origin, elsewhere.origin, untrusted.origin, resetting.origin)
    return settings.replace(webhook_hosts=hosts)


@pytest.fixture
def endpoint(as_worker, receiver) -> Endpoint:
    return as_worker.outbox.endpoints.create(INSTALL, receiver.url("/hook"))


@pytest.fixture
def analysed(as_worker, accept) -> Callable[..., str]:
    """Accepts a recording and does its work, as a worker does; gives its request SID."""

    def one(audio: bytes | None = None, **changes: object) -> str:
        sid: str = accept(audio, **changes).sid
        process.process(sid)
        return sid

    return one


def deliver_all(services: Services) -> None:
    """Every delivery that is pending in the store, once."""
    for name in list(services.outbox.pending()):
        webhooks.deliver(name)


def names(services: Services) -> list[DeliveryName]:
    return [DeliveryName.parse(name) for name in services.outbox.pending()]


def bodies(receiver: Loopback) -> list[dict]:
    return [json.loads(each.body) for each in receiver.requests]


def test_a_recording_that_was_committed_is_told_once_and_signed(
    as_worker, endpoint, analysed, receiver
):
    sid = analysed()
    deliver_all(as_worker)
    (told,) = receiver.requests
    document = Webhook(endpoint.secret).verify(told.body, told.headers)
    assert document["type"] == "recording.ready"
    assert document["data"]["install"] == INSTALL
    assert document["data"]["request_sid"] == sid
    assert document["data"]["duration_seconds"] == 1.0
    assert document["data"]["version"] == 1
    assert document["data"]["figures"]["silence_seconds"] is not None
    assert names(as_worker) == []
    process.process(sid)  # a job too many
    deliver_all(as_worker)
    assert len(receiver.requests) == 1


def test_a_job_is_queued_for_each_delivery_and_its_id_names_it(as_worker, endpoint, analysed):
    analysed()
    (name,) = as_worker.outbox.pending()
    (job,) = Tries(as_worker.redis).jobs([name])
    assert job.startswith(f"webhook-{name}-")
    assert as_worker.dispatcher.waits("webhooks", job)


def test_an_event_goes_to_the_endpoints_of_its_own_install_alone(
    as_worker, endpoint, analysed, receiver, elsewhere
):
    other = as_worker.outbox.endpoints.create(OTHER_INSTALL, elsewhere.url("/other"))
    analysed()
    (name,) = names(as_worker)
    assert name.endpoint_id == endpoint.id
    # A mark that somebody plants in the store, or a job in Redis, for the other's endpoint.
    planted = DeliveryName(name.event_id, other.id)
    as_worker.outbox.mark(planted)
    webhooks.deliver(str(planted))
    deliver_all(as_worker)
    assert names(as_worker) == []
    assert elsewhere.requests == []
    assert len(receiver.requests) == 1


def test_an_endpoint_gets_the_events_that_it_asked_for_alone(as_worker, receiver, analysed):
    as_worker.outbox.endpoints.create(INSTALL, receiver.url("/"), ["recording.failed"])
    analysed()
    assert names(as_worker) == []
    assert list(as_worker.store.list(WEBHOOK_EVENTS)) == []


def test_a_payload_holds_no_word_number_or_name(as_worker, endpoint, analysed, receiver):
    analysed()
    deliver_all(as_worker)
    (document,) = bodies(receiver)
    assert set(document) == {"type", "timestamp", "data"}
    assert set(document["data"]) == {
        *("install", "recording_id", "request_sid", "call_sid", "source", "version"),
        *("started_at", "received_at", "duration_seconds", "channels", "redacted", "redaction"),
        *("flags", "figures", "transcribed"),
    }


def test_a_recording_that_fails_for_good_is_told_with_its_code(
    as_worker, endpoint, analysed, receiver
):
    analysed(b"no recording at all" * 100)
    deliver_all(as_worker)
    (document,) = bodies(receiver)
    assert document["type"] == "recording.failed"
    assert document["data"]["code"] == UnreadableAudio.code
    assert document["data"]["archived"] is False


def test_muted_tones_are_told_with_their_length(as_worker, endpoint, analysed, receiver):
    samples = np.random.default_rng(11).standard_normal((2, 4 * RATE)).astype(np.float32) * 0.003
    samples[0, RATE : RATE + 1200] += key_tone(5, 0.15)
    analysed(encoded(samples, format="WAV", subtype="PCM_16"))
    deliver_all(as_worker)
    told = {each["type"]: each["data"] for each in bodies(receiver)}
    assert set(told) == {"recording.ready", "recording.redacted"}
    assert told["recording.redacted"]["muted_seconds"] > 0


def test_an_erasure_is_told_once(as_worker, endpoint, analysed, receiver):
    sid = analysed()
    deliver_all(as_worker)
    as_worker.archive.erase(INSTALL, sid, by="retention", reason="older than 3 days")
    deliver_all(as_worker)
    told = bodies(receiver)[-1]
    assert told["type"] == "recording.erased"
    assert told["data"]["by_retention"] is True


def test_a_killed_worker_and_a_lost_redis_lose_no_event(
    as_worker, endpoint, analysed, receiver, redis_server
):
    analysed()
    redis_server.flushall()
    WebhookSweep(as_worker).step()
    (name,) = as_worker.outbox.pending()
    (job,) = Tries(as_worker.redis).jobs([name])
    assert as_worker.dispatcher.waits("webhooks", job)
    webhooks.deliver(name)
    assert len(receiver.requests) == 1


def test_after_a_crash_before_the_promise_the_next_job_makes_it(
    as_worker, endpoint, accept, receiver, monkeypatch
):
    sid = accept(wav(1.0)).sid

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("workers.announcing.announce", killed)
        with pytest.raises(KeyboardInterrupt):
            process.process(sid)
    assert names(as_worker) == []
    process.process(sid)
    deliver_all(as_worker)
    assert [each["type"] for each in bodies(receiver)] == ["recording.ready"]


def test_a_try_that_is_repeated_has_the_same_id_and_body(as_worker, endpoint, analysed, receiver):
    receiver.on("/hook", Answer(500), Answer(200))
    analysed()
    deliver_all(as_worker)
    assert len(names(as_worker)) == 1
    deliver_all(as_worker)
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert names(as_worker) == []
    outcomes = [each.outcome for each in Tries(as_worker.redis).latest(endpoint.id)]
    assert outcomes == ["delivered", "failed"]
    assert as_worker.outbox.endpoints.get(INSTALL, endpoint.id).state == "active"


def test_pauses_grow_and_the_last_try_gives_up(as_worker, endpoint, analysed, receiver):
    receiver.on("/hook", Answer(503))
    analysed()
    (name,) = as_worker.outbox.pending()
    waits = []
    for _ in PAUSES_S:
        webhooks.deliver(name)
        due = as_worker.redis.zscore(redis_keys.WEBHOOKS_OPEN, name)
        waits.append(round(due - time.time()))
    assert waits == sorted(waits)
    assert sum(waits) > timedelta(days=3).total_seconds()
    webhooks.deliver(name)
    assert list(as_worker.outbox.pending()) == []
    last = Tries(as_worker.redis).latest(endpoint.id)[0]
    assert (last.outcome, last.status, last.next_s) == ("given up", 503, None)


def test_a_receiver_that_asks_for_time_gets_it(as_worker, endpoint, analysed, receiver):
    receiver.on("/hook", Answer(429, headers={"Retry-After": "1200"}))
    analysed()
    deliver_all(as_worker)
    assert Tries(as_worker.redis).latest(endpoint.id)[0].next_s == 1200


def test_any_2xx_is_taken_whatever_its_body(as_worker, endpoint, analysed, receiver):
    page = b"<!doctype html><title>Welcome</title>"
    receiver.on("/hook", Answer(200, page, {"Content-Type": "text/html"}))
    analysed()
    deliver_all(as_worker)
    assert names(as_worker) == []


def test_a_redirect_is_not_followed(as_worker, endpoint, analysed, receiver, elsewhere):
    for status in (301, 302, 303, 307, 308):
        receiver.on("/hook", Answer(status, headers={"Location": elsewhere.url("/")}))
        analysed()
    deliver_all(as_worker)
    assert elsewhere.requests == []
    for one in Tries(as_worker.redis).latest(endpoint.id):
        assert one.outcome == "failed"
        assert "redirect" in (one.reason or "")


def test_an_endless_answer_is_not_read(as_worker, endpoint, analysed, receiver):
    sent = []

    def endless() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        while len(sent) < 4000:
            sent.append(1)
            yield b"10000\r\n" + bytes(65536) + b"\r\n"

    receiver.on("/hook", Answer(raw=endless))
    analysed()
    deliver_all(as_worker)
    assert names(as_worker) == []
    assert len(sent) < 1000, "all of a huge answer was read"


@pytest.mark.parametrize("trouble", ["silent", "reset", "tls", "nobody"])
def test_no_answer_is_a_failed_try_with_its_reason(
    trouble, as_worker, analysed, receiver, resetting, untrusted, monkeypatch
):
    monkeypatch.setattr(sending, "TIMEOUTS", Timeouts(connect=1, read=0.3, total=1))
    over = threading.Event()

    def silence() -> Iterator[bytes]:
        over.wait(30)
        yield b""

    with ExitStack() as stack:
        stack.callback(over.set)
        receiver.on("/silent", Answer(raw=silence))
        url = {
            "silent": receiver.url("/silent"),
            "reset": f"{resetting.origin}/",
            "tls": untrusted.url("/"),
            "nobody": receiver.url("/"),
        }[trouble]
        made = as_worker.outbox.endpoints.create(INSTALL, url)
        if trouble == "nobody":
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            origins = type(as_worker.outbox.endpoints.origins)([f"http://127.0.0.1:{port}"])
            monkeypatch.setattr(as_worker.outbox.endpoints, "origins", origins)
            made = as_worker.outbox.endpoints.create(INSTALL, f"http://127.0.0.1:{port}/")
        analysed()
        deliver_all(as_worker)
    one = Tries(as_worker.redis).latest(made.id)[0]
    assert (one.outcome, one.status) == ("failed", None)
    assert one.reason
    health = as_worker.outbox.endpoints.get(INSTALL, made.id)
    assert health.state == "failing"


def test_a_host_that_is_no_longer_allowed_gets_nothing(
    as_worker, endpoint, analysed, receiver, monkeypatch
):
    analysed()
    origins = type(as_worker.outbox.endpoints.origins)(["hooks.example.com"])
    monkeypatch.setattr(as_worker.outbox.endpoints, "origins", origins)
    deliver_all(as_worker)
    assert receiver.requests == []
    assert "not an allowed origin" in (Tries(as_worker.redis).latest(endpoint.id)[0].reason or "")


def test_410_disables_the_endpoint_and_says_why(as_worker, endpoint, analysed, receiver):
    receiver.on("/hook", Answer(410))
    analysed()
    analysed()
    deliver_all(as_worker)
    assert len(receiver.requests) == 1
    known = as_worker.outbox.endpoints.get(INSTALL, endpoint.id)
    assert known.state == "disabled"
    assert "410" in (known.reason or "")
    assert names(as_worker) == []
    as_worker.outbox.endpoints.enable(INSTALL, endpoint.id)
    receiver.on("/hook", Answer(200))
    analysed()
    deliver_all(as_worker)
    assert len(receiver.requests) == 2


def test_an_endpoint_that_takes_nothing_for_days_is_disabled_with_its_reason(
    as_worker, endpoint, analysed, receiver
):
    receiver.on("/hook", Answer(500))
    endpoints = as_worker.outbox.endpoints
    known = endpoints.get(INSTALL, endpoint.id)
    long_ago = datetime.now(UTC) - DISABLED_AFTER - timedelta(hours=1)
    endpoints.failed(known, "It answered 500.", for_good=False, tries=1, now=long_ago)
    analysed()
    (name,) = as_worker.outbox.pending()
    for _ in range(4):
        webhooks.deliver(name)
        assert endpoints.get(INSTALL, endpoint.id).state == "failing"
    webhooks.deliver(name)
    known = endpoints.get(INSTALL, endpoint.id)
    assert known.state == "disabled"
    assert known.reason == "It took nothing for 5 days. At last: It answered 500."
    assert names(as_worker) == []


def test_after_a_rotation_both_secrets_verify_for_a_while(as_worker, endpoint, analysed, receiver):
    rotated = as_worker.outbox.endpoints.rotate(INSTALL, endpoint.id)
    assert rotated.secret != endpoint.secret
    analysed()
    deliver_all(as_worker)
    (told,) = receiver.requests
    for secret in (endpoint.secret, rotated.secret):
        Webhook(secret).verify(told.body, told.headers)
    later = datetime.now(UTC) + timedelta(hours=25)
    assert rotated.secrets(later) == (rotated.secret,)


def test_a_changed_body_or_another_secret_does_not_verify(as_worker, endpoint, analysed, receiver):
    analysed()
    deliver_all(as_worker)
    (told,) = receiver.requests
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint.secret).verify(told.body + b" ", told.headers)
    stranger = as_worker.outbox.endpoints.create(INSTALL, receiver.url("/2"))
    with pytest.raises(WebhookVerificationError):
        Webhook(stranger.secret).verify(told.body, told.headers)


def test_what_is_promised_of_a_replacement_waits_for_its_manifest(
    as_worker, endpoint, analysed, receiver
):
    sid = analysed()
    deliver_all(as_worker)
    manifest = as_worker.archive.manifest(INSTALL, sid)
    announcing.promise(as_worker, of_analysis(manifest, None, generation=3)[:1])
    deliver_all(as_worker)
    assert len(receiver.requests) == 1
    assert len(names(as_worker)) == 1
    as_worker.archive.erase(INSTALL, sid, by="operator", reason="asked")
    deliver_all(as_worker)
    assert [each["type"] for each in bodies(receiver)] == ["recording.ready", "recording.erased"]
    assert names(as_worker) == []


def test_without_an_endpoint_nothing_is_written_and_the_store_is_asked_once(
    as_worker, analysed, monkeypatch
):
    asked = []
    listing = as_worker.store.list

    def counted(prefix: str = "", **options: object) -> object:
        asked.append(prefix)
        return listing(prefix, **options)

    monkeypatch.setattr(as_worker.store, "list", counted)
    for _ in range(3):
        analysed()
    assert len([one for one in asked if one.startswith("webhook")]) == 1
    for prefix in (WEBHOOK_EVENTS, WEBHOOK_PENDING):
        assert list(listing(prefix)) == []


def test_the_sweep_removes_events_that_can_be_sent_no_more(as_worker, endpoint, analysed):
    analysed()
    later = datetime.now(UTC) + timedelta(days=8)
    assert len(list(as_worker.outbox.forget_before(later))) == 2
    assert list(as_worker.store.list(WEBHOOK_EVENTS)) == []
    assert names(as_worker) == []


def _killed_at(settings: Settings, sid: str, beginning: str, before: bool) -> None:
    """Does a request's work, and is killed at the first object that begins so."""
    services = become_worker(settings)
    put = services.store.put

    def killed(key: str, *arguments: object, **options: object) -> object:
        is_it = beginning in key
        if is_it and before:
            os.kill(os.getpid(), signal.SIGKILL)
        done = put(key, *arguments, **options)
        if is_it:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    services.store.put = killed
    process.process(sid)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("at", ["manifest.json", WEBHOOK_PENDING, WEBHOOK_EVENTS])
def test_a_worker_that_is_killed_anywhere_loses_no_event(
    at, before, as_worker, endpoint, accept, receiver, settings, children, redis_server
):
    sid = accept(wav(1.0)).sid
    assert children.run(_killed_at, settings, sid, at, before) == -signal.SIGKILL
    redis_server.flushall()
    process.process(sid)
    deliver_all(as_worker)
    assert [each["type"] for each in bodies(receiver)] == ["recording.ready"]
    assert names(as_worker) == []


def _deliver_and_be_killed(settings: Settings, name: str) -> None:
    """Is killed when the endpoint has taken the event, and nothing says so yet."""
    become_worker(settings)

    def killed(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    Tries.add = killed
    webhooks.deliver(name)


def test_a_delivery_that_is_killed_is_made_again_with_the_same_id(
    as_worker, endpoint, analysed, receiver, settings, children, redis_server
):
    analysed()
    (name,) = as_worker.outbox.pending()
    assert children.run(_deliver_and_be_killed, settings, name) == -signal.SIGKILL
    redis_server.flushall()
    WebhookSweep(as_worker).step()
    assert as_worker.dispatcher.depths()["webhooks"] == 1
    webhooks.deliver(name)
    assert len({each.headers["webhook-id"] for each in receiver.requests}) == 1
    assert len(receiver.requests) == 2
    assert names(as_worker) == []


def test_the_process_for_events_delivers_many_at_once(as_worker, endpoint, analysed, receiver):
    sids = {analysed() for _ in range(5)}
    worker = DeliveryWorker(as_worker, ["webhooks"], kind=WEBHOOK_KIND, send=webhooks.deliver_held)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        wait_until(lambda: names(as_worker) == [])
        wait_until(lambda: as_worker.dispatcher.in_flight()["webhooks"] == [])
    finally:
        worker.stop()
        thread.join()
    assert {each["data"]["request_sid"] for each in bodies(receiver)} == sids
    assert as_worker.dispatcher.depths()["webhooks"] == 0


def test_the_place_that_no_host_has_left_is_waited_for_and_is_no_try(
    as_worker, endpoint, analysed, receiver
):
    analysed()
    (name,) = as_worker.outbox.pending()
    limits = HostLimits()
    held = Lease(as_worker.redis, WEBHOOK_KIND, name)
    assert held.take()
    with ExitStack() as stack:
        for _ in range(HOST_SENDS):
            stack.enter_context(limits.place(receiver.origin, first=True))
        webhooks.deliver_held(as_worker, name, held, limits)
    held.release()
    assert receiver.requests == []
    assert Tries(as_worker.redis).counted(name) == 0
    assert len(names(as_worker)) == 1
