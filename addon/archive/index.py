"""Finding recordings without a database: empty objects whose names are the index.

By day, by call and by id. Entries follow from a manifest alone, so they can be written again at any
time; they must never hold more than names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from itertools import islice

from addon.archive import names
from addon.archive.manifest import Manifest
from addon.archive.prefixes import DAYS
from addon.archive.store import Store, checked_prefix
from addon.errors import AlreadyStored

BEHIND_SLASH = "0"
"""The character after "/": `<tenant>0` sorts behind every key `<tenant>/…`, whatever it ends in."""


@dataclass(frozen=True)
class IndexPage:
    """Some entries in order; `cursor` is what continues behind them, None at the end."""

    entries: tuple[names.Entry, ...]
    cursor: str | None


def keys_of(manifest: Manifest) -> tuple[str, ...]:
    """Every index entry of a recording."""
    tenant, recording_id = manifest.tenant, manifest.recording_id
    keys = [
        names.ids_prefix(recording_id) + tenant,
        names.day_key(tenant, manifest.at, recording_id),
    ]
    if manifest.facts.call_sid:
        keys.append(names.calls_prefix(tenant, manifest.facts.call_sid) + recording_id)
    return tuple(keys)


def write(store: Store, manifest: Manifest) -> None:
    """Write the entries that are not there yet."""
    for key in keys_of(manifest):
        with suppress(AlreadyStored):
            store.put(key, ())


def remove(store: Store, manifest: Manifest) -> None:
    """Remove every entry of a recording."""
    for key in keys_of(manifest):
        store.delete(key)


def by_day(
    store: Store, tenant: str, day: date | None, *, cursor: str | None, limit: int
) -> IndexPage:
    """A tenant's recordings in the order of time, of one UTC day where it is given."""
    prefix = names.days_prefix(tenant, day)
    return _page(store, prefix, cursor, limit, names.day_entry)


def by_call(
    store: Store, tenant: str, call_sid: str, *, cursor: str | None, limit: int
) -> IndexPage:
    """The recordings of one call."""
    return _page(store, names.calls_prefix(tenant, call_sid), cursor, limit, names.call_entry)


def tenants_of(store: Store, recording_id: str) -> tuple[str, ...]:
    """The tenants that hold a recording of this id."""
    found = (names.id_entry(stat.key) for stat in store.list(names.ids_prefix(recording_id)))
    return tuple(entry.tenant for entry in found if entry is not None)


def tenants(store: Store) -> Iterator[str]:
    """Every tenant that has a recording, at a request each.

    What no tenant can be called is passed over: anyone who writes to the store can name objects.
    """
    after: str | None = None
    while stat := next(store.list(DAYS, after=after), None):
        _, tenant, *rest = stat.key.split("/")
        if rest and names.is_id(tenant):
            yield tenant
        after = DAYS + tenant + BEHIND_SLASH if rest else stat.key


def before_day(store: Store, day_of: Callable[[str], date | None]) -> Iterator[names.Entry]:
    """Recordings of days before each tenant's day; later days are skipped, not listed.

    A tenant without a day has none to list.
    """
    after: str | None = None
    while True:
        for stat in store.list(DAYS, after=after):
            entry = names.day_entry(stat.key)
            if entry is None:
                continue
            day = day_of(entry.tenant)
            if day is None or names.day_of(entry) >= day:
                after = names.days_prefix(entry.tenant) + names.LAST
                break
            yield entry
        else:
            return


def _page(
    store: Store,
    prefix: str,
    cursor: str | None,
    limit: int,
    read: Callable[[str], names.Entry | None],
) -> IndexPage:
    """Up to `limit` entries; a key that is none is passed over and takes no entry's room."""
    after = checked_prefix(prefix + cursor) if cursor else None
    known = (read(stat.key) for stat in store.list(prefix, after=after))
    entries = list(islice((entry for entry in known if entry is not None), limit + 1))
    more = len(entries) > limit
    cursor = entries[limit - 1].key.removeprefix(prefix) if more else None
    return IndexPage(tuple(entries[:limit]), cursor)
