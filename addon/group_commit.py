"""Group commit: requests that one thread works on by turns, and that share their durable steps.

Each runs in a greenlet until it comes to a shared step, a sync of a file or a command to Redis, and
waits there until the others have come to one too. Then the oldest step is done, and with it the
same step of those right behind: one round trip for their commands, one sync for their folder. Their
code stays as it is written for one request (decision 0014).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import takewhile
from typing import Any, NamedTuple, TypeVar

from greenlet import getcurrent, greenlet  # type: ignore[import-untyped]

from addon import log

logger = log.get("group_commit")

Ask = TypeVar("Ask")
Result = TypeVar("Result")

DoAll = Callable[[Sequence[Any]], Sequence[Any]]
"""Does a step for several requests: an answer for each, or the exception that it is to raise."""


class _Member(greenlet):  # type: ignore[misc] # greenlet has no types
    """One request of a group; `sharing` while it is inside `shared_steps`."""

    sharing = False


class _Waiting(NamedTuple):
    member: _Member
    do_all: DoAll
    ask: Any


@contextmanager
def shared_steps() -> Iterator[None]:
    """Share the steps inside with the other requests of the group, where there is one.

    No lock may be held: the others run in this very thread, and would wait for it for ever.
    """
    member = getcurrent()
    if not isinstance(member, _Member):
        yield
        return
    before, member.sharing = member.sharing, True
    try:
        yield
    finally:
        member.sharing = before


def step(do_all: Callable[[Sequence[Ask]], Sequence[Any]], ask: Ask) -> Any:
    """The answer of `do_all` to `ask`, alone or with those of other requests.

    Raises the answer where it is an exception, and alone what `do_all` raises.
    """
    member = getcurrent()
    if isinstance(member, _Member) and member.sharing:
        assert member.parent is not None  # noqa: S101 - run's own greenlet
        answer = member.parent.switch(do_all, ask)
    else:
        (answer,) = do_all([ask])
    if isinstance(answer, Exception):
        raise answer
    return answer


def run(tasks: Sequence[Callable[[], Result]]) -> list[Result]:
    """Do all tasks, their shared steps together; what they returned, in the order of their ends.

    The error of one is logged, and ends that one. No step overtakes one that was asked before it:
    a name is durable before a duplicate that found it goes on.
    """
    results: list[Result] = []
    begun = (_advance(_Member(partial(_kept, task, results)), None) for task in tasks)
    waiting = [one for one in begun if one is not None]
    while waiting:
        do_all = waiting[0].do_all
        now = list(takewhile(lambda one: one.do_all is do_all, waiting))  # noqa: B023 - at once
        waiting = waiting[len(now) :]
        for one, answer in zip(now, _answers(do_all, [one.ask for one in now]), strict=True):
            after = _advance(one.member, answer)
            if after is not None:
                waiting.append(after)
    return results


def _kept(task: Callable[[], Result], results: list[Result], _: None) -> None:
    results.append(task())


def _answers(do_all: DoAll, asks: Sequence[Any]) -> Sequence[Any]:
    try:
        return do_all(asks)
    except Exception as error:
        return [error] * len(asks)


def _advance(member: _Member, answer: Any) -> _Waiting | None:
    """Run a request to its next shared step; None where it has ended."""
    try:
        asked = member.switch(answer)
    except Exception:
        logger.exception("a defect ended a task")
        return None
    return None if member.dead else _Waiting(member, *asked)
