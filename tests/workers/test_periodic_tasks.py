"""Periodic tasks are queued when due, run once at a time, and are lost for one round at most."""

from __future__ import annotations

import pytest

from addon.requests import scheduling
from addon.requests.lease import lease
from addon.requests.queues import DeadlineQueue, sid_of
from addon.settings import DELETE_AT_SOURCE_FLOOR_S
from tests.twilio.standin import error
from workers import periodic_tasks
from workers.leader import lead
from workers.periodic_tasks import DELETE_EVERY_S, Schedule, run
from workers.sweeper import SILENCE_S, Sweeper

LIST = "/2010-04-01/Accounts/{}/Recordings.json"


@pytest.fixture
def flex(flex):
    flex.configure(delete_at_source_after_s=DELETE_AT_SOURCE_FLOOR_S)
    return flex


def queued(flex) -> list[str]:
    names = flex.services.redis.lrange(f"rq:queue:{scheduling.PERIODIC}", 0, -1)
    return sorted(sid_of(name.decode()) for name in names)


def test_each_is_queued_once_in_its_time(flex):
    mine = Schedule(flex.services)
    for _ in range(3):
        mine.step()
    assert queued(flex) == ["delete", "reconcile"]
    assert 0 < flex.services.redis.ttl("errand:delete") <= DELETE_EVERY_S
    flex.services.redis.delete("errand:delete")
    mine.step()
    assert queued(flex) == ["delete", "delete", "reconcile"]


def test_what_is_switched_off_is_not_queued(flex):
    flex.configure(delete_at_source_after_s=0, flex_reconcile_every_s=0)
    Schedule(flex.services).step()
    assert queued(flex) == []


def test_an_account_without_flex_is_never_listed(flex):
    """The account of an add-on's publisher may have recordings that are nobody's business here."""
    flex.configure(flex_workspace_sid=None, delete_at_source_after_s=0)
    Schedule(flex.services).step()
    assert queued(flex) == []


def test_with_redis_wiped_they_come_round_again(flex):
    Schedule(flex.services).step()
    flex.services.redis.flushall()
    Schedule(flex.services).step()
    assert queued(flex) == ["delete", "reconcile"]


def test_the_sweepers_turn_queues_them(flex):
    pause = lead(flex.services, "me", (Schedule(flex.services).step,))
    assert pause > 0
    assert queued(flex) == ["delete", "reconcile"]


@pytest.mark.parametrize("name", periodic_tasks.PERIODIC_TASKS)
def test_the_job_runs_its_errand_alone(flex, name, monkeypatch):
    ran = []
    monkeypatch.setitem(
        periodic_tasks.PERIODIC_TASKS,
        name,
        periodic_tasks.PeriodicTask(ran.append, periodic_tasks.PERIODIC_TASKS[name].every),
    )
    with lease(flex.services.redis, "errand", name):
        run(name)
    assert ran == []
    run(name)
    assert ran == [flex.services]


def test_a_task_that_twilio_disturbs_waits_for_its_next_time(flex):
    flex.twilio.trouble[LIST.format(flex.settings.twilio_account_sid)] = [error(503, 20500)]
    run("reconcile")
    flex.record()
    run("reconcile")
    assert [each.path.partition("?")[0] for each in flex.twilio.host.requests] == [
        LIST.format(flex.settings.twilio_account_sid)
    ] * 2


def test_a_task_whose_worker_died_leaves_the_queue(flex):
    Schedule(flex.services).step()
    queue = DeadlineQueue(scheduling.PERIODIC, connection=flex.services.redis)
    DeadlineQueue.dequeue_any([queue], None, flex.services.redis)
    now = [1000.0]
    sweeper = Sweeper(flex.services, clock=lambda: now[0])
    sweeper.sweep()
    now[0] += SILENCE_S + 1
    sweeper.sweep()
    assert flex.services.dispatcher.in_flight()[scheduling.PERIODIC] == []
