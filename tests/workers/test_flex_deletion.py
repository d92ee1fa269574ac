"""Deletion at Twilio: never before its time, never without proof, always on record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from addon.archive.access_log import AccessLog
from addon.archive.archive import Archive
from addon.archive.configured import control_signer
from addon.archive.names import files
from addon.errors import StoreUnavailable
from addon.settings import DELETE_AT_SOURCE_FLOOR_S
from addon.twilio.status_callback import StatusCallback
from tests.conftest import ACCOUNT
from tests.twilio.standin import error, sid
from workers import flex_deletion, process
from workers.flex_deletion import HELD, POSTPONED, Plan, delete_due, plans
from workers.services import Services

RECORDINGS = f"/2010-04-01/Accounts/{ACCOUNT}/Recordings"
DELAY = timedelta(seconds=DELETE_AT_SOURCE_FLOOR_S)


@pytest.fixture
def flex(flex):
    flex.configure(delete_at_source_after_s=DELETE_AT_SOURCE_FLOOR_S)
    return flex


@pytest.fixture
def archived(flex) -> str:
    """A recording that was archived a moment ago."""
    recording = flex.record()
    flex.announce(recording)
    flex.work(recording)
    return recording


def later(hours: float = 2.01) -> datetime:
    return datetime.now(UTC) + timedelta(hours=hours)


def waiting(flex) -> list[str]:
    return [each.recording_sid for each in plans(flex.services.store) if each.due]


def held(flex) -> dict[str, str]:
    store = flex.services.store
    found = [each for each in plans(store) if each.due is None]
    return {
        each.recording_sid: flex_deletion.why_held(store, flex.settings, each) for each in found
    }


def audio_file(flex, recording: str) -> Path:
    return flex.settings.data_dir / "archive" / files(ACCOUNT, recording).audio


def test_it_is_planned_and_done_when_its_time_has_come(flex, archived):
    assert waiting(flex) == [archived]
    assert delete_due(flex.services, later(1.99)) == 0
    assert archived in flex.twilio.recordings
    assert delete_due(flex.services, later()) == 1
    assert archived not in flex.twilio.recordings
    assert waiting(flex) == []
    assert flex.archived(archived)


def test_all_of_it_is_in_the_trail(flex, archived):
    delete_due(flex.services, later())
    events = list(AccessLog(flex.services.store).events(ACCOUNT, archived))
    assert [each["event"] for each in events] == ["deletion_planned", "deleted_at_source"]
    proof = flex.reader.manifest(ACCOUNT, archived).audio.sha256
    assert (events[1]["audio_sha256"], events[1]["decrypted"]) == (proof, False)


def test_it_is_off_by_default(flex):
    flex.configure(delete_at_source_after_s=0)
    recording = flex.record()
    flex.announce(recording)
    flex.work(recording)
    assert list(plans(flex.services.store)) == []


def test_switched_off_meanwhile_nothing_is_deleted_and_the_plan_stays(flex, archived):
    flex.configure(delete_at_source_after_s=0)
    assert delete_due(flex.services, later(100)) == 0
    assert archived in flex.twilio.recordings
    assert waiting(flex) == [archived]


def test_no_setting_makes_it_sooner_than_two_hours(flex):
    flex.configure(delete_at_source_after_s=1)  # settings.py refuses this; here it is met again
    recording = flex.record()
    flex.announce(recording)
    flex.work(recording)
    (planned,) = plans(flex.services.store)
    assert planned.due - datetime.now(UTC) > DELAY - timedelta(minutes=1)


def test_the_plan_outlives_redis(flex, archived):
    flex.services.redis.flushall()
    assert delete_due(flex.services, later()) == 1
    assert archived not in flex.twilio.recordings


def test_where_a_key_is_held_it_is_decrypted_as_well(flex, archived):
    flex.become(Services.from_settings(flex.settings))  # with the readers' keys
    delete_due(flex.services, later())
    *_, last = AccessLog(flex.services.store).events(ACCOUNT, archived)
    assert last["decrypted"] is True


@pytest.mark.parametrize("reader", [False, True], ids=["hash", "decrypted"])
@pytest.mark.parametrize("where", ["first byte", "last byte", "cut", "gone"])
def test_what_is_not_as_signed_is_kept_at_twilio_and_a_person_called(flex, archived, where, reader):
    if reader:
        flex.become(Services.from_settings(flex.settings))
    spoil(audio_file(flex, archived), where)
    assert delete_due(flex.services, later()) == 0
    assert archived in flex.twilio.recordings
    assert list(held(flex)) == [archived]
    assert flex.events(archived)[-1] == "kept_at_source"
    assert delete_due(flex.services, later(1000)) == 0
    assert archived in flex.twilio.recordings


def spoil(path: Path, where: str) -> None:
    content = bytearray(path.read_bytes())
    path.chmod(0o600)
    if where == "gone":
        path.unlink()
        return
    if where == "cut":
        content = content[:-100]
    else:
        content[0 if where == "first byte" else -1] ^= 1
    path.write_bytes(content)


def test_a_manifest_that_was_forged_proves_nothing(flex, archived):
    path = flex.settings.data_dir / "archive" / files(ACCOUNT, archived).manifest
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b'"flex"', b'"flax"'))
    assert delete_due(flex.services, later()) == 0
    assert archived in flex.twilio.recordings
    assert archived in held(flex)


def test_the_analysis_counts_as_well(flex, archived):
    path = flex.settings.data_dir / "archive" / files(ACCOUNT, archived).analysis
    path.chmod(0o600)
    path.unlink()
    assert delete_due(flex.services, later()) == 0
    assert archived in flex.twilio.recordings


def test_what_was_erased_here_is_not_deleted_there(flex, archived):
    """Whoever erased it may want to keep the only copy; a person decides."""
    flex.reader.erase(ACCOUNT, archived, by="test", reason="asked")
    assert delete_due(flex.services, later()) == 0
    assert archived in flex.twilio.recordings
    assert archived in held(flex)


def test_another_accounts_recording_is_never_asked_for(flex, archived):
    flex.configure(twilio_account_sid="AC" + "99" * 16)
    assert delete_due(flex.services, later()) == 0
    assert not any(each.method == "DELETE" for each in flex.twilio.host.requests)


def test_what_could_not_be_analysed_stays_at_twilio(flex):
    recording = flex.record(audio=bytes(range(256)) * 40)
    flex.announce(recording)
    flex.work(recording)
    assert list(plans(flex.services.store)) == []


def test_what_twilio_answers_with_a_page_stays_at_twilio(flex):
    recording = flex.record(audio=b"<html>")
    flex.announce(recording)
    process.process(recording)
    assert list(plans(flex.services.store)) == []


def test_what_is_gone_at_twilio_is_done(flex, archived):
    del flex.twilio.recordings[archived]
    assert delete_due(flex.services, later()) == 1
    assert flex.events(archived)[-1] == "deleted_at_source"
    assert waiting(flex) == []


@pytest.mark.parametrize(("status", "code"), [(503, 20500), (429, 20429), (400, 20409)])
def test_what_twilio_does_not_take_is_postponed_and_holds_up_nothing(flex, archived, status, code):
    second = flex.record(2)
    flex.announce(second)
    flex.work(second)
    flex.twilio.trouble[f"{RECORDINGS}/{archived}.json"] = [error(status, code)]
    moment = later()
    delete_due(flex.services, moment)
    delete_due(flex.services, moment)
    assert second not in flex.twilio.recordings
    assert waiting(flex) == [archived]
    assert delete_due(flex.services, moment + POSTPONED) == 1
    assert archived not in flex.twilio.recordings


def test_the_same_recording_is_planned_once(flex, archived):
    callback = StatusCallback(
        ACCOUNT, sid("RE", 8), "completed", datetime(2026, 3, 4, 10, tzinfo=UTC)
    )
    for _ in range(3):
        flex_deletion.plan(flex.services.archive, flex.services.settings, callback)
    assert waiting(flex).count(sid("RE", 8)) == 1
    assert flex.events(sid("RE", 8)) == ["deletion_planned"]


def planted_early(flex, recording: str) -> Plan:
    return Plan(ACCOUNT, recording, datetime(2026, 1, 1, tzinfo=UTC))


PLANTED = {
    "unsigned": lambda store, genuine, key: b'{"version": 1}',
    "garbage": lambda store, genuine, key: b"\xff",
    "empty": lambda store, genuine, key: b"",
    "huge": lambda store, genuine, key: b" " * (17 * 1024 * 1024),
    "of another place": lambda store, genuine, key: store.get(genuine.key),
    "another kind": lambda store, genuine, key: signed(store, "outcome", key),
}


def signed(flex, kind: str, key: str) -> bytes:
    return control_signer(flex.settings).sign(kind, key, {"version": 1})


@pytest.mark.parametrize("content", PLANTED, ids=PLANTED)
def test_a_planted_plan_deletes_nothing_and_holds_up_no_other(flex, archived, content):
    store = flex.services.store
    (genuine,) = plans(store)
    key = planted_early(flex, archived).key
    given = flex if content == "another kind" else store
    store.put(key, [PLANTED[content](given, genuine, key)])
    assert delete_due(flex.services, later(1.5)) == 0
    assert archived in flex.twilio.recordings
    assert delete_due(flex.services, later()) == 1
    assert archived not in flex.twilio.recordings


def test_a_plan_in_whose_place_something_lies_is_made_all_the_same(flex):
    callback = StatusCallback(
        ACCOUNT, sid("RE", 8), "completed", datetime(2026, 3, 4, 10, tzinfo=UTC)
    )
    due = callback.received_at + DELAY
    flex.services.store.put(Plan(ACCOUNT, sid("RE", 8), due).key, [b"{}"])
    for _ in range(2):
        flex_deletion.plan(flex.services.archive, flex.services.settings, callback)
    assert flex.events(sid("RE", 8)) == ["deletion_planned"]


def test_a_plan_of_the_release_before_is_believed_until_the_upgrade_is_over(flex, archived):
    store = flex.services.store
    (genuine,) = plans(store)
    store.put(genuine.key, [b'{"version": 1}'], if_absent=False)
    assert delete_due(flex.services, later()) == 0
    flex.configure(unsigned_controls_until=later(100))
    assert delete_due(flex.services, later()) == 1


def test_a_plan_that_was_done_and_is_put_back_does_nothing(flex, archived):
    store = flex.services.store
    (genuine,) = plans(store)
    content = store.get(genuine.key)
    delete_due(flex.services, later())
    store.put(genuine.key, [content])
    asked = len(flex.twilio.host.requests)
    delete_due(flex.services, later())
    assert len(flex.twilio.host.requests) == asked
    assert waiting(flex) == []


def test_a_plan_and_its_key_say_the_same():
    due = datetime(2026, 3, 4, 10, 15, 30, tzinfo=UTC)
    for planned in (Plan(ACCOUNT, sid("RE", 1), due), Plan(ACCOUNT, sid("RE", 1), None)):
        assert Plan.of_key(planned.key) == planned
    assert HELD > "9" * 16


class Killed(BaseException):
    """Where the process would have died."""


STEPS = {
    "before the proof": (Archive, "manifest", False),
    "after the proof": ("workers.flex_deletion", "proven", True),
    "before the deletion": ("addon.twilio.recordings.Recordings", "delete", False),
    "after the deletion": ("addon.twilio.recordings.Recordings", "delete", True),
    "before the record": (AccessLog, "record", False),
    "after the record": (AccessLog, "record", True),
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_killed_between_any_two_steps_nothing_unproven_is_gone(flex, archived, monkeypatch, step):
    owner, name, after = step
    owner = _resolved(owner)
    real = getattr(owner, name)

    def dying(*args, **kwargs):
        if after:
            real(*args, **kwargs)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, dying)
        with pytest.raises(Killed):
            delete_due(flex.services, later())
    assert waiting(flex) == [archived]
    if archived not in flex.twilio.recordings:
        assert flex.archived(archived), "it is gone at Twilio, so it must be whole here"
    assert delete_due(flex.services, later()) == 1
    assert archived not in flex.twilio.recordings
    assert flex.events(archived).count("deleted_at_source") == 1
    assert waiting(flex) == []


def _resolved(owner):
    from pkgutil import resolve_name

    return (
        resolve_name(owner.replace(".Recordings", ":Recordings"))
        if isinstance(owner, str)
        else owner
    )


def test_a_store_that_is_away_deletes_nothing(flex, archived, monkeypatch):
    def away(*_args, **_kwargs):
        raise StoreUnavailable("the store does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(type(flex.services.store), "get", away)
        with pytest.raises(StoreUnavailable):
            delete_due(flex.services, later())
    assert archived in flex.twilio.recordings
    assert waiting(flex) == [archived]


def test_killed_before_the_plan_the_request_is_not_over(flex, monkeypatch):
    """The plan is made before the intake goes, so that no crash can lose it."""
    recording = flex.record()
    flex.announce(recording)

    def dying(*_args):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("workers.flex_deletion.plan", dying)
        with pytest.raises(Killed):
            flex.work(recording)
    assert flex.services.intake_store.is_waiting(recording)
    flex.work(recording)
    assert waiting(flex) == [recording]
