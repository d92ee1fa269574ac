"""The form in which RQ keeps a job that waits: the one place that writes it without RQ.

RQ's own way makes a job and a pipeline for each, at ten times the CPU. A test compares this with
what the installed RQ writes and reads. The fields that it leaves empty are left out, and the call
is not compressed: it has a hundred bytes, and zlib takes as long as all the rest of a job.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from redis.client import Pipeline
from rq.job import Job, JobStatus
from rq.queue import Queue

from addon.redis_commands import Word

RESULT_TTL_S = 60
"""RQ keeps 6 kB for a finished job (spec/runtime 2); the request's state is what remembers."""

FAILURE_TTL_S = 24 * 3600
"""A failed job's traceback stays readable for a day."""

QUEUES = Queue.redis_queues_keys
"""RQ's set of the keys of all queues."""


class QueuedJob(NamedTuple):
    """A job to be queued: its id and hash, the keys of both and of its queue."""

    id: str
    key: str
    queue_key: str
    fields: Mapping[str, Word]

    @classmethod
    def of(
        cls,
        function: str,
        sid: str,
        job: str,
        queue: str,
        *,
        description: str,
        timeout: int,
        meta: Mapping[str, str],
    ) -> QueuedJob:
        """The job that calls `function` with a request SID; `timeout` is in seconds."""
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        fields: dict[str, Word] = {
            "status": JobStatus.QUEUED.value,
            "created_at": now,
            "enqueued_at": now,
            "data": json.dumps([function, None, [sid], {}]),
            "origin": queue,
            "description": description,
            "timeout": timeout,
            "result_ttl": RESULT_TTL_S,
            "failure_ttl": FAILURE_TTL_S,
        }
        if meta:
            fields["meta"] = json.dumps(meta)
        return cls(job, Job.key_for(job), Queue.redis_queue_namespace_prefix + queue, fields)

    def write(self, pipe: Pipeline) -> None:
        """Write all but the job's place in its queue as part of a transaction."""
        pipe.sadd(QUEUES, self.queue_key)
        pipe.hset(self.key, mapping=self.fields)  # type: ignore[arg-type]
