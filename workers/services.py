"""Services that jobs work with, made once for each process and never shared across a fork.

A worker's settings carry no private key of the archive: it writes what it cannot read.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import redis

from addon.archive.archive import Archive
from addon.archive.opening import store_of
from addon.archive.store import Store
from addon.catalogue.writer import CatalogueWriter
from addon.metrics import declarations
from addon.metrics.counters import Counters
from addon.requests.connections import worker_connection
from addon.requests.dispatcher import Dispatcher
from addon.requests.intake_store import IntakeStore
from addon.requests.signature_uses import SignatureUses
from addon.requests.state import RequestStates
from addon.settings import Settings
from addon.webhooks.outbox import Outbox


@dataclass(frozen=True)
class Services:
    """Everything a job may touch."""

    settings: Settings
    redis: redis.Redis
    store: Store
    archive: Archive
    catalogue: CatalogueWriter
    intake_store: IntakeStore
    signature_uses: SignatureUses
    states: RequestStates
    counters: Counters
    dispatcher: Dispatcher
    outbox: Outbox

    @classmethod
    def from_settings(cls, settings: Settings) -> Services:
        """Build the services. Raises SettingsError; opens no connection yet."""
        connection = worker_connection(settings.redis_url)
        store = store_of(settings)
        states, counters = RequestStates(connection), Counters(connection)
        outbox = Outbox.from_settings(settings, store)
        archive = Archive.from_settings(settings, store)
        archive.at_erasure(outbox.promise_erasure)
        return cls(
            settings=settings,
            redis=connection,
            store=store,
            archive=archive,
            outbox=outbox,
            catalogue=CatalogueWriter.from_settings(
                settings, lambda: counters.count(declarations.CATALOGUE_MISSED)
            ),
            intake_store=IntakeStore.from_settings(settings, store),
            signature_uses=SignatureUses.from_settings(settings, store, connection),
            states=states,
            counters=counters,
            dispatcher=Dispatcher(connection, states),
        )


_made: dict[int, Services] = {}


def services() -> Services:
    """This process's services, from the environment."""
    process = os.getpid()
    if process not in _made:
        _made.clear()
        _made[process] = Services.from_settings(Settings.load(role="worker"))
    return _made[process]
