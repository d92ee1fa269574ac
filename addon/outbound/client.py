"""Requests to other hosts through `requests`, to addresses that were checked.

Redirects are followed here, each checked like the first URL. A name is never resolved twice for one
connection.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urljoin

from requests import Request, RequestException
from urllib3.exceptions import HTTPError
from urllib3.response import HTTPResponse

from addon import backoff
from addon.errors import AddonError, OriginRefused, OutboundRefused, OutboundUnavailable
from addon.outbound.adapter import PinnedAdapter
from addon.outbound.addresses import is_public, resolve
from addon.outbound.kept import KeptConnections
from addon.outbound.origins import Origin, Origins, Target, split
from addon.outbound.total_timeout import TotalTimeout

MAX_REDIRECTS = 5
"""spec/protocol 1.10 asks for no more."""

BLOCK_BYTES = 64 * 1024
"""One read from the network; large enough that the interpreter is not what limits a download."""

USER_AGENT = "recording-analysis-addon"

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True)
class Credentials:
    """A user name and password for HTTP Basic (RFC 7617)."""

    username: str
    password: str = field(repr=False)

    @property
    def header(self) -> str:
        """The value of the Authorization header."""
        pair = f"{self.username}:{self.password}".encode()
        return "Basic " + base64.b64encode(pair).decode("ascii")


@dataclass(frozen=True)
class Bearer:
    """A token for HTTP Bearer (RFC 6750)."""

    token: str = field(repr=False)

    @property
    def header(self) -> str:
        """The value of the Authorization header."""
        return f"Bearer {self.token}"


@dataclass(frozen=True)
class Timeouts:
    """Seconds to connect, between two reads, and for the whole exchange."""

    connect: float = 5.0
    read: float = 15.0
    total: float = 60.0


class Response:
    """A response whose body is still to be read. Valid inside `Outbound.open` only."""

    def __init__(self, raw: HTTPResponse, timeout: TotalTimeout, origin: Origin) -> None:
        self._raw = raw
        self._timeout = timeout
        self.origin = origin
        self.status = raw.status
        self.headers: Mapping[str, str] = raw.headers

    @property
    def length(self) -> int | None:
        """Bytes of the body still to come, by Content-Length; None where it was not sent."""
        return self._raw.length_remaining

    @property
    def retry_after(self) -> float | None:
        """Seconds the host asks to wait (Retry-After), None where it does not."""
        return backoff.retry_after(self.headers, datetime.now(UTC))

    def blocks(self, limit: int) -> Iterator[bytes]:
        """The body as it arrives.

        Raises OutboundRefused past `limit` bytes, OutboundUnavailable where it ends too early for
        its Content-Length or too late for the time given.
        """
        taken = 0
        while block := self._next():
            taken += len(block)
            if taken > limit:
                raise OutboundRefused(f"{self.origin.host} sent more than {limit} bytes")
            yield block

    def read(self, limit: int) -> bytes:
        """The whole body, if it has no more than `limit` bytes; raises as `blocks`."""
        return b"".join(self.blocks(limit))

    def document(self, limit: int) -> dict[str, Any] | None:
        """The JSON object in the body, empty without a body, None for anything else; raises as
        `blocks`."""
        text = self.read(limit)
        try:
            document = json.loads(text) if text else {}
        except (ValueError, RecursionError):
            return None
        return document if isinstance(document, dict) else None

    def _next(self) -> bytes:
        with _translated(self.origin, self._timeout):
            block = self._raw.read1(BLOCK_BYTES)
        self._timeout.check(self.origin.host)
        return block


@contextmanager
def errors_as(refused: type[AddonError], unavailable: type[AddonError]) -> Iterator[None]:
    """Raise a caller's own errors in place of OutboundRefused and OutboundUnavailable."""
    try:
        yield
    except OutboundRefused as error:
        raise refused(error.message) from error
    except OutboundUnavailable as error:
        raise unavailable(error.message) from error


class Outbound:
    """Client for requests to allowed origins; safe to share.

    No state between requests, but for connections in `kept`. `resolver` and `tls` are for tests and
    for networks with a certificate authority of their own.
    """

    def __init__(
        self,
        origins: Origins,
        *,
        timeouts: Timeouts | None = None,
        resolver: Callable[[str, int], list[str]] = resolve,
        tls: ssl.SSLContext | None = None,
        kept: KeptConnections | None = None,
    ) -> None:
        self.origins = origins
        self._timeouts = timeouts or Timeouts()
        self._resolver = resolver
        self._tls = tls
        self._kept = kept

    @contextmanager
    def open(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        credentials: Credentials | Bearer | None = None,
        redirects: int = MAX_REDIRECTS,
        timeouts: Timeouts | None = None,
    ) -> Iterator[Response]:
        """Send a request; its response can be read inside the `with` block.

        Redirects of GET and HEAD are followed, each checked like the first URL; `credentials` are
        dropped for good at the first change of origin. Any other method's redirect is returned as
        it came. Raises OutboundRefused, OutboundUnavailable.
        """
        limits = timeouts or self._timeouts
        with TotalTimeout(limits.total) as timeout:
            for _ in range(redirects + 1):
                target = split(url)
                full = _headers(target.origin, headers, credentials)
                with self._exchange(method, target, full, body, limits, timeout) as response:
                    location = _followed(method, response)
                    if location is None:
                        yield response
                        return
                url = _joined(url, location)
                if split(url).origin != target.origin:
                    credentials = None
        raise OutboundRefused(f"more than {redirects} redirects")

    @contextmanager
    def _exchange(
        self,
        method: str,
        target: Target,
        headers: Mapping[str, str],
        body: bytes | None,
        limits: Timeouts,
        timeout: TotalTimeout,
    ) -> Iterator[Response]:
        addresses = self._addresses(target.origin)
        tls = None if target.origin.scheme == "http" else self._tls or _default_tls()
        kept = self._kept.take(target, addresses, tls, timeout) if self._kept else None
        adapter = kept or PinnedAdapter(target, addresses, tls, timeout)
        with ExitStack() as after:
            after.callback(adapter.close)
            with _translated(target.origin, timeout):
                request = Request(method, str(target.origin), headers, data=body).prepare()
                answer = adapter.send(request, stream=True, timeout=(limits.connect, limits.read))
            with answer:
                yield Response(answer.raw, timeout, target.origin)
                if self._kept and adapter.finish(answer.raw):
                    after.pop_all()
                    self._kept.keep(target, tls, adapter)

    def _addresses(self, origin: Origin) -> list[str]:
        if not self.origins.admits_origin(origin):
            raise OriginRefused(f"{origin} is not an allowed origin", str(origin))
        try:
            addresses = self._resolver(origin.host, origin.port)
        except UnicodeError:
            raise OutboundRefused("the host is no name that can be resolved") from None
        except OSError as error:
            raise OutboundUnavailable(f"{origin.host} cannot be resolved") from error
        if not self.origins.is_exact(origin) and not all(map(is_public, addresses)):
            raise OriginRefused(f"{origin.host} has an address that is not public", str(origin))
        return addresses


@cache
def _default_tls() -> ssl.SSLContext:
    """A context with the system's authorities; made once, as reading them takes tens of ms."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # spec/protocol 1.9
    return context


def _headers(
    origin: Origin, headers: Mapping[str, str] | None, credentials: Credentials | Bearer | None
) -> dict[str, str]:
    # identity: the bytes are counted against Content-Length, and audio does not shrink anyway.
    own = {"Host": origin.host_header, "User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    secret = {"Authorization": credentials.header} if credentials else {}
    return {**own, **(headers or {}), **secret}


def _followed(method: str, response: Response) -> str | None:
    if method not in ("GET", "HEAD") or response.status not in _REDIRECTS:
        return None
    return response.headers.get("Location")


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise OutboundRefused("a redirect leads to no URL") from None


@contextmanager
def _translated(origin: Origin, timeout: TotalTimeout) -> Iterator[None]:
    try:
        yield
    except (RequestException, HTTPError, http.client.HTTPException, OSError, ValueError) as error:
        timeout.check(origin.host)
        # Not chained: what a library says may hold a header of ours or the URL.
        raise OutboundUnavailable(f"{origin.host} broke off ({type(error).__name__})") from None
