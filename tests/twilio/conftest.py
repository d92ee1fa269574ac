from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.outbound.loopback import Loopback
from tests.twilio.standin import StandIn


@pytest.fixture
def host() -> Iterator[Loopback]:
    with Loopback().running() as server:
        yield server


@pytest.fixture
def other() -> Iterator[Loopback]:
    """A second origin, to be redirected to."""
    with Loopback().running() as server:
        yield server


@pytest.fixture
def twilio() -> Iterator[StandIn]:
    with StandIn().running() as standin:
        yield standin


@pytest.fixture
def twilio_with_storage() -> Iterator[StandIn]:
    with StandIn(storage=Loopback()).running() as standin:
        yield standin
