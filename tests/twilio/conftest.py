from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.outbound.conftest import host, other
from tests.outbound.loopback import Loopback
from tests.twilio.standin import StandIn

__all__ = ["host", "other", "twilio", "twilio_with_storage"]


@pytest.fixture
def twilio() -> Iterator[StandIn]:
    with StandIn().running() as standin:
        yield standin


@pytest.fixture
def twilio_with_storage() -> Iterator[StandIn]:
    with StandIn(storage=Loopback()).running() as standin:
        yield standin
