from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.outbound.loopback import Loopback


@pytest.fixture
def host() -> Iterator[Loopback]:
    with Loopback().running() as server:
        yield server


@pytest.fixture
def other() -> Iterator[Loopback]:
    """A second origin, to be redirected to."""
    with Loopback().running() as server:
        yield server
