"""Requests as the web leaves them for a worker, and a Marketplace that takes the results."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from addon import log
from addon.commands.marketplace import Exchange, Marketplace
from addon.requests import acceptance
from addon.requests.request import Request
from addon.settings import Settings
from addon.twilio.invocation import Invocation
from tests.calls import wav
from tests.conftest import ACCOUNT, TOKEN
from tests.web.requests import INSTALL, new_sid
from tests.workers.flexing import flex
from workers.services import Services

__all__ = ["flex"]


@pytest.fixture
def printed(capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Gives what this process has printed and logged since the test began."""
    root = logging.getLogger()
    before = root.handlers[:]
    log.configure(terminal=False)
    yield lambda: "".join(capfd.readouterr())
    root.handlers = before


@pytest.fixture
def market() -> Iterator[Marketplace]:
    with Marketplace(ACCOUNT, TOKEN, credentials="stand-in:its-own-password") as listening:
        yield listening


@pytest.fixture
def settings(settings: Settings, market: Marketplace) -> Settings:
    return settings.replace(
        callback_hosts=(market.origin,),
        callback_credentials={market.origin: market.credentials},
        media_hosts=(market.origin,),
    )


@pytest.fixture
def accept(as_worker: Services, market: Marketplace) -> Callable[..., Exchange]:
    """Puts a request into intake store, request state and queue, as the web does."""

    def accepted(
        audio: bytes | None = None, *, by_url: bool = False, **changes: object
    ) -> Exchange:
        audio = wav(1.0) if audio is None else audio
        exchange = Exchange(new_sid(), audio)
        market.exchanges[exchange.sid] = exchange
        invocation = Invocation(
            request_sid=exchange.sid,
            received_at=datetime.now(UTC),
            install=INSTALL,
            callback=f"{market.origin}/callback/{exchange.sid}",
            has_audio=not by_url,
            audio_url=f"{market.origin}/media/{exchange.sid}" if by_url else None,
            size=None if by_url else float(len(audio)),
        )
        invocation = replace(invocation, **changes)  # type: ignore[arg-type]
        blocks = [] if by_url else [audio]
        asked = Request.marketplace(invocation)
        acceptance.accept(as_worker.intake_store, as_worker.dispatcher, asked, blocks)
        return exchange

    return accepted
