"""Keeps the catalogue up to date beside other work, which never fails and hardly waits for it.

What it misses is written by the comparison with the archive (`comparison.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Self

from addon import log
from addon.archive.manifest import Manifest
from addon.catalogue.catalogue import Catalogue
from addon.errors import CatalogueUnavailable
from addon.settings import Settings

PAUSE_S = 30.0
"""After a failure it is left alone for so long: the next jobs wait for nothing."""

logger = log.get("catalogue")


class CatalogueWriter:
    """Writes and removes recordings as they come and go; `catalogue` is None where there is none.

    `on_miss` is called for each recording that was not written or removed.
    """

    def __init__(
        self,
        catalogue: Catalogue | None,
        on_miss: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.catalogue = catalogue
        self._on_miss = on_miss
        self._clock = clock
        self._not_before = 0.0

    @classmethod
    def from_settings(
        cls, settings: Settings, on_miss: Callable[[], object] = lambda: None
    ) -> Self:
        """The writer of the settings; without CATALOGUE_KEY it writes nothing."""
        catalogue = Catalogue.from_settings(settings) if settings.catalogue_key else None
        return cls(catalogue, on_miss)

    def write(self, manifest: Manifest, document: Mapping[str, Any]) -> None:
        """Write a committed recording, with its stored analysis; see `row_of`."""
        if (catalogue := self.catalogue) is not None:
            self._try(lambda: catalogue.write([catalogue.row(manifest, document)]))

    def complete(self, manifest: Manifest, document: Mapping[str, Any]) -> None:
        """Write a recording that the catalogue has without figures, once a process has opened it.

        The comparison with the archive writes such rows where no key opens an analysis.
        """

        def work(catalogue: Catalogue) -> None:
            key = (manifest.tenant, manifest.recording_id)
            known = catalogue.find([key]).get(key)
            if known is not None and known.state == "unknown":
                catalogue.write([catalogue.row(manifest, document)])

        if (catalogue := self.catalogue) is not None:
            self._try(lambda: work(catalogue))

    def remove(self, install: str, recording_id: str) -> None:
        """Remove an erased recording."""
        if (catalogue := self.catalogue) is not None:
            self._try(lambda: catalogue.remove(install, [recording_id]))

    def close(self) -> None:
        """Leave the database."""
        if self.catalogue is not None:
            self.catalogue.close()

    def _try(self, work: Callable[[], None]) -> None:
        if self._clock() < self._not_before:
            self._on_miss()
            return
        try:
            work()
        except CatalogueUnavailable as error:
            self._not_before = self._clock() + PAUSE_S
            logger.warning("a recording is missing in the catalogue", reason=error.message)
            self._on_miss()
        except Exception:  # a defect of ours must not fail the job, whose work is done
            logger.exception("a recording could not be written into the catalogue")
            self._on_miss()
