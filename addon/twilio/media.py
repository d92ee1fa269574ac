"""Downloads a recording from a temporary or a REST address (spec/protocol 1.10, 4.3).

A download gives every byte of what may be audio, or raises. An error page is not taken for a
recording, and is asked for again like one that is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

from addon.audio.sniffing import HEAD_BYTES, describe, is_document
from addon.errors import OriginRefused, SourceGone, SourceRefused, SourceUnavailable
from addon.outbound import Outbound, Response, Timeouts, errors_as
from addon.twilio.rest import TwilioApi

RETRY_DELAYS_S: tuple[float, ...] = (1, 2, 5, 10, 30, 60, 120)
"""Seconds to wait for media that is not there yet, before the job is parked (spec/protocol 4.3)."""

MAX_MEDIA_BYTES = 4 * 1024**3
"""The largest size that a RIFF header can have."""

MEDIA_TIMEOUTS = Timeouts(connect=5, read=30, total=3600)
"""A long recording is analysed while it is read, so the whole may take long; no pause may."""

_BUSY = frozenset({408, 425, 429})


@dataclass(frozen=True)
class Media:
    """A download in progress; `length` in bytes where the host gave it.

    `blocks` can be read once; it raises SourceUnavailable where the bytes end too early.
    """

    content_type: str | None
    length: int | None
    blocks: Iterator[bytes]


@contextmanager
def fetch(
    url: str,
    *,
    outbound: Outbound,
    attempt: int = 0,
    api: TwilioApi | None = None,
    fallback_url: str | None = None,
    limit: int = MAX_MEDIA_BYTES,
) -> Iterator[Media]:
    """One try at a download; the caller waits as SourceUnavailable says and counts `attempt` up.

    All bytes are handed on, ciphertext too; but a document or an empty body means that there is no
    recording yet, and is tried again like a 404. `fallback_url`
    is asked where the host answers 400: dual-channel audio that does not exist. Our credentials go
    along only where the address is Twilio's API. Raises SourceUnavailable, SourceGone once the
    delays have ended, SourceRefused.
    """
    urls = [url] if fallback_url is None else [url, fallback_url]
    for each in urls:
        credentials = api.credentials_for(each) if api else None
        with (
            errors_as(SourceRefused, SourceUnavailable),
            _naming_the_origin(),
            outbound.open(
                "GET", each, credentials=credentials, timeouts=MEDIA_TIMEOUTS
            ) as response,
        ):
            if response.status == 400 and each != urls[-1]:
                continue
            _check_status(response, attempt)
            yield _media(response, attempt, limit)
            return


@contextmanager
def _naming_the_origin() -> Iterator[None]:
    """Raise SourceRefused with the origin that is not allowed."""
    try:
        yield
    except OriginRefused as error:
        raise SourceRefused(error.message, origin=error.origin) from error


def _check_status(response: Response, attempt: int) -> None:
    """Let 200 pass, the only status with a recording (spec/protocol 4.3); raises as `fetch`."""
    status = response.status
    said = f"{response.origin.host} answered {status}"
    if status == 200:
        return
    if status in _BUSY or status >= 500:
        raise SourceUnavailable(said, retry_after=response.retry_after)
    if status == 410 or not 400 <= status < 500:
        raise SourceGone(said)
    raise _not_yet(said, attempt)


def _not_yet(said: str, attempt: int, remedy: str | None = None) -> SourceUnavailable | SourceGone:
    if attempt < len(RETRY_DELAYS_S):
        return SourceUnavailable(said, retry_after=RETRY_DELAYS_S[attempt])
    return SourceGone(f"{said}, after {attempt + 1} tries", remedy=remedy)


def _media(response: Response, attempt: int, limit: int) -> Media:
    length = response.length
    blocks = _blocks(response, limit)
    head = b""
    for block in blocks:
        head += block
        if len(head) >= HEAD_BYTES:
            break
    if not head:
        raise _not_yet(f"{response.origin.host} sent nothing", attempt)
    if is_document(head):
        said = f"{response.origin.host} sent {describe(head)} instead of a recording"
        raise _not_yet(said, attempt, "See what the URL gives: it must be the recording itself.")
    return Media(response.headers.get("Content-Type"), length, chain([head], blocks))


def _blocks(response: Response, limit: int) -> Iterator[bytes]:
    with errors_as(SourceRefused, SourceUnavailable):
        yield from response.blocks(limit)
