"""Levels of findings, from the mildest to the gravest."""

from __future__ import annotations

from addon.checks.finding import LEVELS, fine, warning, wrong


def test_each_maker_gives_its_level_and_keeps_what_it_is_told() -> None:
    made = [make("a sentence", *more) for make, more in ((fine, []), (warning, []), (wrong, []))]
    assert tuple(each.level for each in made) == LEVELS
    assert wrong("s", "r", "d").remedy == "r"
    assert wrong("s", "r", "d").detail == ("d",)
    assert fine("s", "d").detail == ("d",)
