"""A clause of the protocol, and the finding of one trial."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from addon.commands.conformance.trial import Trial

Result = Literal["pass", "fail", "not tried"]


@dataclass(frozen=True)
class Clause:
    """A demand, where docs/spec makes it, and the trial that shows whether it is met.

    `alone` is tried while nothing else is.
    """

    name: str
    demand: str
    cites: str
    check: Callable[[Trial], None]
    alone: bool = False


@dataclass(frozen=True)
class Finding:
    """A clause's result, the reason where it is no pass, and its requests and answers."""

    clause: Clause
    result: Result
    reason: str
    seconds: float
    evidence: tuple[str, ...]
