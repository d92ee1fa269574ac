"""What must outlive Redis about requests: accepted and not yet finished, computed, concluded.

`intake/<sid>` exists exactly as long as a request is unfinished, `results/<sid>` as long as its
result is undelivered, and `requests/<sid>` says for good what became of it (contract 6). The store
is the truth and Redis is not. Nothing here is ever written in plaintext but `requests/`, which
holds states, times and SIDs only.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from addon.archive import message
from addon.archive.keys import Openers, Recipients
from addon.archive.store import Store
from addon.errors import AlreadyStored, NotStored, Tampered

KEY_NAME = "intake"
LENGTH = struct.Struct(">I")

HEAD_LIMIT = 4 * 1024 * 1024
"""Fields are bounded at 1 MB on the way in; four times that is certainly no invocation."""

Document = Mapping[str, Any]


@dataclass
class Intake:
    """An accepted request: its `source`, the request as its room wrote it, uploaded bytes."""

    source: str
    request: str
    audio: Iterator[bytes]


@dataclass(frozen=True)
class Kept:
    """An answer that waits for its callback.

    `final` is False for an answer that had to be given before the work was done, and `archivable`
    is False where there is no recording that could be archived.
    """

    answer: dict[str, Any]
    final: bool
    archivable: bool

    def to_bytes(self) -> bytes:
        """As JSON."""
        return json.dumps(asdict(self), separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, body: bytes) -> Kept:
        """The reverse of `to_bytes`."""
        return cls(**json.loads(body))


class Journal:
    """The three prefixes of the store that carry requests, sealed under a 32-byte key."""

    def __init__(self, store: Store, key: bytes) -> None:
        self.store = store
        self._recipients = Recipients.local(key, KEY_NAME)
        self._openers = Openers.local(key, KEY_NAME)

    def accept(self, sid: str, source: str, request: str, audio: Iterable[bytes] = ()) -> bool:
        """Write an intake record, durably; False where one is there already.

        `source` is "marketplace", "flex" or "ringcentral". Raises StoreUnavailable.
        """
        head = json.dumps({"source": source, "request": request}, separators=(",", ":")).encode()
        try:
            self._put(f"intake/{sid}", sid, _framed(head, audio), if_absent=True)
        except AlreadyStored:
            return False
        return True

    def waiting(self, after: str | None = None) -> Iterator[str]:
        """The SIDs of all unfinished requests."""
        for stat in self.store.list("intake/", after=after):
            yield stat.key.removeprefix("intake/")

    def accepted_before(self, moment: datetime) -> Iterator[str]:
        """The SIDs of unfinished requests whose record was written before `moment`."""
        for stat in self.store.list("intake/"):
            if stat.modified < moment:
                yield stat.key.removeprefix("intake/")

    def is_waiting(self, sid: str) -> bool:
        """Whether a request is accepted and not finished."""
        return self.store.stat(f"intake/{sid}") is not None

    def open(self, sid: str) -> Intake:
        """Read an intake record; the audio is decrypted block by block as it is taken.

        Raises NotStored, Tampered, KeyMissing, StoreUnavailable.
        """
        blocks = self._get(f"intake/{sid}", sid)
        buffer = bytearray()
        _fill(blocks, buffer, LENGTH.size)
        (size,) = LENGTH.unpack_from(buffer)
        if size > HEAD_LIMIT:
            raise Tampered("an intake record with an impossible head")
        _fill(blocks, buffer, LENGTH.size + size)
        head = json.loads(buffer[LENGTH.size : LENGTH.size + size])
        rest = bytes(buffer[LENGTH.size + size :])
        return Intake(head["source"], head["request"], _audio(rest, blocks))

    def keep(self, sid: str, kept: Kept) -> bool:
        """Keep an answer until the request is finished; False where one is kept already.

        The answer that is kept first is the one that is sent: nothing may change it afterwards.
        """
        try:
            self._put(f"results/{sid}", sid, [kept.to_bytes()], if_absent=True)
        except AlreadyStored:
            return False
        return True

    def nothing_to_archive(self, sid: str, kept: Kept) -> None:
        """Note that no recording will ever come; the answer stays as it is."""
        settled = replace(kept, final=True, archivable=False)
        self._put(f"results/{sid}", sid, [settled.to_bytes()], if_absent=False)

    def kept(self, sid: str) -> Kept | None:
        """The answer kept for a request, or None where there is none yet."""
        try:
            return Kept.from_bytes(b"".join(self._get(f"results/{sid}", sid)))
        except NotStored:
            return None

    def conclude(self, sid: str, outcome: Document) -> None:
        """Record what became of a request; a later call replaces an earlier one."""
        body = json.dumps(outcome, separators=(",", ":"), sort_keys=True).encode()
        self.store.put(f"requests/{sid}", [body], if_absent=False)

    def outcome(self, sid: str) -> dict[str, Any] | None:
        """What became of a request, or None where it is not known."""
        try:
            outcome: dict[str, Any] = json.loads(self.store.get(f"requests/{sid}"))
        except NotStored:
            return None
        return outcome

    def finish(self, sid: str) -> None:
        """Remove what was kept for the work; the outcome stays.

        The answer goes last but one: a crash in between leaves a request that is looked at again.
        """
        self.store.delete(f"results/{sid}")
        self.store.delete(f"intake/{sid}")

    def drop_answer(self, sid: str) -> None:
        """Remove an answer that was kept after its request was finished."""
        self.store.delete(f"results/{sid}")

    def _put(self, key: str, sid: str, blocks: Iterable[bytes], *, if_absent: bool) -> None:
        sealed = message.encrypt(blocks, self._recipients, _context(key, sid))
        self.store.put(key, sealed, if_absent=if_absent)

    def _get(self, key: str, sid: str) -> Iterator[bytes]:
        return message.decrypt(self.store.read(key), self._openers, _context(key, sid))


def _context(key: str, sid: str) -> dict[str, str]:
    return {"kind": key.partition("/")[0], "request_sid": sid}


def _framed(head: bytes, audio: Iterable[bytes]) -> Iterator[bytes]:
    yield LENGTH.pack(len(head)) + head
    yield from audio


def _fill(blocks: Iterator[bytes], buffer: bytearray, size: int) -> None:
    while len(buffer) < size:
        block = next(blocks, None)
        if block is None:
            raise Tampered("an intake record that ends too early")
        buffer += block


def _audio(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest
