"""A RingCentral recording through the pipeline: archived, analysed, joined, and never given up."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from addon.archive.archive import Archive
from addon.errors import NotStored
from addon.playback.player import Player
from addon.requests import scheduling
from addon.requests.request import Request, has_deadline
from addon.ringcentral.call_log import LoggedRecording
from tests.calls import wav
from tests.outbound.loopback import Answer
from tests.ringcentral.conftest import rc_settings, services, standin
from tests.ringcentral.standin import ACCOUNT, SERVICE_USER, refused, says
from workers import ringcentral_source, source
from workers.deliver import deliver
from workers.handlers import HANDLERS, read
from workers.process import process
from workers.ringcentral_poll import Poll

__all__ = ["rc_settings", "services", "standin"]

TENANT, SID = f"RC-{ACCOUNT}", "RC-5001"
CONTENT = f"/restapi/v1.0/account/{ACCOUNT}/recording/5001/content"
AUDIO = wav(2.0)


@pytest.fixture
def found(as_worker, standin):
    """One recording, taken up from the call log."""
    start = datetime.now(UTC) - timedelta(minutes=5)
    stamp = start.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    for number, session in ((1, "s-1"), (2, "s-1")):
        standin.record(number, audio=AUDIO, people={SERVICE_USER}, session=session, start=stamp)
    assert Poll(as_worker).run() == 2
    return as_worker


@pytest.fixture
def archive(rc_settings):
    """With the keys of a reader."""
    return Archive.from_settings(rc_settings)


def state(services):
    return services.states.get(SID).state


def test_it_is_archived_with_all_that_is_known_of_it(found, archive):
    process(SID)
    manifest = archive.manifest(TENANT, SID)
    assert manifest.facts.source == "ringcentral"
    assert manifest.facts.call_sid == "s-1"
    assert manifest.facts.started_at is not None
    assert manifest.facts.request_sid == SID
    audio = archive.open(TENANT, SID)
    assert b"".join(audio.read(0, audio.length)) == AUDIO
    result = archive.analysis(TENANT, SID)
    assert result["result"]["audio"]["duration_seconds"] == 2.0


def test_nobody_is_told_and_the_request_is_finished(found):
    process(SID)
    deliver(SID)
    assert not found.intake_store.is_waiting(SID)
    assert found.intake_store.outcome(SID)["answer"] == "skipped"
    assert Poll(found).run() == 0


def test_the_parts_of_a_conversation_are_one_call(found, rc_settings, archive):
    for sid in (SID, "RC-5002"):
        process(sid)
    parts = Player(archive, "none").recordings_of(TENANT, "s-1")
    assert sorted(parts) == [SID, "RC-5002"]


def test_twice_is_once(found, standin):
    process(SID)
    process(SID)
    assert len(standin.asked("5001/content")) == 1


def test_a_limit_holds_it_up_and_never_gives_it_up(found, standin, monkeypatch):
    monkeypatch.setattr(source, "TRIES", 2)
    for _ in range(5):
        standin.trouble[CONTENT] = [says(429, **{"Retry-After": "30"})]
        process(SID)
        assert state(found) == "waiting"
        found.redis.delete(*found.redis.keys("ringcentral:limit:*"))
    assert found.states.get(SID).work_at > datetime.now(UTC).timestamp() + 29
    standin.trouble[CONTENT] = []
    process(SID)
    assert found.archive.manifest(TENANT, SID)


def test_an_account_that_is_refused_waits_for_a_person(found, standin, monkeypatch):
    monkeypatch.setattr(source, "TRIES", 0)
    standin.trouble[CONTENT] = [refused(401, "OAU-151")]
    process(SID)
    assert state(found) == "waiting"
    process(SID)
    assert found.archive.manifest(TENANT, SID)
    assert len(standin.asked("/token")) == 2


def test_bytes_that_break_off_are_fetched_again(found, standin):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: audio/x-wav\r\nContent-Length: %d\r\n\r\n"
    cut = [head % len(AUDIO), AUDIO[:-1]]
    standin.trouble[CONTENT] = [Answer(raw=lambda: iter(cut))]
    process(SID)
    assert state(found) == "waiting"
    with pytest.raises(NotStored):
        found.archive.manifest(TENANT, SID)
    process(SID)
    assert found.archive.manifest(TENANT, SID)


@pytest.mark.parametrize(
    "answer",
    [says(500), refused(404, "CMN-102"), says(200, {"not": "yet"})],
    ids=["500", "404", "json"],
)
def test_what_may_come_later_is_waited_for(found, standin, answer):
    standin.trouble[CONTENT] = [answer]
    process(SID)
    assert state(found) == "waiting"


def test_what_is_gone_ends_with_a_failure_and_what_is_forbidden_waits_for_the_operator(
    found, standin, monkeypatch
):
    monkeypatch.setattr(ringcentral_source, "APPEARS_WITHIN", timedelta())
    standin.trouble[CONTENT] = [refused(404, "CMN-102")]
    process(SID)
    assert found.intake_store.stored_result(SID).answer["status"] == "failed"
    standin.recordings["5002"].people.clear()
    process("RC-5002")
    assert found.intake_store.stored_result("RC-5002") is None
    assert found.states.get("RC-5002").state == "waiting"


def test_pauses_grow_until_they_are_an_hour():
    pauses = [ringcentral_source._pause(tries) for tries in range(40)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (30.0, 3600.0)
    assert sum(pauses[: source.TRIES]) > 12 * 3600


def test_the_request_is_read_back_as_it_was(found):
    request = read(found.intake_store.open(SID))
    recording = LoggedRecording.from_json(json.loads(request.document)[0])
    assert Request.ringcentral(recording, request.received_at) == request
    late = Request.ringcentral(recording, request.received_at, catching_up=True)
    assert HANDLERS["ringcentral"].read(late.document) == late
    assert (request.queue, late.queue) == (None, scheduling.BACKFILL)


def test_it_is_a_kind_without_a_deadline():
    assert not has_deadline("ringcentral")
