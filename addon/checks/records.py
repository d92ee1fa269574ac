"""Checks of what is stored already: requests, API tokens and catalogue fit the keys of now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice

from addon.archive.opening import store_of
from addon.archive.prefixes import TOKENS
from addon.archive.store import WEB_PATIENCE
from addon.catalogue import Catalogue
from addon.checks.finding import Finding, warning, wrong
from addon.errors import KeyMissing, NotStored, Tampered, UnreadableDocument
from addon.playback.tokens import Tokens
from addon.requests.intake_store import IntakeStore
from addon.settings import Settings

MOST = 200
"""Requests that are opened: a release waits for it, and another key shows in the first."""


def stuck(settings: Settings) -> Iterator[Finding]:
    """Every accepted request can be opened with INTAKE_KEY. Raises StoreUnavailable."""
    if not settings.intake_key:
        return
    store = store_of(settings, patience=WEB_PATIENCE)
    intake_store = IntakeStore.from_settings(settings, store)
    found: Counter[type[Exception]] = Counter()
    sids = list(islice(intake_store.waiting(), MOST))
    for sid in sids:
        try:
            intake_store.open(sid)
        except (KeyMissing, Tampered, UnreadableDocument) as error:
            found[type(error)] += 1
        except NotStored:
            continue
    looked = f"of {len(sids)} that were looked at"
    if count := found[KeyMissing]:
        yield wrong(
            f"{count} accepted requests wait for another INTAKE_KEY, {looked}",
            "Set the INTAKE_KEY again that they were accepted with, until `flask ledger` shows "
            "nothing open.",
        )
    if count := found[Tampered] + found[UnreadableDocument]:
        yield warning(
            f"{count} intake records are damaged or of a newer release, {looked}",
            "Their SIDs are in the workers' log: an intake record cannot be read.",
        )


def tokens(settings: Settings) -> Iterator[Finding]:
    """Every stored API token opens something. Raises StoreUnavailable."""
    store = store_of(settings, patience=WEB_PATIENCE)
    stored = sum(1 for _ in store.list(TOKENS))
    count = stored - sum(1 for _ in Tokens.from_settings(settings, store).all())
    if count:
        yield wrong(
            f"{count} API tokens open nothing: unsigned, or signed with another key",
            "Run `flask archive sign-controls`, or revoke them.",
        )


def catalogue(settings: Settings) -> Iterator[Finding]:
    """The catalogue opens with CATALOGUE_KEY, which also brings its tables up to this release.

    Raises CatalogueUnavailable.
    """
    if not settings.catalogue_key:
        return
    opened = Catalogue.from_settings(settings)
    try:
        opened.installs()
    finally:
        opened.close()
    yield from ()
