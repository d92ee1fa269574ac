"""New recordings in the call log become requests, once, through limits, outages and absences."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from addon.errors import QueueUnavailable, RingCentralUnavailable
from addon.redis_keys import RINGCENTRAL_LOOKED
from addon.requests import scheduling
from addon.requests.admission import AdmissionControl
from addon.ringcentral.call_log import CALL_LOG
from addon.ringcentral.notifications import Notifications
from tests.ringcentral.conftest import rc_settings, services, standin
from tests.ringcentral.standin import SERVICE_USER, refused, says
from workers import leader, periodic_tasks, ringcentral_poll
from workers.ringcentral_poll import Poll, Stretch, keep_subscribed, looked_until, poll
from workers.sweeper import Sweeper

__all__ = ["rc_settings", "services", "standin"]

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


def stamp(moment):
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def record(standin, number, ago=timedelta(minutes=10), **more):
    more = {"session": f"s-{number}", "start": stamp(NOW - ago), "people": {SERVICE_USER}} | more
    return standin.record(number, **more)


def run(services, later=timedelta()):
    return Poll(services, NOW + later).run()


def asked(standin):
    """What each look asked: how long ago it began, and its page."""
    found = []
    for request in standin.asked("/call-log"):
        query = {name: each[0] for name, each in parse_qs(urlsplit(request.path).query).items()}
        if "dateFrom" in query:
            since = datetime.fromisoformat(query["dateFrom"])
            until = datetime.fromisoformat(query["dateTo"])
            found.append((until - since, int(query["page"])))
        else:
            found.append(query["telephonySessionId"])
    return found


def test_a_new_recording_becomes_a_request_in_journal_ledger_and_lane(services, standin):
    record(standin, 1, duration=25)
    assert run(services) == 1
    entry = services.states.get("RC-5001")
    assert (entry.source, entry.tenant) == ("ringcentral", "RC-400123456")
    assert services.intake_store.is_waiting("RC-5001")
    assert services.dispatcher.depths()[scheduling.EXPRESS] == 1


def test_a_recording_is_taken_up_once(services, standin):
    record(standin, 1)
    record(standin, 2, session="s-1")
    assert run(services) == 2
    assert run(services) == 0
    services.redis.flushall()
    Sweeper(services).sweep()
    assert run(services) == 0
    assert sum(services.dispatcher.depths().values()) == 2


def test_what_was_finished_stays_finished_though_redis_is_lost(services, standin):
    record(standin, 1)
    services.intake_store.record_outcome("RC-5001", {"answer": "skipped", "answered_at": 1.0})
    assert run(services) == 0


def test_the_first_look_goes_far_back_and_the_next_ones_do_not(services, standin):
    for minutes in (0, 1, 2):
        run(services, timedelta(minutes=minutes))
    assert asked(standin) == [
        (timedelta(hours=48), 1),
        (timedelta(minutes=30), 1),
        (timedelta(minutes=30), 1),
    ]


def test_a_wider_look_comes_round_again(services, standin):
    run(services)
    services.redis.delete(f"{RINGCENTRAL_LOOKED}{4 * 3600}")
    run(services, timedelta(minutes=16))
    assert asked(standin)[-1] == (timedelta(hours=4), 1)


def test_an_absence_is_made_good(services, standin):
    run(services)
    record(standin, 1, ago=-timedelta(days=3))
    services.redis.flushall()
    assert run(services, timedelta(days=9)) == 1
    assert asked(standin)[-1] == (timedelta(days=10), 1)
    assert looked_until(services) == NOW + timedelta(days=9)


def test_a_look_goes_on_where_a_limit_stopped_it(services, standin, monkeypatch):
    monkeypatch.setattr("addon.ringcentral.call_log.PER_PAGE", 2)
    for number in range(7):
        record(standin, number)
    original = standin._call_log
    calls = []

    def third_is_too_many(request, person):
        calls.append(request)
        return says(429, **{"Retry-After": "1"}) if len(calls) == 3 else original(request, person)

    standin._call_log = third_is_too_many
    with pytest.raises(RingCentralUnavailable):
        run(services)
    assert services.intake_store.is_waiting("RC-5003")
    services.redis.delete(*services.redis.keys("ringcentral:limit:*"))
    assert run(services, timedelta(minutes=1)) == 3
    assert [number for _, number in asked(standin)] == [1, 2, 3, 3, 4]
    assert {length for length, _ in asked(standin)} == {timedelta(hours=48)}


def test_a_look_goes_on_where_a_full_redis_stopped_it(services, standin, monkeypatch):
    record(standin, 1)
    with monkeypatch.context() as full:
        full.setattr(AdmissionControl, "has_room", lambda _: False)
        with pytest.raises(QueueUnavailable):
            run(services)
        assert list(services.intake_store.waiting()) == []
        assert looked_until(services) is None
    assert run(services, timedelta(minutes=1)) == 1


def test_a_call_that_ended_late_is_asked_about(services, standin):
    run(services)
    record(standin, 1, ago=timedelta(hours=3), session="s-long")
    Notifications(services.redis).watch("s-long")
    assert run(services, timedelta(minutes=1)) == 1
    assert asked(standin)[-1] == "s-long"
    assert run(services, timedelta(minutes=2)) == 0


def test_a_call_that_the_look_shows_costs_no_further_request(services, standin):
    record(standin, 1, session="s-1")
    Notifications(services.redis).watch("s-1")
    run(services)
    assert len(standin.asked("/call-log")) == 1


def test_few_calls_are_asked_about_in_one_turn(services, standin):
    for number in range(9):
        Notifications(services.redis).watch(f"s-{number}")
    run(services)
    assert len(asked(standin)) == 1 + ringcentral_poll.MAX_ASKED


def test_catching_up_waits_behind_live_work(services, standin):
    record(standin, 1, ago=timedelta(days=80))
    assert Poll(services, NOW).catch_up(NOW - timedelta(days=90)) == 1
    assert services.dispatcher.depths()[scheduling.BACKFILL] == 1


def test_catching_up_waits_as_it_is_told(services, standin):
    for number in range(3):
        record(standin, number)
    standin.trouble[CALL_LOG] = [says(429, **{"Retry-After": "50"})]
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        services.redis.delete(*services.redis.keys("ringcentral:limit:*"))

    assert Poll(services, NOW).catch_up(NOW - timedelta(days=9), sleep) == 3
    assert waits == [50.0]
    standin.trouble[CALL_LOG] = [says(500)]
    with pytest.raises(RingCentralUnavailable):
        Poll(services, NOW).catch_up(NOW - timedelta(days=9), sleep)


def test_a_service_account_without_the_right_calls_a_person(services, standin):
    standin.trouble[CALL_LOG] = [refused(403, "CMN-401")]
    assert poll(services) == 0


def test_a_token_that_is_refused_is_replaced_next_time(services, standin):
    standin.trouble[CALL_LOG] = [refused(401, "OAU-151")]
    assert poll(services) == 0
    poll(services)
    assert len(standin.asked("/token")) == 2


def test_a_jwt_that_is_refused_is_no_defect(services, standin):
    standin.trouble["/restapi/oauth/token"] = [says(400, {"error": "invalid_grant"})]
    assert poll(services) == 0


def test_a_subscription_is_kept_alive(services, standin):
    assert keep_subscribed(services).active
    (made,) = standin.subscriptions.values()
    assert made["deliveryMode"]["address"] == "https://hooks.example.net/ringcentral/webhook"
    made["status"] = "Suspended"
    assert keep_subscribed(services).active
    assert [each["status"] for each in standin.subscriptions.values()] == ["Active"]


def test_a_subscription_that_is_refused_calls_a_person(services, standin):
    standin.trouble["/restapi/v1.0/subscription"] = [refused(403, "CMN-408")]
    assert keep_subscribed(services) is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, (60, 21600)),
        ({"ringcentral_webhook_token": None}, (60, 0)),
        ({"ringcentral_jwt": None}, (0, 0)),
        ({"ringcentral_client_id": None}, (0, 0)),
    ],
)
def test_errands_are_run_where_they_are_wanted(rc_settings, change, expected):
    settings = rc_settings.replace(**change)
    assert (
        ringcentral_poll.poll_every(settings),
        ringcentral_poll.subscribe_every(settings),
    ) == expected


def test_the_sweeper_sends_for_it(as_worker, standin):
    record(standin, 1, start=stamp(datetime.now(UTC) - timedelta(minutes=5)))
    assert leader.lead(as_worker, "me", [periodic_tasks.Schedule(as_worker).step]) == leader.EVERY_S
    assert as_worker.dispatcher.depths()[scheduling.PERIODIC] == 2
    periodic_tasks.run("ringcentral")
    periodic_tasks.run("ringcentral-subscription")
    assert as_worker.intake_store.is_waiting("RC-5001")
    assert len(standin.subscriptions) == 1


def test_the_stretches_are_in_order():
    assert list(ringcentral_poll.STRETCHES) == sorted(ringcentral_poll.STRETCHES, reverse=True)
    assert all(isinstance(each, Stretch) for each in ringcentral_poll.STRETCHES)
