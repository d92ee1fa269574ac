"""The sweep of webhook deliveries: what nobody holds is queued, once, and nothing is looked for
where no webhooks are offered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from addon import redis_keys
from addon.requests.lease import Lease
from addon.requests.queues import WEBHOOK_KIND
from addon.requests.scheduling import WEBHOOKS
from addon.settings import Settings
from addon.webhooks.events import Event
from addon.webhooks.outbox import Outbox
from addon.webhooks.tries import Tries
from tests.web.requests import INSTALL
from workers import webhook_sweep
from workers.services import Services
from workers.webhook_sweep import WebhookSweep

EVENT = Event("msg_1", "recording.ready", INSTALL, "RE1", "2026-11-26T09:00:00.000+00:00")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.replace(webhook_hosts=("hooks.example.com",))


@pytest.fixture
def name(services: Services) -> str:
    """A delivery that is promised in the store, and that Redis does not know."""
    services.outbox.endpoints.create(INSTALL, "https://hooks.example.com/")
    (promised,) = services.outbox.promise(EVENT)
    return promised


def queued(services: Services) -> int:
    return services.dispatcher.depths()[WEBHOOKS]


def make_due(services: Services, name: str) -> None:
    services.redis.zadd(redis_keys.WEBHOOKS_OPEN, {name: 1.0})


def test_what_a_web_process_or_a_command_promised_is_queued(services, name):
    sweep = WebhookSweep(services)
    sweep.step()
    sweep.step()
    assert queued(services) == 1


def test_what_is_due_and_waits_already_is_not_queued_twice(services, name):
    sweep = WebhookSweep(services)
    sweep.step()
    make_due(services, name)
    sweep.step()
    assert queued(services) == 1
    assert services.redis.zscore(redis_keys.WEBHOOKS_OPEN, name) > 1.0


def test_what_is_at_work_is_not_queued(services, name):
    sweep = WebhookSweep(services)
    sweep.step()
    services.redis.delete(f"rq:queue:{WEBHOOKS}")
    make_due(services, name)
    held = Lease(services.redis, WEBHOOK_KIND, name)
    assert held.take()
    sweep.step()
    assert queued(services) == 0
    held.release()
    make_due(services, name)
    sweep.step()
    assert queued(services) == 1


def test_a_job_that_lost_its_worker_runs_again(services, name):
    sweep = WebhookSweep(services)
    sweep.step()
    services.redis.delete(f"rq:queue:{WEBHOOKS}")  # taken by a process that was killed
    make_due(services, name)
    sweep.step()
    assert queued(services) == 1


def test_old_events_go_some_at_a_time(services, name, monkeypatch):
    monkeypatch.setattr(webhook_sweep, "KEPT", -webhook_sweep.KEPT)
    monkeypatch.setattr(webhook_sweep, "FORGOTTEN_AT_ONCE", 1)
    sweep = WebhookSweep(services)
    left = [1]
    for _ in range(4):
        sweep.step()
        left.append(len(list(services.store.list("webhook-events/"))))
    assert left[-1] == 0
    assert list(services.outbox.pending()) == []


def test_without_hosts_neither_store_nor_redis_is_asked(services, settings, redis_server):
    off = Outbox.from_settings(settings.replace(webhook_hosts=()), services.store)
    blind = replace(services, outbox=off)
    before = redis_server.info("commandstats")
    WebhookSweep(blind).step()
    after = redis_server.info("commandstats")
    assert set(after) - set(before) <= {"cmdstat_info"}
    assert Tries(services.redis).known() == set()
