"""Connections that a test keeps open: for as long as it likes, and closed after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from addon.outbound import KeptConnections, kept


@contextmanager
def keeping(connections: KeptConnections) -> Iterator[KeptConnections]:
    """No slow machine ends one of them; with the block they all end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept, "IDLE_S", 60.0)
        yield connections
        timer = connections._timer
        if timer is not None:
            timer.cancel()
            timer.join()
        patch.setattr(kept, "IDLE_S", 0.0)
        connections._close_old()
