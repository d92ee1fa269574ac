"""Check of the whole access log: every signature, every chain, every head.

Shows a changed event, a missing one, and a missing end of a chain as far as its head and the
checkpoint say, and a checkpoint that is too old. What came after the last checkpoint can be removed
unseen, unless `known` heads were kept elsewhere (decision 0508).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from addon.archive import access_log_checkpoint, event_chain
from addon.archive.access_log import HEAD_KIND, KIND
from addon.archive.access_log_checkpoint import STALE_AFTER
from addon.archive.prefixes import AUDIT, AUDIT_CHECKPOINT, AUDIT_HEADS
from addon.archive.signed_documents import DocumentSigner, claimed_key
from addon.archive.store import Store
from addon.errors import NotStored, Tampered, UnreadableDocument

State = Literal["genuine", "unsigned", "bad", "missing"]


class EventFinding(NamedTuple):
    """One event: the key of its object, or its chain and number where the key is not known."""

    state: State
    name: str
    reason: str = ""


class _Found(NamedTuple):
    """An event of a chain: its key and digest, and those of the event that it names before it."""

    name: tuple[str, str]
    before: tuple[str, str] | None


@dataclass
class _Chain:
    """The events found of one chain, by number.

    A number has several where the store took an event and the answer was lost: it was given again.
    """

    found: dict[int, list[_Found]] = field(default_factory=dict)
    unwritten: set[int] = field(default_factory=set)
    head: int = 0

    @property
    def last(self) -> int:
        return max(self.head, max(self.found, default=0))


class AccessLogCheck:
    """Goes through every event in a store. `heads` are afterwards those that were found.

    With `now` a checkpoint has to be there, and not to be older than a sweeper leaves one.
    """

    def __init__(
        self,
        store: Store,
        signer: DocumentSigner,
        *,
        known: Mapping[str, int] | None = None,
        now: datetime | None = None,
    ) -> None:
        self._store = store
        self._signer = signer
        self._now = now
        self._chains: dict[str, _Chain] = {}
        for writer, number in (known or {}).items():
            self._chain(writer).head = number

    @property
    def heads(self) -> dict[str, int]:
        """The last number of each chain: kept elsewhere, they prove the end of it later."""
        return {writer: chain.last for writer, chain in sorted(self._chains.items())}

    def run(self) -> Iterator[EventFinding]:
        """A finding for each event that is there, then one for each that is not.

        Raises StoreUnavailable.
        """
        yield from self._read_checkpoint()
        yield from self._read_heads()
        for stat in self._store.list(AUDIT):
            yield self._event(stat.key)
        for writer, chain in sorted(self._chains.items()):
            yield from _faults(writer, chain)

    def _read_checkpoint(self) -> Iterator[EventFinding]:
        try:
            found = access_log_checkpoint.read(self._store, self._signer)
        except NotStored:
            if self._now is not None:
                yield EventFinding("missing", AUDIT_CHECKPOINT, "no sweeper has left a checkpoint")
            return
        except (Tampered, UnreadableDocument) as error:
            yield EventFinding("bad", AUDIT_CHECKPOINT, error.message)
            return
        for writer, number in found.heads.items():
            chain = self._chain(writer)
            chain.head = max(chain.head, number)
        if self._now is not None and self._now - found.at > STALE_AFTER:
            reason = f"a checkpoint since {found.at.isoformat(timespec='seconds')}"
            yield EventFinding("missing", AUDIT_CHECKPOINT, reason)

    def _read_heads(self) -> Iterator[EventFinding]:
        """Before the events: those that are written meanwhile are behind their head."""
        for stat in self._store.list(AUDIT_HEADS):
            try:
                head = self._signer.verified(HEAD_KIND, stat.key, self._store.get(stat.key))
                chain = self._chain(str(head["writer"]))
                chain.head = max(chain.head, int(head["number"]))
                chain.unwritten.update(map(int, head["unwritten"]))
            except (KeyError, ValueError, TypeError):
                yield EventFinding("bad", stat.key, "this head is malformed")
            except (Tampered, NotStored) as error:
                yield EventFinding("bad", stat.key, error.message)

    def _event(self, key: str) -> EventFinding:
        try:
            content = self._store.get(key)
        except (Tampered, NotStored) as error:
            return EventFinding("bad", key, error.message)
        unsigned = claimed_key(content) is None and _is_json(content)
        try:
            document = self._signer.verified(KIND, key, content)
            if unsigned:
                return EventFinding("unsigned", key, "believed until UNSIGNED_CONTROLS_UNTIL")
            if event_chain.FIELD in document:
                self._take(key, document, document[event_chain.FIELD])
        except Tampered as error:
            return EventFinding("unsigned" if unsigned else "bad", key, error.message)
        except (KeyError, ValueError, TypeError):
            return EventFinding("bad", key, "its link is malformed")
        return EventFinding("genuine", key)

    def _take(self, key: str, document: Mapping[str, Any], link: Mapping[str, Any]) -> None:
        chain, number = self._chain(link["writer"]), int(link["number"])
        before = link["before"]
        named = None if before is None else (str(before["key"]), str(before["sha256"]))
        found = _Found((key, event_chain.digest(document)), named)
        chain.found.setdefault(number, []).append(found)
        chain.unwritten.update(map(int, link.get("unwritten", ())))

    def _chain(self, writer: str) -> _Chain:
        return self._chains.setdefault(writer, _Chain())


def _faults(writer: str, chain: _Chain) -> Iterator[EventFinding]:
    """The gaps in a chain, and the events that are not those which the next one names."""
    if not chain.head:
        yield EventFinding("missing", f"{AUDIT_HEADS}{writer}.json", "the head of a chain")
    yield from reversed(list(_faults_backwards(writer, chain)))


def _faults_backwards(writer: str, chain: _Chain) -> Iterator[EventFinding]:
    """The last event first: of several with one number, the one that the next names counts.

    An event after the head that no other names may be one whose answer was lost, and its number
    given again. So it makes no event bad that it does not name; a number without any is missing.
    """
    named: set[tuple[str, str]] = set()
    certain = False
    for number in range(chain.last, 0, -1):
        there = chain.found.get(number, [])
        counts = [each for each in there if each.name in named]
        if number not in chain.unwritten:
            if not there:
                name = min(named)[0] if named else f"{writer}/{number}"
                yield EventFinding("missing", name, f"event {number} of chain {writer}")
            elif named and certain and not counts:
                yield EventFinding("bad", there[0].name[0], "not the event that the next one names")
        standing = counts if named and certain else counts or there
        named = {each.before for each in standing if each.before is not None}
        certain = bool(counts) or number <= chain.head


def _is_json(content: bytes) -> bool:
    try:
        return isinstance(json.loads(content), dict)
    except (ValueError, RecursionError):
        return False
