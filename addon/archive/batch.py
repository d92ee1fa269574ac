"""Work on many recordings or objects in turn, which goes on past a bad one and names it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

from addon.errors import ArchiveError, StoreUnavailable

State = Literal["whole", "erased", "unfinished", "bad", "current"]

IN_A_ROW = 3
"""Failures of the store one after the other: so many are an outage and no bad object."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Finding:
    """The state of one recording, or of another object; `problem` says why it is bad.

    `size` is what was looked at, in bytes. "current" is what needed no work.
    """

    tenant: str
    recording_id: str
    state: State
    size: int = 0
    problem: str = ""


def each(
    items: Iterable[Item], work: Callable[[Item], Finding], name: Callable[[Item], tuple[str, str]]
) -> Iterator[Finding]:
    """The finding of each item; "bad" where `work` raises ArchiveError or StoreUnavailable.

    `name` gives tenant and id of an item. Raises StoreUnavailable where the store fails IN_A_ROW
    times, or cannot be listed.
    """
    failed = 0
    for item in items:
        try:
            yield work(item)
            failed = 0
        except ArchiveError as error:
            failed = 0
            yield Finding(*name(item), "bad", problem=error.message)
        except StoreUnavailable as error:
            failed += 1
            yield Finding(*name(item), "bad", problem=error.message)
            if failed == IN_A_ROW:
                raise
