"""Tests of migrations have them run."""

from __future__ import annotations

import pytest

from addon.catalogue import migrations
from tests.conftest import UPGRADE


@pytest.fixture(autouse=True)
def migrated_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "_upgrade", UPGRADE)
