"""Reads any range of a recording's bytes at RingCentral, with one user's token.

Length and format come from the first answer, the format from its bytes and never from a declared
type. That answer's body is then used instead of another request, as requests are limited
(spec/protocol 7.4). Bytes are passed on as they arrive and stored nowhere. So an answer in chunks,
which does not say its length, is counted to its end and then asked for again. An answer that does
not fit its own headers raises, so that nothing cut short passes for the whole.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain

from addon.audio.sniffing import HEAD_BYTES, UNKNOWN, describe, is_document, sniff
from addon.errors import NotPlayable, RingCentralUnavailable
from addon.outbound import Response, Timeouts
from addon.ringcentral.api import Api, Caller
from addon.stored_documents import StoredDocument

MAX_BYTES = 4 * 1024**3
"""The largest size that a RIFF header can have."""

CONTENT_TIMEOUTS = Timeouts(connect=5, read=30, total=4 * 3600)
"""A player reads as fast as it plays, so a long call takes long; no pause may."""

_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19})", re.ASCII)


@dataclass(frozen=True)
class Facts(StoredDocument):
    """Length, etag without quotes, and format of a recording's bytes, from the first answer."""

    KIND = "facts of a recording"

    length: int
    etag: str
    format: str


@dataclass
class _Part:
    """An answer that is being read: bytes from `start` on, up to `stop` at most."""

    stack: ExitStack
    content: Iterator[bytes]
    facts: Facts
    start: int
    stop: int

    def blocks(self, start: int, stop: int) -> Iterator[bytes]:
        """Its bytes between `start` and `stop`; closes it, however that ends."""
        with self.stack:
            at = self.start
            for block in self.content:
                wanted = block[max(start - at, 0) : stop - at]
                at += len(block)
                if wanted:
                    yield wanted
                if at > self.stop:
                    raise RingCentralUnavailable("RingCentral sent more than it promised")
                if at >= stop and stop < self.stop:
                    return
            if at < min(stop, self.stop):
                raise RingCentralUnavailable("RingCentral sent less than it promised")


class Content:
    """One recording at `uri`. Close it, or its first answer stays open."""

    def __init__(self, api: Api, caller: Caller, uri: str, known: Facts | None = None) -> None:
        self._api = api
        self._caller = caller
        self._uri = uri
        self._facts = known
        self._first: _Part | None = None

    @property
    def facts(self) -> Facts:
        """Length, etag and format. Raises NotPlayable, and what `Api.open` raises."""
        if self._facts is None:
            self._first = self._ask(0, None)
            self._facts = self._first.facts
        return self._facts

    @property
    def length(self) -> int:
        """Length of the whole in bytes."""
        return self.facts.length

    @property
    def etag(self) -> str:
        """Changes with the bytes, as far as RingCentral says; without quotes."""
        return self.facts.etag

    @property
    def format(self) -> str:
        """The kind of audio that its first bytes are, or unknown."""
        return self.facts.format

    @property
    def seconds(self) -> None:
        """Not known before it is decoded."""
        return

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` up to, not including, `stop`. Raises what `Api.open` raises."""
        at, facts = start, self.facts
        while at < stop:
            part = self._taken_first(at) or self._ask(at, stop)
            if part.facts != facts:
                part.stack.close()
                raise RingCentralUnavailable("the recording changed at RingCentral meanwhile")
            for block in part.blocks(at, stop):
                at += len(block)
                yield block

    def close(self) -> None:
        """Close an answer that nobody read."""
        if self._first is not None:
            self._first.stack.close()
            self._first = None

    def _taken_first(self, start: int) -> _Part | None:
        """The first answer where it begins at `start`; else it is closed."""
        first, self._first = self._first, None
        if first is None or first.start == start:
            return first
        first.stack.close()
        return None

    def _ask(self, start: int, stop: int | None) -> _Part:
        last = "" if stop is None else str(stop - 1)
        with ExitStack() as stack:
            response = stack.enter_context(
                self._api.open(
                    self._caller,
                    self._uri,
                    headers={"Range": f"bytes={start}-{last}"},
                    group="Heavy",
                    timeouts=CONTENT_TIMEOUTS,
                )
            )
            begin, end, length = _extent(response, self._facts)
            if begin > start or end <= start:
                raise RingCentralUnavailable("RingCentral sent another range than was asked for")
            etag = _etag(response, self._uri, length)
            if self._facts is not None:
                facts = replace(self._facts, length=length, etag=etag)
                return _Part(stack.pop_all(), response.blocks(MAX_BYTES), facts, begin, end)
            head, content = _head(response)
            if not head:
                raise RingCentralUnavailable("RingCentral sent no recording")
            if is_document(head):
                raise NotPlayable(f"RingCentral sent {describe(head)} instead of a recording")
            if not length:
                begin = end = length = sum(map(len, content))
                etag = _etag(response, self._uri, length)
            facts = Facts(length, etag, sniff(head) or UNKNOWN)
            return _Part(stack.pop_all(), content, facts, begin, end)


def _extent(response: Response, known: Facts | None) -> tuple[int, int, int]:
    """First byte, the one behind the last, and the length of the whole (RFC 9110 14.4).

    In chunks it is the length that is known, or 0: its last chunk says that it is whole.
    """
    if response.status == 206:
        match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
        if match is None:
            raise RingCentralUnavailable("RingCentral sent a range without saying which")
        first, last, length = map(int, match.groups())
        if first > last or last >= length:
            raise RingCentralUnavailable("RingCentral sent a range that cannot be")
        return first, last + 1, length
    if response.status == 200 and response.length:
        return 0, response.length, response.length
    if response.status == 200 and _is_chunked(response):
        return 0, known.length if known else MAX_BYTES, known.length if known else 0
    raise RingCentralUnavailable("RingCentral sent no recording, or not how long it is")


def _is_chunked(response: Response) -> bool:
    codings = response.headers.get("Transfer-Encoding", "").lower().split(",")
    return codings[-1].strip() == "chunked"


def _etag(response: Response, uri: str, length: int) -> str:
    """RingCentral's own where it is a strong one; else a hash of what changes with the bytes."""
    own = response.headers.get("ETag", "").strip()
    if re.fullmatch(r'"[!#-~]{1,128}"', own):
        return own[1:-1]
    told = f"{uri}\n{length}\n{response.headers.get('Last-Modified', '')}"
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _head(response: Response) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes of an answer, enough to tell what they are, and all of its blocks."""
    blocks = response.blocks(MAX_BYTES)
    head = b""
    for block in blocks:
        head += block
        if len(head) >= HEAD_BYTES:
            break
    return head, chain([head], blocks)
