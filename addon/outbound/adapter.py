"""Transport adapter for `requests` that connects to checked addresses only.

A Session is not used: the session would read proxies, authorities and netrc from the environment,
keep cookies, and follow redirects by rules of its own.
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.errors import MissingHeaderBodySeparatorDefect
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Retry
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.response import HTTPResponse

from addon.errors import OutboundUnavailable
from addon.outbound.origins import Target
from addon.outbound.total_timeout import TotalTimeout

REST_BYTES = 4096
"""Of an answer's body that are read for the sake of its connection, if they have come already."""

REST_S = 0.05
"""Seconds that they may take: whoever wants no more than the status does not wait for the rest."""


@dataclass
class _Exchange:
    """The request that an adapter sends now: its target, checked addresses and time limit."""

    target: Target
    addresses: Sequence[str]
    timeout: TotalTimeout
    connection: _PinnedHTTP | None = None
    reached: str = ""
    """The address of the connection."""


class PinnedAdapter(HTTPAdapter):
    """Sends requests to one origin, one after another, in the clear where `tls` is None.

    Each has its own checked addresses, and a connection to another address is not used for it.
    """

    def __init__(
        self,
        target: Target,
        addresses: Sequence[str],
        tls: ssl.SSLContext | None,
        timeout: TotalTimeout,
    ) -> None:
        super().__init__(max_retries=Retry(False))
        name, port = target.origin.host, target.origin.port
        self._exchange = _Exchange(target, addresses, timeout)
        own: dict[str, Any] = {"exchange": self._exchange}
        if tls is None:
            self._pool = HTTPConnectionPool(name, port, **own)
            self._pool.ConnectionCls = _PinnedHTTP
        else:
            own |= {"ssl_context": tls, "server_hostname": name}
            self._pool = HTTPSConnectionPool(name, port, **own)
            self._pool.ConnectionCls = _PinnedHTTPS

    def begin(self, target: Target, addresses: Sequence[str], timeout: TotalTimeout) -> bool:
        """Take another request to the same origin; False where its connection is to none of these
        addresses."""
        exchange, connection = self._exchange, self._exchange.connection
        if connection is None or connection.sock is None or exchange.reached not in addresses:
            return False
        exchange.target, exchange.addresses, exchange.timeout = target, addresses, timeout
        timeout.guard(connection.sock)
        return True

    def finish(self, answer: HTTPResponse) -> bool:
        """End a request; True if its connection is open and nothing of the answer is left on it."""
        connection = self._exchange.connection
        if connection is None or connection.sock is None:
            return False
        rest = answer.length_remaining
        if rest is not None and rest <= REST_BYTES:  # none as well: only a read ends the answer
            connection.sock.settimeout(REST_S)  # the next request sets its own
            try:
                answer.read1(REST_BYTES)
            except (HTTPError, OSError):
                return False
        answer.release_conn()
        self._exchange.timeout.release()
        return bool(answer.closed)

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> HTTPConnectionPool:
        """The pool of the one connection."""
        return self._pool

    def cert_verify(self, *_: Any, **__: Any) -> None:
        """Leave the authorities to the TLS context: certifi's would be added to them."""

    def close(self) -> None:
        """Close the connection. A response that is not read to its end is closed by itself."""
        super().close()
        self._pool.close()


class _WholeHead(http.client.HTTPResponse):
    """A response whose headers can all be read: a lost Content-Length would hide a lost body.

    Without it urllib3 would carry on, and write the URL with its query to the log.
    """

    def begin(self) -> None:
        """Read status and headers. Raises HTTPException for headers that do not end."""
        super().begin()
        if any(isinstance(each, MissingHeaderBodySeparatorDefect) for each in self.msg.defects):
            raise http.client.HTTPException("malformed headers")


class _PinnedHTTP(HTTPConnection):
    """A connection to the first of some addresses that answers; sends a target as it was given."""

    response_class = _WholeHead

    def __init__(
        self,
        *,
        exchange: _Exchange,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._exchange = exchange

    def connect(self) -> None:
        """Connect. Raises OutboundUnavailable, which urllib3 and requests do not catch."""
        exchange = self._exchange
        name, failure = exchange.target.origin.host, None
        for address in exchange.addresses:
            exchange.timeout.check(name)
            self.host = address
            try:
                super().connect()
            except (HTTPError, OSError) as error:
                failure = error
                continue
            exchange.timeout.guard(self.sock)
            exchange.connection, exchange.reached = self, address
            return
        reason = type(failure).__name__ if failure else "no address"
        raise OutboundUnavailable(f"{name} cannot be reached ({reason})") from failure

    def putrequest(self, method: str, url: str, *args: Any, **options: Any) -> None:  # noqa: ARG002
        """Begin the request with the target as it came, as a signed URL must leave: urllib3's pool
        has rewritten the percent-encodings of `url`."""
        super().putrequest(method, self._exchange.target.path, *args, **options)


class _PinnedHTTPS(_PinnedHTTP, HTTPSConnection):
    """The same over TLS; server name and certificate are those of the name, not of the address."""
