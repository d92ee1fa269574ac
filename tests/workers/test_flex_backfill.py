"""Old recordings are archived behind all live work, and an interrupted backfill goes on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from addon.errors import TwilioUnavailable
from addon.requests import scheduling
from addon.requests.admission import AdmissionControl
from addon.requests.queues import sid_of
from tests.calls import wav
from tests.conftest import ACCOUNT
from tests.twilio.standin import EPOCH, error, sid
from workers.flex_backfill import PAUSE_S, TRIES, Backfill, Progress, backfills
from workers.sweeper import Sweeper

LIST = f"/2010-04-01/Accounts/{ACCOUNT}/Recordings.json"
SINCE, UNTIL = EPOCH, EPOCH + timedelta(minutes=1000)


class Sleeps(list[float]):
    """Remembers how long it was to sleep, and does what was asked for meanwhile."""

    def __init__(self, meanwhile=lambda: None) -> None:
        self.meanwhile = meanwhile

    def __call__(self, seconds: float) -> None:
        self.append(seconds)
        self.meanwhile()


@pytest.fixture
def small_pages(monkeypatch):
    """Two recordings a page, so that a few of them make several pages."""
    from addon.twilio.recordings import Recordings

    real = Recordings.page
    monkeypatch.setattr(
        Recordings, "page", lambda self, **asked: real(self, **{**asked, "size": 2})
    )


def backfill(flex, **options) -> Backfill:
    options = {"rate": 100.0, "sleep": Sleeps(), **options}
    return Backfill(flex.services, SINCE, UNTIL, **options)


def backfill_queue(flex) -> list[str]:
    names = flex.services.redis.lrange(f"rq:queue:{scheduling.BACKFILL}", 0, -1)
    return [sid_of(name.decode()) for name in names]


def test_everything_of_the_range_waits_behind_live_work(flex, small_pages):
    recordings = [flex.record(number, b"RIFF") for number in range(1, 6)]
    flex.record(5000, b"RIFF")  # made later
    *_, last = backfill(flex).run()
    assert (last.listed, last.taken_up, last.done) == (5, 5, True)
    assert sorted(backfill_queue(flex)) == recordings
    assert scheduling.ROLES["general"][-1] == scheduling.BACKFILL


def test_it_is_archived_like_any_other(flex):
    recording = flex.record(1, wav(1.0))
    list(backfill(flex).run())
    assert flex.work(recording) == "skipped"  # its task is long gone
    assert flex.archived(recording) == flex.twilio.media[recording]
    assert not any("/Tasks" in each.path for each in flex.twilio.host.requests)


def test_it_stays_behind_live_work_with_redis_wiped_and_after_a_crash(flex):
    recording = flex.record(1, b"RIFF")
    list(backfill(flex).run())
    flex.services.redis.flushall()
    Sweeper(flex.services).sweep()
    assert backfill_queue(flex) == [recording]
    flex.services.dispatcher.process(flex.entry(recording))
    assert backfill_queue(flex) == [recording] * 2


def test_an_interrupted_one_goes_on_at_its_page(flex, small_pages):
    recordings = [flex.record(number, b"RIFF") for number in range(1, 6)]
    next(backfill(flex).run())
    asked = len(flex.twilio.host.requests)
    progress = list(backfill(flex).run())
    assert [each.done for each in progress][-1]
    assert len(flex.twilio.host.requests) - asked == 2  # of three pages
    assert sorted(backfill_queue(flex)) == recordings


def test_killed_in_the_middle_of_a_page_nothing_is_taken_up_twice(flex, small_pages):
    recordings = [flex.record(number, b"RIFF") for number in range(1, 6)]

    def killed() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(backfill(flex, sleep=Sleeps(killed)).run())
    list(backfill(flex).run())
    assert sorted(backfill_queue(flex)) == recordings


def test_one_that_is_done_does_nothing_more_until_it_is_begun_anew(flex):
    flex.record(1, b"RIFF")
    list(backfill(flex).run())
    assert list(backfill(flex).run()) == []
    again = backfill(flex)
    again.save(Progress())
    flex.record(2, b"RIFF")
    (progress,) = again.run()
    assert (progress.listed, progress.taken_up) == (2, 1)


def test_it_keeps_to_its_rate(flex):
    for number in range(1, 5):
        flex.record(number, b"RIFF")
    sleeps = Sleeps()
    list(backfill(flex, rate=4.0, sleep=sleeps).run())
    assert sleeps == [0.25] * 4


def test_it_waits_while_enough_is_waiting(flex):
    for number in range(1, 4):
        flex.record(number, b"RIFF")
    queue = f"rq:queue:{scheduling.BACKFILL}"
    longest = []

    def worker() -> None:
        longest.append(flex.services.redis.llen(queue))
        if longest[-1] >= 2:
            flex.services.redis.lpop(queue)

    (progress,) = backfill(flex, ahead=2, sleep=Sleeps(worker)).run()
    assert progress.taken_up == 3
    assert max(longest) == 2


def test_it_waits_while_redis_is_full(flex, monkeypatch):
    flex.record(1, b"RIFF")
    answers = iter([False, False, True, True])
    monkeypatch.setattr(AdmissionControl, "has_room", lambda _: next(answers))
    sleeps = Sleeps(lambda: None)
    (progress,) = backfill(flex, sleep=sleeps).run()
    assert progress.taken_up == 1
    assert sleeps[:2] == [PAUSE_S, PAUSE_S]


def test_a_busy_twilio_is_waited_for_and_a_dead_one_ends_it_with_its_place_kept(flex, small_pages):
    for number in range(1, 6):
        flex.record(number, b"RIFF")
    busy = error(429, 20429)
    busy.headers["Retry-After"] = "7"
    flex.twilio.trouble[LIST] = [busy]
    sleeps = Sleeps()
    run = backfill(flex, sleep=sleeps).run()
    first = next(run)
    assert sleeps[0] >= 7
    flex.twilio.trouble[LIST] = [error(503, 20500)] * TRIES
    with pytest.raises(TwilioUnavailable):
        next(run)
    assert backfill(flex).load() == first


def test_what_was_begun_can_be_seen(flex, small_pages):
    for number in range(1, 6):
        flex.record(number, b"RIFF")
    next(backfill(flex).run())
    ((name, progress),) = backfills(flex.services.store)
    assert name == "20260304T101530Z_20260305T025530Z"
    assert (progress.listed, progress.done) == (2, False)


def test_a_known_recording_costs_no_time(flex):
    for number in (1, 2):
        flex.announce(flex.record(number, b"RIFF"))
    sleeps = Sleeps()
    (progress,) = backfill(flex, sleep=sleeps).run()
    assert (progress.listed, progress.taken_up, sleeps) == (2, 0, [])
    assert flex.entry(sid("RE", 1)).queue != scheduling.BACKFILL
