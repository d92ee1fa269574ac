"""Group commit: one thread, several requests, and each durable step done once for all of them."""

from __future__ import annotations

import contextvars
import os
import stat
import threading
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from redis.exceptions import ResponseError

from addon import durable_files, redis_commands
from addon.durable_files import write_file
from addon.group_commit import run, shared_steps, step
from addon.redis_commands import execute


class Steps:
    """A shared step that doubles numbers, and what it was asked each time."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def double(self, numbers: Sequence[int]) -> list[int | Exception]:
        self.asked.append(list(numbers))
        return [2 * n if n >= 0 else ValueError(n) for n in numbers]


def doubled(do_all: Callable[[Sequence[int]], Sequence[object]], number: int) -> object:
    with shared_steps():
        return step(do_all, number)


def test_a_step_is_done_once_for_all_and_each_gets_its_own_answer() -> None:
    steps = Steps()
    double = steps.double
    assert run([partial(doubled, double, n) for n in (1, 2, 3)]) == [2, 4, 6]
    assert steps.asked == [[1, 2, 3]]


def test_a_step_is_done_alone_outside_a_group_and_where_it_is_not_shared() -> None:
    steps = Steps()
    double = steps.double
    assert doubled(double, 1) == 2
    assert run([partial(step, double, n) for n in (1, 2)]) == [2, 4]
    assert steps.asked == [[1], [1], [2]]


def test_sharing_ends_with_its_block_and_goes_on_behind_an_inner_one() -> None:
    steps = Steps()
    double = steps.double

    def task(number: int) -> object:
        with shared_steps():
            doubled(double, number)
            inside = step(double, number)
        step(double, number)
        return inside

    run([partial(task, n) for n in (1, 2)])
    assert steps.asked == [[1, 2], [1, 2], [1], [2]]


def test_an_error_of_one_is_raised_in_that_one_and_the_others_go_on() -> None:
    def caught(do_all: Callable[[Sequence[int]], Sequence[object]], number: int) -> object:
        try:
            return doubled(do_all, number)
        except ValueError as error:
            return str(error)

    assert run([partial(caught, Steps().double, n) for n in (1, -2, 3)]) == [2, "-2", 6]


def test_a_step_that_fails_as_a_whole_fails_in_each() -> None:
    def broken(_: Sequence[int]) -> list[int]:
        raise ConnectionError

    def caught(number: int) -> int | None:
        with pytest.raises(ConnectionError):
            doubled(broken, number)
        return number

    assert run([partial(caught, n) for n in (1, 2)]) == [1, 2]


def test_a_defect_ends_one_task_alone_whether_before_or_behind_a_step() -> None:
    double = Steps().double

    def task(number: int) -> object:
        if number == 2:
            raise ZeroDivisionError
        answer = doubled(double, number)
        if number == 3:
            raise ZeroDivisionError
        return answer

    assert run([partial(task, n) for n in (1, 2, 3, 4)]) == [2, 8]


def test_each_keeps_its_own_context_over_a_step() -> None:
    name, double = contextvars.ContextVar[int]("name"), Steps().double

    def task(number: int) -> bool:
        name.set(number)
        doubled(double, number)
        return name.get() == number

    contexts = [contextvars.copy_context() for _ in range(3)]
    tasks = [partial(context.run, task, n) for n, context in enumerate(contexts)]
    assert run(tasks) == [True] * 3


def test_the_step_of_the_oldest_goes_first() -> None:
    """A duplicate that found a name is answered only once that name is durable."""
    done: list[str] = []

    def folder(asks: Sequence[str]) -> list[None]:
        done.extend(f"folder {ask}" for ask in asks)
        return [None for _ in asks]

    def claim(asks: Sequence[str]) -> list[None]:
        done.extend(f"claim {ask}" for ask in asks)
        return [None for _ in asks]

    def first() -> None:
        with shared_steps():
            step(folder, "first")
            step(claim, "first")

    def duplicate() -> None:
        with shared_steps():
            step(claim, "duplicate")

    run([first, duplicate])
    assert done.index("folder first") < done.index("claim duplicate")


def test_no_step_overtakes_one_that_was_asked_before_it() -> None:
    """A duplicate's claim does not pass the folder's sync with the command of a third request."""
    done: list[str] = []

    def noted(name: str, asks: Sequence[str]) -> list[None]:
        done.extend(f"{name} {ask}" for ask in asks)
        return [None for _ in asks]

    command, sync, folder = (partial(noted, name) for name in ("command", "sync", "folder"))

    def task(name: str, *steps: Callable[[Sequence[str]], Sequence[object]]) -> None:
        with shared_steps():
            for each in steps:
                step(each, name)

    run(
        [
            partial(task, "first", sync, folder, command),
            partial(task, "third", command),
            partial(task, "duplicate", sync, command),
        ]
    )
    assert done.index("folder first") < done.index("command duplicate")


def test_commands_of_a_group_are_one_round_trip(redis_server, monkeypatch):
    trips: list[int] = []
    real = redis_commands.execute_all

    def counted(client, commands):
        trips.append(len(commands))
        return real(client, commands)

    monkeypatch.setattr(redis_commands, "execute_all", counted)

    def ask(number: int) -> bytes:
        with shared_steps():
            execute(redis_server, "SET", f"key{number}", number)
            return execute(redis_server, "GET", f"key{number}")

    assert run([partial(ask, n) for n in range(5)]) == [b"%d" % n for n in range(5)]
    assert trips == [5, 5]


def test_an_error_of_redis_is_raised_where_its_command_was(redis_server):
    redis_server.set("text", "text")

    def ask(command: str) -> object:
        with shared_steps():
            try:
                return execute(redis_server, command, "text")
            except ResponseError:
                return "refused"

    assert run([partial(ask, name) for name in ("GET", "LPOP", "GET")]) == [
        b"text",
        "refused",
        b"text",
    ]


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is synced and named, in this order; nothing is synced in fact."""
    events: list[str] = []

    def fsync(handle: int) -> None:
        mode = os.fstat(handle).st_mode
        events.append("folder" if stat.S_ISDIR(mode) else "file")

    real = durable_files.rename_if_free

    def named(source: str, target: str) -> None:
        events.append("name")
        real(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(durable_files, "rename_if_free", named)
    return events


def written(folder: Path, number: int) -> str:
    with shared_steps():
        write_file(folder / str(number), [b"content"], replace=False)
    return str(number)


def test_files_of_a_group_are_durable_before_their_names_and_the_folder_is_synced_once(
    tmp_path: Path, events: list[str]
) -> None:
    assert run([partial(written, tmp_path, n) for n in range(4)]) == ["0", "1", "2", "3"]
    assert events == ["file"] * 4 + ["name"] * 4 + ["folder"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "2", "3"]


def test_a_file_that_cannot_be_synced_gets_no_name_and_the_others_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.fsync, [0]

    def fsync(handle: int) -> None:
        calls[0] += 1
        if calls[0] == 2:
            raise OSError(5, "Input/output error")
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    assert run([partial(written, tmp_path, n) for n in range(3)]) == ["0", "2"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "2"]


@pytest.mark.parametrize("groups", [1, 2], ids=["behind the first", "from then on all"])
def test_where_a_sync_is_slow_the_others_are_made_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, groups: int
) -> None:
    """The barrier lets nobody through before all that are left are in their sync."""
    monkeypatch.setattr(durable_files, "SLOW_SYNC_S", 0.0)
    monkeypatch.setattr(durable_files, "_sync_files", durable_files._Syncs())
    first, later = threading.Barrier(3), threading.Barrier(4)
    number = count()

    def fsync(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            return
        if mine := next(number):
            (first if mine < 4 else later).wait(30)

    monkeypatch.setattr(os, "fsync", fsync)
    for group in range(groups):
        names = range(4 * group, 4 * group + 4)
        assert sorted(run([partial(written, tmp_path, n) for n in names])) == list(map(str, names))
    assert next(number) == 4 * groups
