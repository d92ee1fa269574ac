"""An archive with its keys, as the web has it, and recordings to put there."""

from __future__ import annotations

import pytest

from addon.archive.archive import Archive
from addon.playback.player import Player
from addon.settings import Settings


@pytest.fixture
def archive(settings: Settings) -> Archive:
    return Archive.from_settings(settings)


@pytest.fixture
def player(archive: Archive) -> Player:
    return Player(archive)
