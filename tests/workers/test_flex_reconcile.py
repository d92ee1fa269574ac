"""Recordings that nobody announced are found, once, however long nobody looked."""

from __future__ import annotations

import email.utils
from datetime import UTC, datetime, timedelta

import pytest

from addon.archive.prefixes import INTAKE, OUTCOMES
from addon.errors import QueueUnavailable, TwilioUnavailable
from addon.requests import scheduling
from addon.requests.admission import AdmissionControl
from tests.conftest import ACCOUNT
from tests.twilio.standin import error
from workers.flex_reconcile import FIRST_LOOK, GRACE, OVERLAP, looked_until, reconcile

LIST = f"/2010-04-01/Accounts/{ACCOUNT}/Recordings.json"


@pytest.fixture
def recorded(flex):
    """A recording that began so long ago."""

    def made(number: int, ago: timedelta, **more) -> str:
        began = email.utils.format_datetime(datetime.now(UTC) - ago)
        return flex.record(number, date_created=began, start_time=began, duration="1", **more)

    return made


def waiting(flex) -> list[str]:
    return list(flex.services.intake_store.waiting())


def test_what_no_callback_announced_is_picked_up_and_archived(flex, recorded):
    recording, task = recorded(1, timedelta(hours=1)), flex.task(1)
    found = reconcile(flex.services)
    assert (found.listed, found.picked_up) == (1, 1)
    assert flex.work(recording) == "updated"
    assert flex.archived(recording) == flex.twilio.media[recording]
    assert flex.twilio.attributes(task)["conversations"]["media"]
    assert flex.entry(recording).queue in scheduling.RECORDING_QUEUES


def test_what_is_known_is_left_alone(flex, recorded):
    announced, finished = (recorded(n, timedelta(hours=1)) for n in (1, 2))
    flex.announce(announced)
    flex.announce(finished)
    flex.work(finished)
    assert reconcile(flex.services).picked_up == 0
    assert flex.entry(finished).duplicates == 0


def test_what_is_known_is_known_without_redis_as_well(flex, recorded):
    announced, finished = (recorded(n, timedelta(hours=1)) for n in (1, 2))
    flex.announce(announced)
    flex.announce(finished)
    flex.work(finished)
    flex.services.redis.flushall()
    assert reconcile(flex.services).picked_up == 0


def test_a_callback_that_comes_after_all_is_a_duplicate(flex, recorded):
    recording = recorded(1, timedelta(hours=1))
    reconcile(flex.services)
    assert not flex.announce(recording)
    assert waiting(flex) == [recording]


def test_a_callback_has_its_time_to_come(flex, recorded):
    recording = recorded(1, GRACE / 2)
    assert reconcile(flex.services).picked_up == 0
    assert reconcile(flex.services, datetime.now(UTC) + GRACE).picked_up == 1
    assert waiting(flex) == [recording]


@pytest.mark.parametrize("status", ["in-progress", "processing", "paused", "absent", "deleted"])
def test_only_what_is_completed_is_picked_up(flex, recorded, status):
    recorded(1, timedelta(hours=1), status=status)
    assert reconcile(flex.services).picked_up == 0


def test_a_call_that_began_hours_ago_and_has_just_ended_is_still_found(flex, recorded):
    reconcile(flex.services)
    recording = recorded(1, timedelta(hours=4, minutes=10))
    assert reconcile(flex.services).picked_up == 1
    assert waiting(flex) == [recording]


def test_the_first_look_goes_back_a_day_and_no_further(flex, recorded):
    recorded(1, FIRST_LOOK + OVERLAP + timedelta(hours=1))
    recent = recorded(2, FIRST_LOOK - timedelta(hours=1))
    reconcile(flex.services)
    assert waiting(flex) == [recent]


def test_after_days_of_absence_everything_since_is_looked_through(flex, recorded):
    reconcile(flex.services, datetime.now(UTC) - timedelta(days=9))
    missed = recorded(1, timedelta(days=5))
    reconcile(flex.services)
    assert waiting(flex) == [missed]


def test_a_look_that_breaks_off_is_made_again(flex, recorded):
    before = datetime.now(UTC) - timedelta(days=9)
    reconcile(flex.services, before)
    marked = looked_until(flex.services)
    missed = recorded(1, timedelta(days=5))
    flex.twilio.trouble[LIST] = [error(429, 20429)]
    with pytest.raises(TwilioUnavailable):
        reconcile(flex.services)
    assert looked_until(flex.services) == marked
    reconcile(flex.services)
    assert waiting(flex) == [missed]


def test_what_a_full_redis_turned_away_is_picked_up_when_there_is_room(flex, recorded, monkeypatch):
    recording = recorded(1, timedelta(hours=1))
    with monkeypatch.context() as full:
        full.setattr(AdmissionControl, "has_room", lambda _: False)
        for refused in (lambda: flex.announce(recording), lambda: reconcile(flex.services)):
            with pytest.raises(QueueUnavailable):
                refused()
        assert looked_until(flex.services) is None
        assert waiting(flex) == []
    assert reconcile(flex.services).picked_up == 1
    assert waiting(flex) == [recording]


def test_a_subaccounts_recording_or_an_odd_name_is_not_ours(flex, recorded):
    recorded(1, timedelta(hours=1), account_sid="AC" + "99" * 16)
    recorded(2, timedelta(hours=1), sid="../escape")
    assert reconcile(flex.services).picked_up == 0
    assert waiting(flex) == []


def test_an_encrypted_recording_keeps_what_opens_it(flex, recorded):
    details = {"encryption_public_key_sid": "CR1", "encryption_cek": "x", "encryption_iv": "y"}
    recording = recorded(1, timedelta(hours=1), encryption_details=details)
    reconcile(flex.services)
    assert "encryption_cek" in flex.services.intake_store.open(recording).request


@pytest.mark.parametrize("prefix", [INTAKE, OUTCOMES])
def test_what_is_planted_keeps_no_recording_from_being_found(flex, recorded, prefix):
    missed = recorded(1, timedelta(hours=1))
    flex.services.store.put(prefix + missed, [b'{"version": 1, "answer": "delivered"}'])
    assert reconcile(flex.services).picked_up == 1
    assert flex.services.intake_store.is_accepted(missed)
