"""Addresses take turns, and each one's tasks keep their order; threads do them all."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial

from addon.web.connections.turns import Turns, WorkThreads


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
