"""A worker runs its own functions alone, whatever somebody puts into a queue of Redis."""

from __future__ import annotations

import base64
import json
import os
import pickle
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from rq.job import Job
from rq.registry import StartedJobRegistry, clean_registries

from addon.requests import queues, scheduling
from addon.requests.queues import DeadlineQueue, RequestJob
from tests.requests.test_releases import LAST, SID, put_intake
from workers.sweeper import Sweeper
from workers.worker import QueueWorker

XR = SID["marketplace"]
JOB = f"process-{XR}-69a80600deadbeef"
GOOD = json.dumps(["workers.process.process", None, [XR], {}]).encode()


class Bomb:
    """Runs a command where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.system, (f"touch {self.path}",)


def put(connection: redis.Redis, data: bytes, job: str | bytes = JOB, **fields: str) -> None:
    """A job as somebody with access to Redis could write it."""
    name = job.decode(errors="replace") if isinstance(job, bytes) else job
    connection.hset(
        f"rq:job:{name}",
        mapping={
            "data": zlib.compress(data),
            "origin": "express",
            "status": "queued",
            "created_at": "2026-03-04T10:15:30.000000Z",
            "enqueued_at": "2026-03-04T10:15:30.000000Z",
            **fields,
        },
    )
    connection.rpush("rq:queue:express", job)


def take(connection: redis.Redis) -> tuple[Job, DeadlineQueue] | None:
    queue = DeadlineQueue("express", connection=connection)
    return DeadlineQueue.dequeue_any([queue], None, connection)


def work(connection: redis.Redis, url: str) -> None:
    """A worker takes every job, in a process of its own, and ends well."""
    child = os.fork()
    if not child:
        try:
            QueueWorker(["express"], connection=redis.Redis.from_url(url)).work(burst=True)
        finally:
            os._exit(0 if connection.llen("rq:queue:express") == 0 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.fixture
def ran(redis_server, redis_url, monkeypatch):
    """Replaces the processing of a request by a note in Redis."""

    def noted(sid: str) -> None:
        redis.Redis.from_url(redis_url).rpush("ran", sid)

    monkeypatch.setattr("workers.process.process", noted)
    return lambda: [sid.decode() for sid in redis_server.lrange("ran", 0, -1)]


HOSTILE = {
    "another function": json.dumps(["os.system", None, ["touch {path}"], {}]),
    "another function under the request's SID": json.dumps(["os.system", None, [XR], {}]),
    "a method of an instance": json.dumps(["process", "workers.process", [XR], {}]),
    "another kind's function": json.dumps(["workers.deliver.deliver", None, [XR], {}]),
    "another request": json.dumps(["workers.process.process", None, ["XR1"], {}]),
    "no text": json.dumps(["workers.process.process", None, [[XR]], {}]),
    "no arguments": json.dumps(["workers.process.process", None, [], {}]),
    "more arguments": json.dumps(["workers.process.process", None, [XR, 1], {}]),
    "named arguments": json.dumps(["workers.process.process", None, [XR], {"sid": "XR1"}]),
    "another shape": json.dumps({"a": 1}),
    "no JSON": "(((",
    "too deep": "[" * 100_000,
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_anything_else_is_refused_and_the_worker_goes_on(services, redis_url, ran, tmp_path, data):
    put(services.redis, data.replace("{path}", str(tmp_path / "mark")).encode())
    put(services.redis, json.dumps(["workers.process.process", None, ["XR9"], {}]).encode(),
        "process-XR9-0000000000000000")  # fmt: skip
    work(services.redis, redis_url)
    assert ran() == ["XR9"]
    assert list(tmp_path.glob("mark")) == []
    assert services.counters.read()["addon_refused_jobs_total|express"] == 1
    assert services.dispatcher.in_flight()["express"] == []
    assert not services.redis.exists(f"rq:job:{JOB}")


def test_a_pickle_is_never_opened(services, redis_url, ran, tmp_path):
    mark = tmp_path / "mark"
    data = pickle.dumps(("workers.process.process", None, (XR, Bomb(mark)), {}))
    put(services.redis, data)
    put(services.redis, GOOD, meta=pickle.dumps(Bomb(mark)), result=pickle.dumps(Bomb(mark)))
    work(services.redis, redis_url)
    assert not mark.exists()


@pytest.mark.parametrize(
    "fields",
    [
        {f"{when}_callback_name": "shutil.rmtree" for when in ("success", "failure", "stopped")},
        {"webhooks": json.dumps([{"url": "http://127.0.0.1:1/", "events": ["finished"]}])},
        {"dependency_ids": '["a"]', "repeats_left": "3", "retries_left": "3"},
        {"meta": '["a"]'},
        {"meta": '{"traceparent": {"a": 1}}'},
    ],
)
def test_other_features_of_the_queue_library_are_not_believed(services, redis_url, ran, fields):
    put(services.redis, GOOD, **fields)
    job, _ = take(services.redis)
    assert (job.success_callback, job.failure_callback, job.stopped_callback) == (None,) * 3
    assert (job.webhooks, job._dependency_ids, job.retries_left, job.meta) == ([], [], None, {})
    services.redis.lmove("rq:queue:express:intermediate", "rq:queue:express")
    work(services.redis, redis_url)
    assert ran() == [XR]


@pytest.mark.parametrize(
    "fields", [{"created_at": "yesterday"}, {"status": "odd"}, {"timeout": "x"}]
)
def test_a_job_with_broken_fields_is_refused(services, fields):
    put(services.redis, GOOD, **fields)
    assert take(services.redis) is None
    assert services.counters.read()["addon_refused_jobs_total|express"] == 1
    assert services.dispatcher.waited(0.0)["express"] == 0.0


@pytest.mark.parametrize("job", [b"\xff\xfe", "a b;c", "", "process"])
def test_a_job_with_an_odd_id_is_refused(services, job):
    put(services.redis, GOOD, job)
    assert services.dispatcher.waited(0.0)["express"] >= 0.0
    assert take(services.redis) is None
    assert services.redis.llen("rq:queue:express:intermediate") == 0


def test_cleaning_up_runs_nothing_either(services):
    put(services.redis, json.dumps(["os.system", None, ["true"], {}]).encode(),
        failure_callback_name="shutil.rmtree")  # fmt: skip
    queue = DeadlineQueue("express", connection=services.redis)
    registry = StartedJobRegistry("express", connection=services.redis)
    services.redis.zadd(registry.key, {f"{JOB}:an-execution": 1.0})
    clean_registries(queue)
    assert services.redis.zcard(registry.key) == 0


def test_a_job_of_the_last_release_is_queued_again_and_not_lost(services, redis_url, ran):
    """It is a pickle, as where two releases run side by side."""
    put_intake(services, "marketplace", LAST["intake"]["marketplace"])
    state = LAST["request_state"] | {"delivery": "", "job": JOB}
    del state["delivery"]
    services.redis.hset(f"ledger:{XR}", mapping=state)
    services.redis.zadd("ledger:open", {XR: 4e9})
    put(services.redis, base64.b64decode(LAST["job_data"]))
    work(services.redis, redis_url)
    assert ran() == []
    Sweeper(services).sweep()
    work(services.redis, redis_url)
    assert ran() == [XR]


def test_what_this_release_queues_is_json(services):
    services.dispatcher.accept(
        XR,
        tenant="XD1",
        source="marketplace",
        received_at=0.0,
        length=scheduling.Length(4.0, 4.0),
    )
    services.dispatcher.deliver(XR, first=True)
    services.dispatcher.periodic_task("reconcile")
    services.dispatcher.webhook("evt_1-whk_1")
    keys = list(services.redis.scan_iter("rq:job:*"))
    called = [json.loads(services.redis.hget(key, "data")) for key in keys]
    assert sorted(function for function, *_ in called) == sorted(queues.FUNCTIONS.values())
    for key in keys:
        RequestJob.fetch(key.decode().removeprefix("rq:job:"), connection=services.redis)


def test_every_function_that_a_worker_may_run_is_there():
    from rq.utils import import_attribute

    assert all(callable(import_attribute(name)) for name in queues.FUNCTIONS.values())
