"""The supervisor over small children: order, deaths, giving up, and what is left at the end."""

import json
import os
import signal
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.stack.running import Running, alive, python, running, wait_until

pytestmark = pytest.mark.stack

SAY_PID = "import os,signal,time; print('pid', os.getpid()); "
SLEEP = SAY_PID + "time.sleep(600)"
STUBBORN = SAY_PID + "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(600)"
POLITE = (
    SAY_PID + "signal.signal(signal.SIGTERM, lambda *_: (print('bye'), exit(0))); "
    "print('up'); time.sleep(600)"
)
PARENT = (
    SAY_PID + "import subprocess; child = subprocess.Popen(['sleep', '600']); "
    "print('grandchild', child.pid); time.sleep(600)"
)


def stack(*children: dict[str, Any], **patience: float) -> AbstractContextManager[Running]:
    spec = {"children": children, "patience": patience}
    return running(python("-m", "tests.stack.fake_stack", json.dumps(spec)))


def test_it_is_ready_when_every_child_is(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    with stack(
        {"name": "slow", "code": SLEEP, "probe": str(flag)}, {"name": "b", "code": SLEEP}
    ) as it:
        it.wait_for_pid("slow")
        it.wait_for_pid("b")
        assert not any("READY" in event for event in it.events)
        flag.touch()
        it.wait_for_event("READY")


def test_a_gate_holds_the_later_children_back(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    first = {"name": "first", "code": SLEEP, "probe": str(flag), "gate": True}
    with stack(first, {"name": "second", "code": SLEEP}, silence=0.3) as it:
        it.wait_for_event("still waiting for first: there is no flag")
        assert not any(event.startswith("second") for event in it.events)
        flag.touch()
        it.wait_for_pid("second")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_signal_ends_all_children_last_first(number: signal.Signals) -> None:
    gate = {"name": "a", "code": POLITE, "gate": True}
    with stack(gate, {"name": "b", "code": POLITE}) as it:
        it.wait_for_event("up", count=2)
        pids = it.wait_for_pid("a"), it.wait_for_pid("b")
        it.signal(number)
        assert it.wait() == 0
        farewells = [record["process"] for record in it.records if record["event"] == "bye"]
        assert farewells == ["b", "a"]
        assert not any(alive(pid) for pid in pids)


def test_children_behind_a_gate_have_their_grace_at_the_same_time(tmp_path: Path) -> None:
    """Each says goodbye only when the other has been told as well."""
    told = [tmp_path / name for name in ("b", "c")]
    code = (
        SAY_PID + "from pathlib import Path; told = [Path(p) for p in {paths!r}]\n"
        "def end(*_):\n    told[{own}].touch()\n"
        "    while not all(p.exists() for p in told): time.sleep(0.01)\n"
        "    print('bye'); exit(0)\n"
        "signal.signal(signal.SIGTERM, end); print('up'); time.sleep(600)"
    )
    paths = [str(path) for path in told]
    children = [
        {"name": path.name, "code": code.format(paths=paths, own=own), "grace": 60.0}
        for own, path in enumerate(told)
    ]
    with stack({"name": "a", "code": POLITE, "gate": True}, *children) as it:
        it.wait_for_event("up", count=3)
        it.signal(signal.SIGTERM)
        assert it.wait() == 0
        farewells = [record["process"] for record in it.records if record["event"] == "bye"]
        assert (sorted(farewells[:2]), farewells[2:]) == (["b", "c"], ["a"])


def test_a_restart_signal_ends_all_children_and_is_told_to_the_caller() -> None:
    with stack({"name": "a", "code": POLITE}) as it:
        it.wait_for_event("up")
        it.signal(signal.SIGUSR2)
        assert it.wait() == 0
        assert it.events[-1] == "serve: RESTART"


def test_a_child_that_ignores_sigterm_is_killed_after_its_grace() -> None:
    with stack({"name": "deaf", "code": STUBBORN, "grace": 0.3}) as it:
        it.wait_for_event("deaf")
        pid = it.wait_for_pid("deaf")
        it.signal(signal.SIGTERM)
        assert it.wait() == 0
        assert "serve: deaf does not stop and is killed" in it.events
        assert not alive(pid)


def test_a_second_ctrl_c_kills_at_once() -> None:
    with stack({"name": "deaf", "code": STUBBORN, "grace": 3600}) as it:
        it.wait_for_event("deaf")
        pid = it.wait_for_pid("deaf")
        it.signal(signal.SIGINT)
        it.signal(signal.SIGTERM)
        assert it.wait() == 0
        assert not alive(pid)


def test_a_stop_in_the_middle_of_the_start_leaves_nothing(tmp_path: Path) -> None:
    never = str(tmp_path / "never")
    with stack({"name": "gate", "code": SLEEP, "probe": never, "gate": True}) as it:
        pid = it.wait_for_pid("gate")
        it.signal(signal.SIGINT)
        assert it.wait() == 0
        assert not alive(pid)


def test_a_killed_child_is_started_again() -> None:
    both = {"name": "a", "code": SLEEP}, {"name": "b", "code": SLEEP}
    with stack(*both, longest_delay=0.05) as it:
        it.wait_for_event("READY")
        killed, untouched = it.wait_for_pid("a"), it.wait_for_pid("b")
        for count in range(1, 7):
            os.kill(it.wait_for_pid("a", count), signal.SIGKILL)
        assert it.wait_for_pid("a", 7) != killed
        assert alive(untouched)
        assert any("a was killed by SIGKILL; starting it again" in event for event in it.events)


def test_what_a_killed_child_had_started_is_ended() -> None:
    with stack({"name": "a", "code": PARENT}) as it:
        grandchild = int(it.wait_for_event("grandchild")["event"].split()[1])
        os.kill(it.wait_for_pid("a"), signal.SIGKILL)
        it.wait_for_pid("a", 2)
        wait_until(lambda: not alive(grandchild))


def test_a_child_that_never_starts_ends_the_stack_with_one_sentence() -> None:
    broken = {"name": "broken", "code": "print('no such setting'); raise SystemExit(3)"}
    with stack({"name": "a", "code": SLEEP}, broken, first_delay=0.01, attempts=3) as it:
        pid = it.wait_for_pid("a")
        assert it.wait() == 1
        assert it.events.count("broken: no such setting") == 3
        assert it.events[-1] == (
            "serve: broken ended with exit code 3, 3 times in a row; its last lines are above"
        )
        assert not alive(pid)


def test_killing_the_supervisor_ends_its_children() -> None:
    with stack({"name": "a", "code": SLEEP}, {"name": "b", "code": SLEEP}) as it:
        pids = it.wait_for_pid("a"), it.wait_for_pid("b")
        it.signal(signal.SIGKILL)
        wait_until(lambda: not any(alive(pid) for pid in pids))


def test_a_long_line_without_end_is_passed_on_in_pieces() -> None:
    chatty = "import sys,time; sys.stdout.write('x' * 200_000); sys.stdout.flush(); time.sleep(600)"
    with stack({"name": "chatty", "code": chatty}) as it:
        record = it.wait_for(lambda record: record["process"] == "chatty")
        assert set(record["event"]) == {"x"}
