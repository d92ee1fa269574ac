"""Findings of a check: level, a sentence, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from addon.settings import Settings

Level = Literal["fine", "warning", "wrong"]

LEVELS: tuple[Level, ...] = ("fine", "warning", "wrong")
"""From the mildest on."""


@dataclass(frozen=True)
class Finding:
    """One thing that a check found; none of its texts holds a secret.

    `remedy` is what a person at a prompt can do, and `detail` lines of further facts.
    """

    level: Level
    sentence: str
    remedy: str = ""
    detail: tuple[str, ...] = ()


Look = Callable[[Settings], Iterable[Finding]]
"""A check's function. Nothing found means fine. What it raises becomes a finding that is wrong."""


@dataclass(frozen=True)
class Check:
    """A row of the table: its subject, what it tests in words, and the function."""

    subject: str
    tests: str
    look: Look


def wrong(sentence: str, remedy: str = "", *detail: str) -> Finding:
    """A finding that keeps a release from going live."""
    return Finding("wrong", sentence, remedy, detail)


def warning(sentence: str, remedy: str = "", *detail: str) -> Finding:
    """A finding that an operator should know of, and that stops nothing."""
    return Finding("warning", sentence, remedy, detail)


def fine(sentence: str, *detail: str) -> Finding:
    """A fact that is worth a line though nothing is wrong."""
    return Finding("fine", sentence, "", detail)
