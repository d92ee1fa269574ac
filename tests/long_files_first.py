"""A pytest plugin: pytest-xdist's workers begin with the files that take longest.

With `--dist loadfile --no-loadscope-reorder` a file's tests run in one worker, in the order of
files here. What they share, as a stack or an archive of calls, is made once, and no worker begins
a long file when the others are done.
"""

from __future__ import annotations

from pathlib import Path

import pytest

LONG = ("browser", "stack", "slow", "node")
"""Markers of tests that take seconds."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not hasattr(config, "workerinput"):
        return
    long: set[Path] = {item.path for item in items if any(map(item.get_closest_marker, LONG))}
    items.sort(key=lambda item: item.path not in long)
