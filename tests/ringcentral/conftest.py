from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from addon.outbound import Outbound
from addon.ringcentral.api import Api, Caller
from addon.ringcentral.client import RingCentral
from addon.ringcentral.hosts import Hosts
from addon.ringcentral.limits import Limits
from addon.settings import Settings
from tests.outbound.conftest import other
from tests.ringcentral.standin import CLIENT_ID, CLIENT_SECRET, JWT, StandIn
from workers.services import Services

__all__ = ["other"]


class Clock:
    """Time that passes when a test says so."""

    def __init__(self, now: float = 1_780_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def standin() -> Iterator[StandIn]:
    with StandIn().running() as server:
        yield server


@pytest.fixture
def rc_settings(settings: Settings, standin: StandIn) -> Settings:
    """A deployment whose RingCentral is the stand-in."""
    return replace(
        settings,
        ringcentral_client_id=CLIENT_ID,
        ringcentral_client_secret=CLIENT_SECRET,
        ringcentral_base_url=standin.url,
        ringcentral_jwt=JWT,
        ringcentral_webhook_token="webhook-token-1",
    )


@pytest.fixture
def client(rc_settings: Settings, redis_server: redis.Redis) -> RingCentral:
    return RingCentral(rc_settings, redis_server)


@pytest.fixture
def api(standin: StandIn, redis_server: redis.Redis) -> Api:
    hosts = Hosts(standin.url)
    return Api(hosts, Outbound(hosts.origins), Limits(redis_server))


@pytest.fixture
def caller(standin: StandIn) -> Caller:
    """A person who is signed in."""
    standin.access["token-1"] = (standin.person, 2e9)
    return Caller("token-1", standin.person)


@pytest.fixture
def no_redis() -> redis.Redis:
    """A server that is away."""
    return redis.Redis(port=1, retry=Retry(NoBackoff(), 0))


@pytest.fixture
def services(rc_settings: Settings, redis_server: redis.Redis) -> Iterator[Services]:
    """What a job works with, in a deployment that archives RingCentral's recordings."""
    made = Services.from_settings(rc_settings.for_worker())
    yield made
    made.redis.close()
