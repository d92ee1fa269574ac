"""Compares the index with the signed manifests, which alone say what is archived.

Entries are names that anyone who can write to the store can make or remove. An entry that no
manifest explains shows nothing anyway; a missing one hides a recording from the lists until it is
written again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from addon.archive import index, names
from addon.archive.batch import Finding, each
from addon.archive.names import Entry, files, recording_of
from addon.archive.prefixes import CALLS, DAYS, IDS, RECORDINGS
from addon.archive.store import list_each
from addon.errors import NotStored

if TYPE_CHECKING:
    from addon.archive.archive import Archive

_READ: dict[str, Callable[[str], Entry | None]] = {
    CALLS: names.call_entry,
    DAYS: names.day_entry,
    IDS: names.id_entry,
}


def check_index(archive: Archive, *, mend: bool = False, after: str = "") -> Iterator[Finding]:
    """Every entry and every manifest in the order of keys, from behind the key `after`.

    A finding is "current" where both agree, "bad" where they do not, and with `mend` "whole" once
    a missing entry was written or an unexplained one removed. Raises StoreUnavailable for an
    outage.
    """

    def check(name: tuple[str, str]) -> Finding:
        prefix, key = name[0] + "/", "/".join(name)
        if prefix == RECORDINGS:
            trouble = _missing(archive, key, mend=mend)
        else:
            trouble = _unexplained(archive, key, _READ[prefix], mend=mend)
        if trouble is None:
            return Finding(*name, "current")
        return Finding(*name, "whole" if mend else "bad", problem=trouble)

    stats = list_each(archive.store, (*_READ, RECORDINGS), after=after)
    names_of = ((stat.key.partition("/")[0], stat.key.partition("/")[2]) for stat in stats)
    return each(names_of, check, lambda name: name)


def _missing(archive: Archive, key: str, *, mend: bool) -> str | None:
    """The entries that a recording lacks; looked for once, with its manifest."""
    recording = recording_of(key)
    if recording is None or key != files(*recording).manifest:
        return None
    tenant, recording_id = recording
    try:
        manifest = archive.manifest(tenant, recording_id)
    except NotStored:
        return None  # erased since it was listed, or an erasure that was interrupted
    missing = [each for each in index.keys_of(manifest) if archive.store.stat(each) is None]
    if missing and mend:
        index.write(archive.store, manifest)
    return f"not in the index: {', '.join(missing)}" if missing else None


def _unexplained(
    archive: Archive, key: str, read: Callable[[str], Entry | None], *, mend: bool
) -> str | None:
    """The reason to doubt an entry; one of a form that is not known here is never removed."""
    entry = read(key)
    if entry is None:
        return None
    if archive.listed(entry) is not None:
        return None
    if mend:
        archive.store.delete(key)
    return "no manifest explains this entry"
