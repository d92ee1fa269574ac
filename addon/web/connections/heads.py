"""Reads the head of a request: gunicorn's parser, with a quick pass over headers written as usual.

The usual headers are lines of printable ASCII, each a name, a colon and a value, in all no longer
than gunicorn allows one of them to be. Anything else is left to gunicorn's own pass, which is three
times as dear; a test compares the two. What a header means to the framing of a request, and who may
send it, is gunicorn's to say in either case.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from gunicorn.http import Request  # type: ignore[import-untyped]
from gunicorn.http.message import (  # type: ignore[import-untyped]
    RFC9110_5_3_SINGLETON_FIELDS,
    _ip_in_allow_list,
)
from gunicorn.http.unreader import IterUnreader  # type: ignore[import-untyped]

TRUSTED_OR_NOT = 1024
"""Addresses of peers that are remembered."""

POLICED = RFC9110_5_3_SINGLETON_FIELDS | {"EXPECT"}
"""Headers that gunicorn looks at one by one, beside those that tell the scheme and those with an
underscore in their name, which are not usual."""

_USUAL = re.compile(r"(?:[0-9A-Za-z-]+:[ -~]*\r\n)*[0-9A-Za-z-]+:[ -~]*")

Header = tuple[str, str]


class ServerConfig:
    """Gunicorn's configuration, each setting looked up once: a request asks for twenty."""

    def __init__(self, cfg: Any) -> None:
        self._cfg = cfg

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._cfg, name)
        setattr(self, name, value)
        return value


class _Request(Request):  # type: ignore[misc] # gunicorn has no types
    """Gunicorn's request. An address is looked up once among the proxies that it trusts."""

    def parse_headers(self, data: bytes, from_trailer: bool = False) -> list[Header]:
        """The headers, names in capitals. Raises as gunicorn's own."""
        usual = None if from_trailer else self._usual_headers(data)
        if usual is None:
            usual = super().parse_headers(data, from_trailer)
        return usual

    def _usual_headers(self, data: bytes) -> list[Header] | None:
        text = data.decode("latin-1")
        if len(text) + 2 > self.limit_request_field_size or not _USUAL.fullmatch(text):
            return None
        lines = text.split("\r\n")
        if len(lines) > self.limit_request_fields:
            return None
        scheme_headers, forwarder_headers = self._peer_trusted_for_forwarded()
        headers: list[Header] = []
        scheme_seen, seen = [False], set[str]()
        for line in lines:
            name, _, value = line.partition(":")
            header = (name.upper(), value.strip(" "))
            if header[0] in POLICED or header[0] in scheme_headers:
                self._apply_header_policy(
                    *header, scheme_seen, seen, scheme_headers, forwarder_headers
                )
            headers.append(header)
        return headers

    def _peer_is_trusted_proxy(self) -> bool:
        peer = self.peer_addr
        return not isinstance(peer, tuple) or _is_trusted_proxy(self.cfg, peer[0])


@lru_cache(TRUSTED_OR_NOT)
def _is_trusted_proxy(cfg: Any, address: str) -> bool:
    return bool(_ip_in_allow_list(address, cfg.forwarded_allow_ips, cfg.forwarded_allow_networks()))


def parsed(cfg: Any, head: bytes, client: Any) -> Any:
    """The request of a whole head, as gunicorn's parser reads it. Raises what that raises."""
    return _Request(cfg, IterUnreader([head]), client)
