"""Transport adapter for `requests` that connects to checked addresses only.

A Session is not used: the session would read proxies, authorities and netrc from the environment,
keep cookies, and follow redirects by rules of its own.
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Sequence
from email.errors import MissingHeaderBodySeparatorDefect
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Retry
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from addon.errors import OutboundUnavailable
from addon.outbound.origins import Target
from addon.outbound.total_timeout import TotalTimeout


class PinnedAdapter(HTTPAdapter):
    """Sends one request to one target at the given addresses, in the clear where `tls` is None."""

    def __init__(
        self,
        target: Target,
        addresses: Sequence[str],
        tls: ssl.SSLContext | None,
        timeout: TotalTimeout,
    ) -> None:
        super().__init__(max_retries=Retry(False))
        name, port = target.origin.host, target.origin.port
        own: dict[str, Any] = {"target": target, "addresses": addresses, "total_timeout": timeout}
        if tls is None:
            self._pool = HTTPConnectionPool(name, port, **own)
            self._pool.ConnectionCls = _PinnedHTTP
        else:
            own |= {"ssl_context": tls, "server_hostname": name}
            self._pool = HTTPSConnectionPool(name, port, **own)
            self._pool.ConnectionCls = _PinnedHTTPS

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
        target: Target,
        addresses: Sequence[str],
        total_timeout: TotalTimeout,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._target = target
        self._addresses = addresses
        self._total_timeout = total_timeout

    def connect(self) -> None:
        """Connect. Raises OutboundUnavailable, which urllib3 and requests do not catch."""
        name, failure = self._target.origin.host, None
        for address in self._addresses:
            self._total_timeout.check(name)
            self.host = address
            try:
                super().connect()
            except (HTTPError, OSError) as error:
                failure = error
                continue
            self._total_timeout.guard(self.sock)
            return
        reason = type(failure).__name__ if failure else "no address"
        raise OutboundUnavailable(f"{name} cannot be reached ({reason})") from failure

    def putrequest(self, method: str, url: str, *args: Any, **options: Any) -> None:  # noqa: ARG002
        """Begin the request with the target as it came, as a signed URL must leave: urllib3's pool
        has rewritten the percent-encodings of `url`."""
        super().putrequest(method, self._target.path, *args, **options)


class _PinnedHTTPS(_PinnedHTTP, HTTPSConnection):
    """The same over TLS; server name and certificate are those of the name, not of the address."""
