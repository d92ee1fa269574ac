"""Addresses take turns, and each one's tasks keep their order; threads do them all."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial

import pytest

from addon.web.connections import turns as module
from addon.web.connections.turns import GroupThreads, Task, Turns, WorkThreads


def order(*networks: str) -> list[str]:
    """The order in which these are taken, each numbered within its address."""
    turns, taken = Turns(), []

    def task(name: str) -> Callable[[], None]:
        return lambda: taken.append(name)

    for place, network in enumerate(networks):
        turns.put(network, task(f"{network}{networks[:place].count(network)}"))
    for _ in networks:
        turns.take()()
    return taken


def test_each_address_has_one_turn_where_another_has_one() -> None:
    assert order("a", "a", "a", "a", "b", "c", "c") == ["a0", "b0", "c0", "a1", "c1", "a2", "a3"]


def test_tasks_of_one_address_keep_their_order() -> None:
    assert order("a", "a", "a") == ["a0", "a1", "a2"]


def test_an_address_that_comes_again_waits_for_the_others() -> None:
    turns, taken = Turns(), []
    for name in ("a", "b"):
        turns.put(name, lambda name=name: taken.append(name))  # type: ignore[misc]
    turns.take()()
    turns.put("a", lambda: taken.append("a again"))
    turns.take()()
    turns.take()()
    assert taken == ["a", "b", "a again"]


def test_it_is_known_whether_a_task_waits() -> None:
    turns = Turns()
    assert not turns.waiting
    turns.put("a", lambda: None)
    assert turns.waiting
    turns.take()
    assert not turns.waiting


def test_threads_do_all_tasks_before_they_end_and_a_defect_ends_none() -> None:
    threads, done = WorkThreads(2), []

    def defect() -> None:
        raise ZeroDivisionError

    for number in range(6):
        threads.submit("a", defect if number % 2 else partial(done.append, number))
    threads.shutdown(wait=True)
    assert sorted(done) == [0, 2, 4]


def test_what_is_under_way_is_done_where_the_process_ends_in_another_way() -> None:
    """The interpreter would stop daemon threads in the middle of a write."""
    code = (
        "import threading\n"
        "from addon.web.connections.turns import WorkThreads\n"
        "began, main = threading.Event(), threading.main_thread()\n"
        "def task():\n"
        "    began.set()\n"
        "    main.join()\n"
        "    print('done')\n"
        "WorkThreads(1).submit('a', task)\n"
        "began.wait()\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (ended.stdout, ended.stderr) == ("done\n", "")


class Groups:
    """Threads whose first group waits for leave; the names that each group had."""

    def __init__(self, number: int, gather_s: float = 0.0) -> None:
        self.begun, self.leave = threading.Event(), threading.Event()
        self.second = threading.Event()
        self.seen: list[list[object]] = []
        self.gather_s = gather_s
        self.threads = GroupThreads(number, self._do, lambda: self.gather_s)

    def _do(self, tasks: Sequence[Task]) -> None:
        self.seen.append([task() for task in tasks])
        if len(self.seen) > 1:
            self.second.set()
            return
        self.begun.set()
        assert self.leave.wait(30)

    def submit(self, *names: str) -> None:
        for name in names:
            self.threads.submit(name[0], lambda name=name: name)  # type: ignore[misc]


def test_what_comes_while_a_group_is_worked_on_is_the_next_group_by_turns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LONG_S", 60.0)
    groups = Groups(4)
    groups.submit("a0")
    assert groups.begun.wait(30)
    groups.submit("a1", "a2", "b1", "c1")
    groups.leave.set()
    groups.threads.shutdown()
    assert groups.seen == [["a0"], ["a1", "b1", "c1", "a2"]]


def test_a_group_has_so_many_tasks_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONG_S", 60.0)
    monkeypatch.setattr(module, "MOST_TOGETHER", 2)
    groups = Groups(1)
    groups.submit("a0")
    assert groups.begun.wait(30)
    groups.submit("a1", "a2", "a3")
    groups.leave.set()
    groups.threads.shutdown()
    assert groups.seen == [["a0"], ["a1", "a2"], ["a3"]]


@pytest.mark.parametrize("looked", [False, True], ids=["with the next task", "with the next look"])
def test_another_thread_helps_where_a_group_takes_long(
    monkeypatch: pytest.MonkeyPatch, looked: bool
) -> None:
    monkeypatch.setattr(module, "LONG_S", 60.0 if looked else 0.0)
    groups = Groups(2)
    groups.submit("a0")
    assert groups.begun.wait(30)
    groups.submit("a1")
    if looked:
        assert groups.seen == [["a0"]]
        monkeypatch.setattr(module, "LONG_S", 0.0)
        groups.threads.look()
    assert groups.second.wait(30)
    groups.leave.set()
    groups.threads.shutdown()
    assert groups.seen == [["a0"], ["a1"]]


def test_a_small_group_waits_for_others_until_there_are_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LONG_S", 0.0)
    monkeypatch.setattr(module, "MOST_TOGETHER", 4)
    groups = Groups(3, gather_s=60.0)
    groups.leave.set()
    groups.submit("a0", "a1", "a2")
    groups.threads.look()
    assert groups.seen == []
    groups.submit("b0")
    assert groups.begun.wait(30)
    groups.threads.shutdown()
    assert groups.seen == [["a0", "b0", "a1", "a2"]]


def test_a_small_group_waits_no_longer_than_it_may() -> None:
    groups = Groups(1, gather_s=0.01)
    groups.leave.set()
    groups.submit("a0")
    assert groups.begun.wait(30)
    groups.threads.shutdown()
    assert groups.seen == [["a0"]]


def test_a_defect_of_the_answer_how_long_to_wait_holds_up_nobody() -> None:
    done: list[str] = []

    def defect() -> float:
        raise ZeroDivisionError

    threads = GroupThreads(1, lambda tasks: [task() for task in tasks], defect)
    for name in ("a", "b"):
        threads.submit(name, partial(done.append, name))
    threads.shutdown()
    assert done == ["a", "b"]


def test_a_thread_that_ends_its_group_leaves_what_another_gathers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LONG_S", 0.0)
    monkeypatch.setattr(module, "MOST_TOGETHER", 3)
    groups = Groups(2)
    groups.submit("a0")
    assert groups.begun.wait(30)
    groups.gather_s = 60.0
    groups.submit("b0")
    groups.leave.set()
    groups.submit("b1", "b2")
    groups.threads.shutdown()
    assert groups.seen == [["a0"], ["b0", "b1", "b2"]]


def test_a_defect_ends_no_thread_of_groups() -> None:
    done: list[int] = []

    def do(tasks: Sequence[Task]) -> None:
        for task in tasks:
            task()

    def defect() -> None:
        raise ZeroDivisionError

    threads = GroupThreads(1, do, lambda: 0.0)
    threads.submit("a", defect)
    for number in range(50):
        threads.submit("a", partial(done.append, number))
    threads.shutdown()
    assert done[-1] == 49
