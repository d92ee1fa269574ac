"""The web's parts are closed with their process, and what waits in them is written."""

from __future__ import annotations

from addon.metrics import declarations
from addon.metrics.counters import Counters
from addon.web.context import EXTENSION


def test_counts_that_wait_are_written_when_the_process_exits(app, redis_server):
    made = app.extensions[EXTENSION]
    made.buffered_counters.count(declarations.DUPLICATES)
    made.close()
    assert Counters(redis_server).read() == {declarations.DUPLICATES.name: 1}


def test_what_was_never_used_is_not_made_to_be_closed(app):
    made = app.extensions[EXTENSION]
    made.close()
    assert not {"access_log", "buffered_counters"} & set(vars(made))
