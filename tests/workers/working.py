"""Makes a child process a worker."""

from __future__ import annotations

import os

import workers.services
from addon.settings import Settings
from workers.services import Services


def become_worker(settings: Settings) -> Services:
    """Jobs that are called in this process from now on use these settings."""
    made = Services.from_settings(settings.for_worker())
    workers.services._made = {os.getpid(): made}
    return made
