"""Checkpoint of the access log: how far every chain goes and when that was seen, signed.

The sweeper writes it every few minutes, also where nothing happened. So who removes the end of a
chain and puts its older head back has to put an older checkpoint back too, and its time shows that.
A chain never becomes shorter: what a checkpoint or this process saw before is signed again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from addon import log, stored_documents
from addon.archive.access_log import HEAD_KIND
from addon.archive.prefixes import AUDIT_CHECKPOINT, AUDIT_HEADS
from addon.archive.signed_documents import DocumentSigner, claimed_key
from addon.archive.store import Store
from addon.errors import NotStored, Tampered, UnreadableDocument

KIND = "access log checkpoint"
VERSION = 1

EVERY_S = 600.0
"""Between two checkpoints: events of so long can be removed unseen, with every later head."""

STALE_AFTER = timedelta(seconds=3 * EVERY_S)
"""A checkpoint that is older was put back, or no sweeper runs."""

BATCH = 20
"""Heads read between two sweeps, so that neither waits for the other."""

logger = log.get("access-log")


class Checkpoint(NamedTuple):
    """The last number of each chain, by its name, as seen at `at`."""

    at: datetime
    heads: dict[str, int]


def read(store: Store, signer: DocumentSigner) -> Checkpoint:
    """The checkpoint in the store. Raises NotStored, Tampered, UnreadableDocument,
    StoreUnavailable."""
    content = store.get(AUDIT_CHECKPOINT)
    if claimed_key(content) is None:  # no release ever wrote one that is not signed
        raise Tampered("the access log checkpoint is not signed")
    document = signer.verified(KIND, AUDIT_CHECKPOINT, content)
    stored_documents.check_version(document, KIND, VERSION)
    try:
        heads = {str(writer): int(number) for writer, number in document["heads"].items()}
    except (KeyError, ValueError, TypeError, AttributeError):
        raise Tampered("the access log checkpoint is malformed") from None
    return Checkpoint(stored_documents.moment(document.get("at"), KIND), heads)


class Checkpoints:
    """Writes a checkpoint every EVERY_S, in turns of BATCH heads; `step` does one of them."""

    def __init__(self, store: Store, signer: DocumentSigner) -> None:
        self._store = store
        self._signer = signer
        self._heads: dict[str, int] = {}
        self._seen: dict[str, str] = {}
        self._running: Iterator[None] | None = None
        self._due = float("-inf")

    def step(self) -> None:
        """Go on with a checkpoint that is due. Raises StoreUnavailable."""
        if self._running is None and time.monotonic() < self._due:
            return
        running = self._running = self._running or self._write()
        try:
            if next(running, self) is self:
                self._running, self._due = None, time.monotonic() + EVERY_S
        except Exception:
            self._running = None  # an iterator that has raised is at its end: begin again
            raise

    def _write(self) -> Iterator[None]:
        try:
            self._keep(read(self._store, self._signer).heads)
        except NotStored:
            pass
        except (Tampered, UnreadableDocument) as error:
            logger.error("the checkpoint is not ours", alarm=True, reason=error.message)
        changed = [
            stat for stat in self._store.list(AUDIT_HEADS) if self._seen.get(stat.key) != stat.etag
        ]
        for number, stat in enumerate(changed, 1):
            self._look_at(stat.key)
            self._seen[stat.key] = stat.etag
            if number % BATCH == 0:
                yield
        document = {
            "version": VERSION,
            "at": datetime.now(UTC).isoformat(),
            "heads": self._heads,
        }
        content = self._signer.sign(KIND, AUDIT_CHECKPOINT, document)
        self._store.put(AUDIT_CHECKPOINT, [content], if_absent=False)

    def _look_at(self, key: str) -> None:
        try:
            head = self._signer.verified(HEAD_KIND, key, self._store.get(key))
            writer, number = str(head["writer"]), int(head["number"])
        except (NotStored, Tampered, KeyError, TypeError, ValueError):
            return  # `flask archive verify-audit` names it
        if number < self._heads.get(writer, 0):
            logger.error("an older head of the access log was put back", alarm=True, object=key)
        self._keep({writer: number})

    def _keep(self, heads: dict[str, int]) -> None:
        for writer, number in heads.items():
            self._heads[writer] = max(number, self._heads.get(writer, 0))
