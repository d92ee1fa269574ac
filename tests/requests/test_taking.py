"""The scripts in Redis place and take jobs exactly as `addon.requests.selection` says."""

from __future__ import annotations

import math
import time

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from addon import redis_keys
from addon.requests import queues, scheduling, selection
from addon.requests.queues import DeadlineQueue
from addon.requests.scheduling import EXPRESS, PERIODIC, RECORDING_QUEUES
from addon.requests.selection import Backlog
from addon.requests.taking import TAKE

NOW = 1_800_000_000.0


def name(due: float, number: int, length: float | None = 6.0) -> str:
    """The id of a job that is due at a time; without a length it is of the release before."""
    seconds = "" if length is None else f"{int(length):04x}"
    return f"process-XR{number}-{seconds}{int(due):08x}{number:08x}"


def due_of(job: str) -> float:
    return float(int(job[-16:-8], 16))


@pytest.fixture(scope="module")
def connection(redis_url):
    with redis.Redis.from_url(redis_url, decode_responses=True) as connection:
        connection.ping()  # the connection is this fixture's, not the first test's
        yield connection


@pytest.fixture
def queue(connection):
    connection.flushall()
    return DeadlineQueue("q60", connection=connection)


@settings(max_examples=40, deadline=None)
@given(dues=st.lists(st.integers(1, 12), max_size=30))
def test_a_job_is_placed_as_the_policy_says(connection, dues):
    connection.flushall()
    queue = DeadlineQueue("q60", connection=connection)
    expected: list[str] = []
    for number, due in enumerate(dues):
        job = name(due, number)
        queue.push_job_id(job)
        expected.insert(selection.place([due_of(each) for each in expected], due), job)
    assert connection.lrange(queue.key, 0, -1) == expected


def test_a_job_of_another_form_waits_at_the_end(queue):
    for job in ("a", name(1, 1), "b", "deliver-XR1-zzzzzzzz00000000"):
        queue.push_job_id(job)
    assert queue.connection.lrange(queue.key, 0, -1)[1:] == [
        "a",
        "b",
        "deliver-XR1-zzzzzzzz00000000",
    ]


WAITING = st.lists(
    st.one_of(st.integers(-400, 400), st.integers(-10_000, 40_000)), max_size=24
).map(sorted)
SAMPLES = st.lists(st.integers(1, 3_000_000).map(lambda ms: ms / 1000), max_size=selection.SAMPLES)
LENGTHS = st.lists(
    st.one_of(st.integers(0, 12), st.integers(0, 0xFFFF), st.just(math.inf)),
    min_size=24,
    max_size=24,
)
BACKLOGS = st.builds(
    lambda due, lengths, in_flight, samples, owed: Backlog(
        {queue: [NOW + each for each in dues] for queue, dues in due.items()},
        {queue: lengths[: len(dues)] for queue, dues in due.items()},
        in_flight,
        samples,
        owed,
    ),
    st.dictionaries(st.sampled_from(scheduling.ALL_QUEUES), WAITING),
    LENGTHS,
    st.dictionaries(st.sampled_from(RECORDING_QUEUES), st.integers(0, 9)),
    st.dictionaries(st.sampled_from(RECORDING_QUEUES), SAMPLES),
    st.dictionaries(st.sampled_from(sorted(selection.SHARES)), st.floats(-60, 1)),
)


def names(backlog: Backlog, queue: str) -> list[str]:
    """The ids of a queue's jobs."""
    due = backlog.due[queue]
    lengths = backlog.lengths.get(queue, [6.0] * len(due))
    return [
        name(each, number, None if length == math.inf else length)
        for number, (each, length) in enumerate(zip(due, lengths, strict=True))
    ]


def write(connection, backlog: Backlog) -> None:
    """Put a backlog into Redis, in one round trip."""
    pipeline = connection.pipeline(transaction=False)
    pipeline.flushall()
    for queue in backlog.due:
        for job in names(backlog, queue):
            pipeline.rpush(f"rq:queue:{queue}", job)
    for queue, number in backlog.in_flight.items():
        for each in range(number):
            pipeline.rpush(f"rq:queue:{queue}:intermediate", f"taken-{each}")
    for queue, samples in backlog.samples.items():
        for each in samples:
            pipeline.rpush(redis_keys.SERVICE_TIMES + queue, each)
    for reserve, seconds in backlog.owed.items():
        pipeline.hset(redis_keys.RESERVES, reserve, repr(seconds))
    pipeline.execute()


def take(connection, role: str, *last: object) -> list[str | int] | None:
    """What the script gives: a queue's key, a job's id, 1 for late."""
    keys = [f"rq:queue:{queue}" for queue in scheduling.ROLES[role]]
    script = connection.register_script(TAKE)
    return script(keys=keys, args=[NOW, *(last or ("", 0, "0"))])


@settings(max_examples=300, deadline=None)
@given(backlog=BACKLOGS, role=st.sampled_from(sorted(scheduling.ROLES)))
def test_a_job_is_taken_as_the_policy_says(connection, backlog, role):
    write(connection, backlog)
    chosen = selection.take(scheduling.ROLES[role], backlog, NOW)
    taken = take(connection, role)
    if chosen is None:
        assert taken is None
        return
    jobs = names(backlog, chosen.queue)
    key, job = f"rq:queue:{chosen.queue}", jobs[chosen.index]
    assert taken == [key, job, int(chosen.late)]
    assert connection.lindex(f"{key}:intermediate", -1) == job
    assert connection.llen(key) == len(jobs) - 1
    assert job not in connection.lrange(key, 0, -1)


@settings(max_examples=200, deadline=None)
@given(waiting=st.integers(1, 300), samples=SAMPLES, in_flight=st.integers(0, 9))
def test_an_overload_is_noted_as_the_policy_says(connection, waiting, samples, in_flight):
    due = {EXPRESS: [NOW + 3600.0] * waiting}
    write(connection, Backlog(due, {}, {EXPRESS: in_flight}, {EXPRESS: samples}))
    take(connection, "express")
    service = selection.service_time(EXPRESS, samples)
    overloaded = selection.is_overloaded(waiting, service, in_flight + 1)
    assert bool(connection.exists(redis_keys.OVERLOADED)) is overloaded
    assert connection.ttl(redis_keys.OVERLOADED) == (2 if overloaded else -2)


def test_long_and_late_recordings_that_wait_are_no_overload(connection):
    late, waiting = [NOW - 60.0] * 500, [NOW + 3600.0] * 500
    write(connection, Backlog({EXPRESS: [*late, NOW + 60.0], "q60": waiting}))
    for _ in range(2):
        assert take(connection, "general")
    assert not connection.exists(redis_keys.OVERLOADED)


@settings(max_examples=100, deadline=None)
@given(
    owed=st.dictionaries(st.sampled_from(sorted(selection.SHARES)), st.floats(-60, 1)),
    queue=st.sampled_from((*RECORDING_QUEUES, PERIODIC)),
    late=st.booleans(),
    ms=st.integers(0, 100_000),
)
def test_a_process_is_charged_as_the_policy_says(connection, owed, queue, late, ms):
    write(connection, Backlog(owed=owed))
    take(connection, "express", queue, int(late), f"{ms / 1000:.3f}")
    found = {key: float(each) for key, each in connection.hgetall(redis_keys.RESERVES).items()}
    expected = selection.charge(owed, queue, ms / 1000, late=late)
    assert found == {reserve: pytest.approx(each) for reserve, each in expected.items()}
    measured = connection.lrange(redis_keys.SERVICE_TIMES + queue, 0, -1)
    assert list(map(float, measured)) == ([ms / 1000] if queue in RECORDING_QUEUES else [])


def test_so_many_service_times_are_kept_and_no_more(connection):
    connection.flushall()
    counts = []
    for number in range(5 * selection.SAMPLES):
        take(connection, "express", EXPRESS, 0, number)
        kept = connection.lrange(redis_keys.SERVICE_TIMES + EXPRESS, 0, -1)
        counts.append(len(kept))
    assert max(counts) < 2 * selection.SAMPLES
    newest = range(5 * selection.SAMPLES - 1, 4 * selection.SAMPLES - 1, -1)
    assert list(map(int, kept[: selection.SAMPLES])) == list(newest)


def test_few_jobs_of_a_long_queue_are_looked_at(connection):
    """At 10,000 waiting jobs, half of them late."""
    write(connection, Backlog(owed={"late": 1.0, "longer": 1.0}))
    jobs = [name(NOW + number / 100, number) for number in range(-5000, 5000)]
    for queue in RECORDING_QUEUES:
        connection.rpush(f"rq:queue:{queue}", *jobs)
    connection.config_resetstat()
    assert take(connection, "general")
    calls = {
        command.removeprefix("cmdstat_"): figures["calls"]
        for command, figures in connection.info("commandstats").items()
    }
    assert calls["lindex"] < 3 * math.log2(len(jobs)) * len(RECORDING_QUEUES)
    assert sum(calls.values()) < calls["lindex"] + 50


def test_a_process_is_charged_once_for_each_job_that_it_took(redis_server, monkeypatch):
    monkeypatch.setattr(DeadlineQueue, "_taken", None)
    queue = DeadlineQueue(EXPRESS, connection=redis_server)
    job = name(time.time() + 60, 1)
    queue.enqueue_call(queues.FUNCTIONS["process"], args=("XR1",), job_id=job)
    assert DeadlineQueue.dequeue_any([queue], None, redis_server)[0].id == job
    for _ in range(3):
        assert DeadlineQueue.dequeue_any([queue], None, redis_server) is None
    assert redis_server.llen(redis_keys.SERVICE_TIMES + EXPRESS) == 1
