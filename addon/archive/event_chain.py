"""Chain of the access log events of one process: each names the one before it, signed.

A chain is of one process and runs over all recordings: several processes write at once, and none
waits for another. Numbers begin at 1. An event that the store refused has no number, or its number
is named as unwritten by a later event, so that it is not taken for a missing one (decision 0508).
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

FIELD = "chain"
"""An event's own field for its link, which release 0.1.0 passes over."""

Document = dict[str, Any]


class Head(NamedTuple):
    """Everything up to `number` is written, but for the numbers in `unwritten`."""

    writer: str
    number: int
    unwritten: tuple[int, ...]


@dataclass
class _Flight:
    """An event that is being written: what stood before it, and what it names as unwritten."""

    before: Document | None
    named: frozenset[int]


@dataclass
class _State:
    """The chain of one process."""

    writer: str = field(default_factory=lambda: secrets.token_hex(8))
    process: int = field(default_factory=os.getpid)
    number: int = 0
    last: Document | None = None
    flights: dict[int, _Flight] = field(default_factory=dict)
    unwritten: set[int] = field(default_factory=set)


class EventChain:
    """Numbers the events that a process writes. Safe to share between threads, and over a fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state = _State()

    def add(
        self, key: str, document: Mapping[str, Any], sign: Callable[[Document], bytes]
    ) -> tuple[int, bytes]:
        """The event's number and its signed content, which is to be written under `key` now.

        `written` or `refused` must follow.
        """
        with self._lock:
            if self._state.process != os.getpid():
                self._state = _State()
            state = self._state
            number = state.number + 1
            link: Document = {"writer": state.writer, "number": number, "before": state.last}
            if state.unwritten:
                link["unwritten"] = sorted(state.unwritten)
            linked = {**document, FIELD: link}
            content = sign(linked)
            state.flights[number] = _Flight(state.last, frozenset(state.unwritten))
            state.number, state.last = number, {"key": key, "sha256": digest(linked)}
            return number, content

    def written(self, number: int) -> None:
        """The store has taken the event of this number."""
        with self._lock:
            state = self._state
            named = state.flights.pop(number).named
            for earlier in named | {one for one in state.unwritten if one < number}:
                state.flights.pop(earlier, None)  # it is never the last again
            state.unwritten -= named

    def refused(self, number: int) -> None:
        """The store has not taken it. The last number is given again, any other is unwritten."""
        with self._lock:
            state = self._state
            state.unwritten.add(number)
            while state.number in state.unwritten and state.number in state.flights:
                state.last = state.flights.pop(state.number).before
                state.unwritten.discard(state.number)
                state.number -= 1

    def head(self) -> Head | None:
        """The head of what is written by now; None where nothing is."""
        with self._lock:
            state = self._state
            under_way = [each for each in state.flights if each not in state.unwritten]
            number = min(under_way, default=state.number + 1) - 1
            unwritten = tuple(sorted(each for each in state.unwritten if each <= number))
            if number < 1 or state.process != os.getpid():
                return None
            return Head(state.writer, number, unwritten)


def digest(document: Mapping[str, Any]) -> str:
    """SHA-256 of an event without its MAC: it stays where a newer key signs the event again."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
