"""Makes the catalogue anew of the archive: signed manifests, and analyses that a key opens.

It stays in use meanwhile. An interrupted rebuild goes on where it was, from a position that the
catalogue itself keeps.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from addon.archive.archive import Archive
from addon.archive.batch import Finding
from addon.archive.index import tenants
from addon.archive.names import Entry, Unreadable, days_prefix
from addon.catalogue.catalogue import Catalogue
from addon.catalogue.comparison import CodeOf, Comparison, code_of, entries
from addon.catalogue.row import Row
from addon.errors import ArchiveError, KeyMissing, NotStored

AT_ONCE = 100
"""Recordings written in one transaction, and lost with it when the process is killed."""

THREADS = 8
"""Recordings opened at the same time: a bucket answers in tens of milliseconds."""

EVERYTHING = 2**62


class Rebuild:
    """One rebuild of the whole catalogue."""

    def __init__(self, archive: Archive, catalogue: Catalogue, known_code: CodeOf) -> None:
        self._archive = archive
        self._catalogue = catalogue
        self._known_code = known_code

    def require_keys(self) -> None:
        """Raises KeyMissing: without a key every recording would lose its figures."""
        if not self._archive.decryption_keys:
            raise KeyMissing(
                "this process has no key that opens the archive",
                remedy="Start it where ARCHIVE_PRIVATE_KEYS, ARCHIVE_KMS_KEYS or ARCHIVE_LOCAL_KEY "
                "is set: workers hold none.",
            )

    def run(self, *, from_start: bool = False) -> Iterator[Finding]:
        """Write every recording; yields each, "whole", or "bad" with the reason.

        Raises StoreUnavailable, CatalogueUnavailable.
        """
        self._catalogue.take_key()
        begin, _, cursor = ("" if from_start else self._catalogue.position()).partition("/")
        with ThreadPoolExecutor(THREADS) as pool:
            for install in tenants(self._archive.store):
                if install < begin:
                    continue
                behind = cursor if install == begin and cursor else None
                remaining = entries(self._archive, install, behind)
                while batch := list(islice(remaining, AT_ONCE)):
                    found = list(pool.map(self._read, batch))
                    self._catalogue.write([row for _, row in found if row is not None])
                    yield from (finding for finding, _ in found)
                    last = batch[-1].key.removeprefix(days_prefix(install))
                    self._catalogue.note_position(f"{install}/{last}")
        Comparison(self._archive, self._catalogue, self._known_code).run(EVERYTHING)
        self._catalogue.note_position(None)

    def _read(self, entry: Entry) -> tuple[Finding, Row | None]:
        install, recording_id = entry.tenant, entry.recording_id
        manifest = self._archive.examined(entry)
        if manifest is None:
            return Finding(install, recording_id, "erased"), None
        if isinstance(manifest, Unreadable):
            return Finding(install, recording_id, "bad", 0, manifest.trouble), None
        document, problem = None, ""
        if manifest.analysis is not None:
            try:
                document = self._archive.analysis(install, recording_id)
            except NotStored:
                return Finding(install, recording_id, "erased"), None
            except ArchiveError as error:
                problem = error.message
        row = self._catalogue.row(manifest, document, code_of(manifest, self._known_code))
        size = manifest.audio.size
        if problem:
            return Finding(install, recording_id, "bad", size, problem), row
        return Finding(install, recording_id, "whole", size), row
