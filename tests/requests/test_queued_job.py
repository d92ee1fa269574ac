"""A queued job is what the installed RQ would write, and what it reads."""

from __future__ import annotations

import zlib

import pytest
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer

from addon.requests.queued_job import FAILURE_TTL_S, QUEUES, RESULT_TTL_S, QueuedJob

FUNCTION = "workers.process.process"
MOMENTS = {b"created_at", b"enqueued_at"}


def written_by_rq(connection, meta: dict[str, str]) -> dict[bytes, bytes]:
    queue = Queue("express", connection=connection, serializer=JSONSerializer)
    queue.enqueue_call(
        FUNCTION,
        args=("XR1",),
        job_id="theirs",
        timeout=300,
        result_ttl=RESULT_TTL_S,
        failure_ttl=FAILURE_TTL_S,
        description="process XR1",
        meta=meta,
    )
    return connection.hgetall(Job.key_for("theirs"))


def ours(meta: dict[str, str]) -> QueuedJob:
    return QueuedJob.of(
        FUNCTION, "XR1", "ours", "express", description="process XR1", timeout=300, meta=meta
    )


@pytest.mark.parametrize("meta", [{}, {"traceparent": "00-1-2-01"}])
def test_it_is_what_rq_writes_but_for_what_rq_leaves_empty(redis_server, meta):
    theirs = written_by_rq(redis_server, meta)
    queued = ours(meta)
    with redis_server.pipeline() as pipe:
        queued.write(pipe)
        pipe.execute()
    written = redis_server.hgetall(queued.key)
    assert set(written) == {name for name, value in theirs.items() if value}
    for name in set(written) - MOMENTS - {b"data"}:
        assert written[name] == theirs[name]
    # RQ compresses it, and its separators may change; what is called may not
    assert JSONSerializer.loads(written[b"data"]) == JSONSerializer.loads(
        zlib.decompress(theirs[b"data"])
    )
    for moment in MOMENTS:
        assert len(written[moment]) == len(theirs[moment])
        assert written[moment][-1:] == b"Z"
    queue = Queue("express", connection=redis_server)
    assert queued.queue_key == queue.key
    assert redis_server.smembers(QUEUES) == {queue.key.encode()}


def test_rq_reads_it_as_its_own(redis_server):
    written_by_rq(redis_server, {})
    with redis_server.pipeline() as pipe:
        ours({}).write(pipe)
        pipe.execute()
    found, theirs = (
        Job.fetch(name, connection=redis_server, serializer=JSONSerializer)
        for name in ("ours", "theirs")
    )
    for name in ("func_name", "args", "kwargs", "origin", "description", "timeout", "result_ttl"):
        assert getattr(found, name) == getattr(theirs, name)
    assert (found.get_status(), found.meta, found.failure_ttl) == (
        theirs.get_status(),
        theirs.meta,
        theirs.failure_ttl,
    )
    assert abs((found.enqueued_at - theirs.enqueued_at).total_seconds()) < 60
