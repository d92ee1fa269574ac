"""The scheduling policy keeps the SLA where one queue for all does not: a short simulation.

`benchmarks/scheduling.py` is the long one. Seeds are fixed, so that every run gives these figures.
"""

from __future__ import annotations

import pytest

from addon.requests.scheduling import ROLES, due
from benchmarks import scheduling
from benchmarks.scheduling import MEASURED, SLOW, Job, Machine, Policy

JOBS = 6000


def run(policy, load, engine=SLOW, **more):
    return scheduling.outcome(policy, load, engine, jobs=JOBS, seeds=(1,), **more)


@pytest.fixture(scope="module")
def deployed():
    return scheduling.deployed(2)


@pytest.mark.parametrize("engine", [MEASURED, SLOW], ids=["measured", "slow"])
@pytest.mark.parametrize("load", [0.7, 0.9, 0.95])
def test_a_loaded_machine_keeps_every_limit(deployed, engine, load):
    found = run(deployed, load, engine)
    assert found.median < 0.2
    assert found.p99 < 0.5
    assert found.worst < 3


@pytest.mark.parametrize("engine", [MEASURED, SLOW], ids=["measured", "slow"])
def test_with_a_hundred_hour_long_calls_at_once_nothing_fails(deployed, engine):
    assert run(deployed, 0.9, engine, burst=True).worst < 10


def test_one_queue_for_all_does_not():
    found = run(scheduling.fifo(2), 0.9)
    assert found.p99 > 5
    assert found.over[-1] > 0.01


def test_lanes_alone_do_not():
    """Two long calls block both processes: only a reserved one keeps voicemails out of danger."""
    assert run(scheduling.unreserved(2), 0.9).worst > 3


def test_the_simulated_processes_are_those_that_the_launcher_starts(deployed):
    from workers.launcher import children

    started = [child.name.partition("-")[0] for child in children(2)]
    expected = [ROLES[name] for name in started if name in ("general", "express")]
    assert sorted(deployed.roles) == sorted(expected)


def job(arrived, work, duration=10.0, lane="express"):
    return Job(arrived, duration, work, lane, due(arrived, duration, arrived))


def test_one_process_alone_runs_at_full_speed():
    (pace,) = Machine(Policy("one", [["express"]]), 2).run([job(5.0, 1.0)])
    assert pace * 10 == pytest.approx(1.0 + scheduling.AROUND_S)


def test_processes_share_the_cores():
    """Three at once on two cores: a second of work each takes one and a half."""
    machine = Machine(Policy("three", [["express"]] * 3), 2)
    paces = machine.run([job(0.0, 1.0) for _ in range(3)])
    assert [pace * 10 for pace in paces] == pytest.approx([1.5 + scheduling.AROUND_S] * 3)


def test_a_job_that_finds_no_process_free_waits():
    machine = Machine(Policy("one", [["express"]]), 2)
    paces = machine.run([job(0.0, 4.0), job(1.0, 1.0)])
    assert [pace * 10 for pace in paces] == pytest.approx(
        [4.0 + scheduling.AROUND_S, 4.0 + scheduling.AROUND_S]
    )


def test_no_job_is_lost_and_none_runs_twice(deployed):
    stream = list(scheduling.arrivals(500, 0.95, 2, SLOW, 7, burst=True))
    assert len(stream) == 600
    assert len(Machine(deployed, 2).run(stream)) == 600


def test_the_load_is_what_was_asked_for():
    stream = list(scheduling.arrivals(20_000, 0.9, 2, SLOW, 3))
    busy = sum(each.work for each in stream) / (stream[-1].arrived * 2)
    assert busy == pytest.approx(0.9, abs=0.05)


def test_the_report_prints(capsys):
    assert scheduling.main(["--jobs", "200"]) == 0
    assert "90% + burst, lanes" in capsys.readouterr().out
