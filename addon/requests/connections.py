"""Connections to Redis: the web's gives up at once, a worker's is patient (spec/runtime 3.3).

Both believe only the server that was meant: by its certificate's fingerprint where the URL names
one (`tls_fingerprints`), and a Unix socket only where no other user can have put it.
"""

from __future__ import annotations

import hashlib
import os
import socket
import ssl
import stat
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry


def web_connection(url: str) -> redis.Redis:
    """A pool that gives up within half a second, so that the web can still say 503."""
    pool = redis.BlockingConnectionPool.from_url(
        url,
        max_connections=32,
        timeout=0.25,
        socket_timeout=0.4,
        health_check_interval=30,
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        **_options(url, connect_s=0.25),
    )
    return redis.Redis(connection_pool=pool)


def worker_connection(url: str) -> redis.Redis:
    """A patient connection: a restarted Redis is ridden out, a vanished one ends the process."""
    return redis.Redis.from_url(
        url,
        socket_timeout=10,
        health_check_interval=30,
        retry=Retry(ExponentialBackoff(cap=1, base=0.1), 8),
        **_options(url, connect_s=2),
    )


def _options(url: str, *, connect_s: float) -> dict[str, Any]:
    """Options for the connections of a URL's kind: their class, and how long they try."""
    if url.startswith("unix:"):
        # A Unix socket connects at once or not at all; redis-py takes no time for it.
        return {"connection_class": OwnSocketConnection}
    options: dict[str, Any] = {"socket_connect_timeout": connect_s}
    if "tls_fingerprints" in parse_qs(urlsplit(url).query):
        options["connection_class"] = PinnedConnection
    return options


class PinnedConnection(redis.SSLConnection):
    """A TLS connection to a server with one of the certificates of `tls_fingerprints`.

    These are SHA-256 in hexadecimal with commas between. Nothing else of a certificate is looked
    at: it may be signed by nobody, expired, or for another name.
    """

    def __init__(self, *, tls_fingerprints: str, **options: Any) -> None:
        super().__init__(**{**options, "ssl_cert_reqs": "none", "ssl_check_hostname": False})
        self._fingerprints = tls_fingerprints.replace(":", "").lower().split(",")

    def _wrap_socket_with_ssl(self, sock: socket.socket) -> ssl.SSLSocket:
        """The handshake: redis-py sends the password only afterwards. Raises ConnectionError."""
        wrapped: ssl.SSLSocket = super()._wrap_socket_with_ssl(sock)  # type: ignore[no-untyped-call]
        certificate = wrapped.getpeercert(binary_form=True) or b""
        if hashlib.sha256(certificate).hexdigest() not in self._fingerprints:
            wrapped.close()
            raise RedisConnectionError("its certificate is none of REDIS_TLS_FINGERPRINTS")
        return wrapped


class OwnSocketConnection(redis.UnixDomainSocketConnection):
    """A connection to a Unix socket that no other user can have put in the place of ours."""

    def _connect(self) -> socket.socket:
        """Raises ConnectionError where another user could listen instead of our server."""
        check_folder(Path(self.path).parent)
        connected: socket.socket = super()._connect()  # type: ignore[no-untyped-call]
        return connected


def check_folder(folder: Path) -> None:
    """Raises ConnectionError for a folder that another user has put where everybody may, as /tmp.

    The folder of a server of the machine, as /run/redis, is another user's too, but root's to make.
    """
    try:
        owner, beside = folder.stat().st_uid, folder.parent.stat().st_mode
    except OSError as error:
        raise RedisConnectionError(f"its socket's folder: {error.strerror}") from None
    if owner not in {0, os.geteuid()} and beside & stat.S_IWOTH:
        raise RedisConnectionError("its socket lies in a folder of another user")
