"""A recording of the catalogue gives figures, flags and keys, and no name."""

from __future__ import annotations

import re

from addon.catalogue import FIGURES
from tests.catalogue.recordings import ONE, START, document, manifest, sid


def test_it_is_what_was_written(catalogue):
    made = document(
        call={"agent": "Anna", "direction": "inbound"},
        flags=["dead_air", "clipping"],
        categories=[{"rule": "notice", "status": "found"}, {"rule": "notice", "status": "found"}],
    )
    catalogue.write([catalogue.row(manifest(0), made)])
    one = catalogue.find([(ONE, sid("RE", 0))])[ONE, sid("RE", 0)]
    assert (one.at, one.call_sid, one.source) == (START, sid("CA", 0), "marketplace")
    assert (one.flags, one.categories) == (("dead_air", "clipping"), ("notice=found",))
    assert tuple(one.figures) == FIGURES
    assert re.fullmatch("~[0-9a-f]{16}", str(one.agent))
    assert one.queue is None
