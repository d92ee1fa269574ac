"""Objects that somebody plants in the store stop no request: each is archived and answered once."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from addon.archive.archive import Archive
from addon.archive.configured import control_signer
from addon.archive.manifest import Signer, new_signing_key
from addon.archive.names import files
from addon.archive.prefixes import INTAKE, OUTCOMES, RESULTS
from addon.archive.store import Store
from addon.requests import results
from addon.requests.intake_store import KIND, IntakeStore
from addon.requests.lease import lease
from addon.requests.results import StoredResult
from addon.settings import Settings
from tests.archive.buckets import new_bucket, s3_client
from tests.archive.conftest import aws
from tests.calls import wav
from tests.web.requests import INSTALL, multipart, new_sid
from workers import process
from workers.deliver import deliver
from workers.services import Services
from workers.sweeper import Sweeper

__all__ = ["aws"]

OUTCOME = {
    "answer": "delivered",
    "answered_at": 1790000000.0,
    "code": None,
    "received_at": 1790000000.0,
    "status": "successful",
    "tenant": INSTALL,
}
SENT = StoredResult(results.successful("XR1", {"planted": True}), final=True, archivable=False)


@pytest.fixture(params=["directory", "bucket"])
def settings(
    settings: Settings, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    if request.param == "directory":
        return settings
    endpoint = request.getfixturevalue("aws")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
    return settings.replace(archive_url=f"s3://{new_bucket(s3_client(endpoint))}/archive")


@pytest.fixture
def reader(settings: Settings) -> Archive:
    return Archive.from_settings(settings)


def overwrite(store: Store, key: str, content: bytes) -> None:
    store.put(key, [content], if_absent=False)


def outcome_of_another(settings: Settings, sid: str) -> bytes:
    return control_signer(settings).sign(KIND, OUTCOMES + new_sid(), {"version": 1, **OUTCOME})


def outcome_changed(settings: Settings, sid: str) -> bytes:
    signed = control_signer(settings).sign(KIND, OUTCOMES + sid, {"version": 1, "erased_at": 1.0})
    return json.dumps({**json.loads(signed), **OUTCOME}).encode()


def outcome_under_another_key(settings: Settings, sid: str) -> bytes:
    stranger = control_signer(settings.replace(intake_key=(os.urandom(32),)))
    return stranger.sign(KIND, OUTCOMES + sid, {"version": 1, **OUTCOME})


PLANTED_OUTCOMES: dict[str, Callable[[Settings, str], bytes]] = {
    "unsigned": lambda settings, sid: json.dumps({"version": 1, **OUTCOME}).encode(),
    "garbage": lambda settings, sid: b"\xff garbage",
    "empty": lambda settings, sid: b"",
    "newer": lambda settings, sid: b'{"version": 99}',
    "of another request": outcome_of_another,
    "changed": outcome_changed,
    "another key": outcome_under_another_key,
}


def work(sid: str) -> None:
    process.process(sid)
    deliver(sid)


def answered_and_archived(exchange: Any, services: Services, reader: Archive) -> None:
    (callback,) = exchange.callbacks
    assert callback.document()["status"] == "successful"
    assert b"".join(reader.open(INSTALL, exchange.sid).read()) == exchange.audio
    assert not services.intake_store.is_waiting(exchange.sid)
    assert services.intake_store.outcome(exchange.sid)["answer"] == "delivered"


@pytest.mark.parametrize("planted", PLANTED_OUTCOMES.values(), ids=PLANTED_OUTCOMES)
def test_a_planted_outcome_swallows_no_request(accept, as_worker, settings, reader, planted):
    exchange = accept()
    overwrite(as_worker.store, OUTCOMES + exchange.sid, planted(settings, exchange.sid))
    assert not as_worker.intake_store.has_outcome(exchange.sid)
    work(exchange.sid)
    answered_and_archived(exchange, as_worker, reader)
    assert as_worker.intake_store.has_outcome(exchange.sid)


def posted(client, sid: str, audio: bytes) -> int:
    fields = [("callback_url", "https://marketplace.example.com/cb")]
    shape = multipart(fields, audio, name="audio", filename="a.wav")
    return shape.post(client, sid).status_code


@pytest.mark.parametrize("planted", PLANTED_OUTCOMES.values(), ids=PLANTED_OUTCOMES)
def test_a_request_whose_outcome_was_planted_first_is_accepted(
    client, as_worker, settings, planted
):
    sid = new_sid()
    overwrite(as_worker.store, OUTCOMES + sid, planted(settings, sid))
    assert posted(client, sid, wav(1.0)) == 202
    assert as_worker.intake_store.is_waiting(sid)
    assert posted(client, sid, wav(1.0)) == 202


def test_a_genuine_outcome_still_ends_a_late_duplicate(client, as_worker, redis_server):
    sid = new_sid()
    as_worker.intake_store.record_outcome(sid, OUTCOME)
    assert posted(client, sid, wav(1.0)) == 202
    assert not as_worker.intake_store.is_waiting(sid)


def test_an_older_outcome_of_the_same_request_still_says_that_it_is_known(as_worker):
    key = OUTCOMES + "XR1"
    as_worker.intake_store.record_outcome("XR1", OUTCOME)
    older = as_worker.store.get(key)
    as_worker.intake_store.record_outcome("XR1", OUTCOME | {"erased_at": 1.0})
    overwrite(as_worker.store, key, older)
    assert as_worker.intake_store.has_outcome("XR1")


def result_of_another(settings: Settings, store: Store, sid: str) -> bytes:
    intake_store = IntakeStore.from_settings(settings, store)
    other = new_sid()
    intake_store.store_result(other, SENT)
    return store.get(RESULTS + other)


def result_under_another_key(settings: Settings, store: Store, sid: str) -> bytes:
    changed = settings.replace(intake_key=(os.urandom(32),))
    return result_of_another(changed, store, sid)


def record_for_a_result(settings: Settings, store: Store, sid: str) -> bytes:
    other = new_sid()
    IntakeStore.from_settings(settings, store).accept(other, "marketplace", "{}")
    content = store.get(INTAKE + other)
    store.delete(INTAKE + other)
    return content


PLANTED_RESULTS: dict[str, Callable[[Settings, Store, str], bytes]] = {
    "plain": lambda settings, store, sid: SENT.to_bytes(),
    "garbage": lambda settings, store, sid: os.urandom(500),
    "empty": lambda settings, store, sid: b"",
    "of another request": result_of_another,
    "another key": result_under_another_key,
    "another kind": record_for_a_result,
}


@pytest.mark.parametrize("planted", PLANTED_RESULTS.values(), ids=PLANTED_RESULTS)
def test_a_planted_result_is_replaced_by_the_genuine_one(
    accept, as_worker, settings, reader, planted
):
    exchange = accept()
    content = planted(settings, as_worker.store, exchange.sid)
    overwrite(as_worker.store, RESULTS + exchange.sid, content)
    assert as_worker.intake_store.stored_result(exchange.sid) is None
    work(exchange.sid)
    answered_and_archived(exchange, as_worker, reader)


@pytest.mark.parametrize("planted", PLANTED_RESULTS.values(), ids=PLANTED_RESULTS)
def test_a_request_whose_result_was_overwritten_is_answered_once(
    accept, as_worker, settings, reader, planted
):
    exchange = accept()
    process.process(exchange.sid)
    content = planted(settings, as_worker.store, exchange.sid)
    overwrite(as_worker.store, RESULTS + exchange.sid, content)
    deliver(exchange.sid)
    assert exchange.callbacks == []
    assert as_worker.states.get(exchange.sid).state == "queued"
    work(exchange.sid)
    (callback,) = exchange.callbacks
    assert callback.document()["status"] == "failed"  # the analysis is archived, but not for us
    assert b"".join(reader.open(INSTALL, exchange.sid).read()) == exchange.audio
    assert not as_worker.intake_store.is_waiting(exchange.sid)


@pytest.mark.parametrize("at_work", [False, True])
def test_a_planted_result_is_not_sent_in_place_of_the_failure_that_is_due(
    accept, as_worker, at_work
):
    received = datetime.now(UTC) - timedelta(hours=1)
    exchange = accept(duration=1.0, channels=2.0, received_at=received)
    overwrite(as_worker.store, RESULTS + exchange.sid, b"garbage")
    with lease(as_worker.redis, "process", exchange.sid) if at_work else nullcontext():
        deliver(exchange.sid)
    process.process(exchange.sid)
    assert [each.document()["code"] for each in exchange.callbacks] == [61001]
    assert not as_worker.intake_store.is_waiting(exchange.sid)


PLANTED_RECORDS: dict[str, Callable[[Settings, Store, str], bytes]] = {
    "garbage": lambda settings, store, sid: os.urandom(500),
    "empty": lambda settings, store, sid: b"",
    "of another request": lambda settings, store, sid: record_for_a_result(settings, store, sid),
    "another key": lambda settings, store, sid: record_for_a_result(
        settings.replace(intake_key=(os.urandom(32),)), store, sid
    ),
}


@pytest.mark.parametrize("planted", PLANTED_RECORDS.values(), ids=PLANTED_RECORDS)
def test_a_planted_record_swallows_no_upload(client, as_worker, settings, planted):
    sid, audio = new_sid(), wav(1.0)
    overwrite(as_worker.store, INTAKE + sid, planted(settings, as_worker.store, sid))
    assert posted(client, sid, audio) == 202
    record = as_worker.intake_store.open(sid)
    assert b"".join(record.audio) == audio
    assert posted(client, sid, audio) == 202


def test_a_planted_record_of_a_request_that_never_came_becomes_none(as_worker):
    overwrite(as_worker.store, INTAKE + "XR1", b"garbage")
    Sweeper(as_worker).sweep()
    assert as_worker.states.get("XR1") is None


def foreign(kind: str, sid: str, **fields: Any) -> bytes:
    document = {"version": 1, "tenant": INSTALL, "recording_id": sid, "request_sid": sid, **fields}
    return Signer(new_signing_key()).sign(kind, document)


@pytest.mark.parametrize("content", [b"garbage", b"", b"{}", None])
@pytest.mark.parametrize("name", ["tombstone", "manifest"])
def test_what_is_planted_in_its_place_keeps_no_recording_out_of_the_archive(
    accept, as_worker, reader, name, content
):
    exchange = accept()
    key = getattr(files(INSTALL, exchange.sid), name)
    overwrite(as_worker.store, key, foreign(name, exchange.sid) if content is None else content)
    work(exchange.sid)
    answered_and_archived(exchange, as_worker, reader)


def test_a_planted_manifest_under_the_recordings_own_sid_is_not_written_over(
    accept, as_worker, reader
):
    own = "RE" + "5d" * 16
    exchange = accept(recording_sid=own)
    key = files(INSTALL, own).manifest
    content = foreign("manifest", own)
    overwrite(as_worker.store, key, content)
    work(exchange.sid)
    answered_and_archived(exchange, as_worker, reader)
    assert as_worker.store.get(key) == content
