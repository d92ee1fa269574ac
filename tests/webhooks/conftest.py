"""Endpoints and an outbox over a real store."""

from __future__ import annotations

import pytest

from addon.settings import Settings
from addon.webhooks.endpoints import Endpoints
from addon.webhooks.outbox import Outbox


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.replace(webhook_hosts=("hooks.example.com", "*.example.org"))


@pytest.fixture
def outbox(settings: Settings, services) -> Outbox:
    return Outbox.from_settings(settings, services.store)


@pytest.fixture
def endpoints(outbox: Outbox) -> Endpoints:
    return outbox.endpoints
