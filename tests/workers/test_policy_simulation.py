"""The scheduling policy keeps the SLA where one queue for all does not: a short simulation.

`benchmarks/scheduling.py` is the long one. Seeds are fixed, so that every run gives these figures.
"""

from __future__ import annotations

import pytest

from addon.requests.scheduling import ROLES
from benchmarks import overload_simulation, scheduling
from benchmarks.overload_simulation import overload
from benchmarks.scheduling import BY_LENGTH, MEASURED, SLOW, Around, Job, Machine, Policy

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


def job(arrived, work, duration=10.0, queue="express"):
    return Job(arrived, duration, work, queue, arrived + 8.5 * duration)


def paces(machine, jobs):
    return [done.pace * 10 for done in machine.run(jobs)]


def test_one_process_alone_runs_at_full_speed():
    (elapsed,) = paces(Machine(Policy("one", [["express"]]), 2), [job(5.0, 1.0)])
    assert elapsed == pytest.approx(1.0 + scheduling.AROUND_S)


def test_processes_share_the_cores():
    """Three at once on two cores: a second of work each takes one and a half."""
    machine = Machine(Policy("three", [["express"]] * 3), 2)
    assert paces(machine, [job(0.0, 1.0) for _ in range(3)]) == pytest.approx(
        [1.5 + scheduling.AROUND_S] * 3
    )


def test_a_job_that_finds_no_process_free_waits():
    machine = Machine(Policy("one", [["express"]]), 2)
    assert paces(machine, [job(0.0, 4.0), job(1.0, 1.0)]) == pytest.approx(
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
    assert "90% + burst, in time first" in capsys.readouterr().out


@pytest.fixture(scope="module")
def before():
    return scheduling.earliest_deadline(2)


@pytest.mark.parametrize("times", [1.5, 3.0])
def test_an_overloaded_machine_does_what_it_can_and_recovers(deployed, before, times):
    scenario = overload(2, times, 300.0)
    found = overload_simulation.run(deployed, scenario)
    assert found.goodput > 0.9
    assert found.recovered < 85, "the longest that a voicemail of ten seconds may wait"
    assert overload_simulation.run(before, scenario).goodput < 0.6


def test_each_failure_that_is_sent_at_once_takes_from_the_results():
    """In a minute few are due, and in two many: what they cost is what is lost (decision 0704)."""
    goodputs = []
    for seconds, failure in ((60.0, 0.010), (120.0, 0.010), (120.0, 0.004)):
        around = Around(0.0073, failure)
        scenario = overload(2, 3.0, seconds, calm=False, engine=BY_LENGTH, around=around)
        policy = scheduling.failures_at_once(2)
        goodputs.append(overload_simulation.run(policy, scenario).goodput)
    minute, dear, cheap = goodputs
    assert minute > dear + 0.15
    assert dear < cheap < minute
    assert cheap - dear > 0.08


def test_failures_with_a_reserve_leave_the_cores_to_results_and_some_still_come_in_time(deployed):
    around = Around(0.0073, 0.010)
    scenario = overload(2, 3.0, 120.0, engine=BY_LENGTH, around=around)
    found = overload_simulation.run(deployed, scenario)
    at_once = overload_simulation.run(scheduling.failures_at_once(2), scenario)
    assert found.goodput > at_once.goodput + 0.15
    assert found.failures_in_time > 500
    assert found.number == at_once.number == len(scenario.jobs)


def test_an_overload_that_lasts_is_answered_with_many_short_results(deployed):
    """Before, those of two to four seconds had none after a minute."""
    scenario = overload(2, 3.0, 300.0, calm=False, engine=BY_LENGTH)
    done = Machine(deployed, 2).run(scenario.jobs)
    late = [each for each in done if 120.0 < each.job.arrived < 300.0]
    short = [each.in_time for each in late if each.job.duration < 4.0]
    rest = [each.in_time for each in late if each.job.duration > 8.0]
    assert sum(short) > 0.6 * len(short)
    assert sum(rest) > 0.02 * len(rest), "nobody is left out for good"
    good = sum(each.in_time for each in done if each.at <= scenario.until)
    assert good > 0.95 * scenario.capacity * scenario.until


def test_of_a_burst_four_fifths_of_what_any_order_could_do_are_in_time(deployed):
    scenario = overload(2, 13.8, 8.0, calm=False)
    found = overload_simulation.run(deployed, scenario)
    assert found.in_time > 0.8 * scenario.bound


def test_a_burst_that_can_be_done_is_all_in_time(deployed):
    scenario = overload(2, 5.0, 8.0)
    found = overload_simulation.run(deployed, scenario)
    assert found.in_time == found.number


def test_hour_long_calls_are_in_time_beside_an_overload_of_short_ones(deployed):
    found = overload_simulation.run(deployed, overload(2, 3.0, 120.0, calls=8))
    assert found.long_in_time
    assert found.goodput > 0.85


def test_everything_is_done_in_the_end_whatever_came(deployed):
    scenario = overload(2, 3.0, 60.0, calls=4)
    assert overload_simulation.run(deployed, scenario).number == len(scenario.jobs)


def test_late_jobs_have_their_share_while_the_overload_lasts(deployed):
    scenario = overload(2, 3.0, 300.0, calm=False)
    done = Machine(deployed, 2).run(scenario.jobs)
    late = sum(not each.in_time for each in done if each.at <= scenario.until)
    assert late > 0.03 * overload_simulation.capacity(2) * scenario.until


def test_the_signal_to_scale_by_comes_within_seconds(deployed):
    assert overload_simulation.run(deployed, overload(2, 3.0, 60.0)).signal < 3


def test_the_overloads_print(capsys):
    assert overload_simulation.main([]) == 0
    assert "in time first" in capsys.readouterr().out
