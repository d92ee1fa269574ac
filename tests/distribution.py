"""A pytest plugin: the browser's tests begin and run in one worker, other long files lie between.

With `--dist loadfile --no-loadscope-reorder` a file's tests run in one of pytest-xdist's workers,
in the order of files here. What they share, as a stack or a browser with an archive of calls, is
made once. Long files that run side by side take longer than one after the other, so there are short
ones between them; and no worker begins a long file when the others are done.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

LONG = ("browser", "stack", "slow", "node")
"""Markers of tests that take seconds."""

LONG_END = 0.8
"""The share of the files after which there are no long ones."""

TOGETHER = "tests/browser/"
"""A folder whose files share a browser: a machine of two cores has no time for three."""


class Scheduling(LoadFileScheduling):
    """Gives a worker whole files, and the files of one folder together."""

    def _split_scope(self, nodeid: str) -> str:
        return TOGETHER if nodeid.startswith(TOGETHER) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling | None:
    return Scheduling(config, log) if config.option.dist == "loadfile" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not hasattr(config, "workerinput"):
        return
    long = {item.path for item in items if any(map(item.get_closest_marker, LONG))}
    places: dict[Path, float] = {}
    for is_long, end in ((True, LONG_END), (False, 1.0)):
        files = [
            path for path in dict.fromkeys(each.path for each in items) if (path in long) is is_long
        ]
        places |= {path: end * number / len(files) for number, path in enumerate(files)}

    def place(item: pytest.Item) -> tuple[bool, float]:
        return not item.nodeid.startswith(TOGETHER), places[item.path]

    items.sort(key=place)
