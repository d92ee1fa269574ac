"""When events of a request are promised: tests/workers/test_webhooks.py has them sent."""

from __future__ import annotations

import pytest

from addon.errors import ProcessingFailed, QueueUnavailable
from addon.requests import results
from addon.requests.results import StoredResult
from addon.settings import Settings
from tests.calls import wav
from tests.web.requests import INSTALL
from workers import announcing, finalise, handlers, process

URL = "https://hooks.example.com/"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.replace(webhook_hosts=("hooks.example.com",))


@pytest.fixture
def request_of(as_worker, accept):
    """A request that waits for its work."""
    sid = accept(wav(1.0)).sid
    return handlers.read(as_worker.intake_store.open(sid))


def types(services) -> list[str]:
    names = (name.split("-") for name in services.outbox.pending())
    return sorted(services.outbox.event(event).type for event, _ in names)


def test_before_the_commit_nothing_is_promised(as_worker, request_of):
    as_worker.outbox.endpoints.create(INSTALL, URL)
    announcing.announce(as_worker, request_of)
    assert types(as_worker) == []


def test_a_failure_with_nothing_archived_is_one(as_worker, request_of):
    as_worker.outbox.endpoints.create(INSTALL, URL)
    document = results.failed(request_of.sid, ProcessingFailed("three tries ended"))
    stored = StoredResult(document, final=True, archivable=False)
    announcing.announce(as_worker, request_of, stored=stored)
    announcing.announce(as_worker, request_of, stored=stored)
    assert types(as_worker) == ["recording.failed"]


def test_an_answer_that_came_too_late_hides_no_recording_that_is_ready(as_worker, accept):
    """Twilio was told of a failure; the recording is archived and analysed all the same."""
    sid = accept(wav(1.0)).sid
    request = handlers.read(as_worker.intake_store.open(sid))
    process.process(sid)
    as_worker.outbox.endpoints.create(INSTALL, URL)
    late = StoredResult(results.failed(sid, ProcessingFailed("late")), final=False, archivable=True)
    announcing.announce(as_worker, request, stored=late)
    assert types(as_worker) == ["recording.ready"]
    (name,) = as_worker.outbox.pending()
    event = as_worker.outbox.event(name.split("-")[0])
    assert event.data["figures"] is None
    assert event.data["figures_reason"]


def test_before_a_request_is_removed_its_events_are_promised(as_worker, request_of, monkeypatch):
    """Where whoever did the work died between commit and promise, and another one finishes."""
    as_worker.outbox.endpoints.create(INSTALL, URL)
    with monkeypatch.context() as patch:
        patch.setattr(process.announcing, "announce", lambda *_, **__: None)
        patch.setattr(finalise, "hand_over", lambda *_, **__: None)
        process.process(request_of.sid)
    assert types(as_worker) == []
    stored = as_worker.intake_store.stored_result(request_of.sid)
    finalise.finish_answered(as_worker, request_of, stored, "delivered", {})
    assert types(as_worker) == ["recording.ready"]
    assert not as_worker.intake_store.is_waiting(request_of.sid)


def test_without_redis_a_promise_stands_in_the_store(as_worker, request_of, monkeypatch):
    as_worker.outbox.endpoints.create(INSTALL, URL)

    def away(_: str) -> None:
        raise QueueUnavailable("Redis does not answer")

    monkeypatch.setattr(as_worker.dispatcher, "webhook", away)
    announcing.announce_failure(as_worker, request_of, 64405)
    assert types(as_worker) == ["recording.failed"]
