"""Parses URLs strictly, and checks them against the origins that a kind of request may go to.

Check and connection use the same parse. A URL that two parsers could read in two ways is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from addon.errors import OutboundRefused, SettingsError

_DEFAULT_PORTS = {"http": 80, "https": 443}
_URL = re.compile(
    r"(https?)://([^/?#\\]+)((?:[/?][!\"$-\[\]-~]*)?)(?:#[!-~]*)?", re.IGNORECASE | re.ASCII
)
_AUTHORITY = re.compile(
    r"(?:\[([0-9a-f:.]+)\]|([a-z0-9_-]+(?:\.[a-z0-9_-]+)*))(?::([0-9]{1,5}))?",
    re.IGNORECASE | re.ASCII,
)
_NAME = re.compile(r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)+")


class Origin(NamedTuple):
    """Scheme, host and port (RFC 6454): credentials for one origin are not sent to another."""

    scheme: str
    host: str
    port: int

    @property
    def host_header(self) -> str:
        """The host as the Host header has it: with the port where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host_header}"


class Target(NamedTuple):
    """A parsed absolute URL; `path` keeps every byte of path and query as given."""

    origin: Origin
    path: str


def split(url: str) -> Target:
    """Parse an absolute http(s) URL; user names, blanks, backslashes, non-ASCII are refused.

    Raises OutboundRefused; its message never holds the URL.
    """
    whole = _URL.fullmatch(url)
    authority = whole and _AUTHORITY.fullmatch(whole[2])
    if not whole or not authority:
        raise OutboundRefused("not an absolute http or https URL that may be asked")
    scheme = whole[1].lower()
    port = int(authority[3] or _DEFAULT_PORTS[scheme])
    if not 0 < port < 65536:
        raise OutboundRefused("the URL's port does not exist")
    path = whole[3] if whole[3].startswith("/") else "/" + whole[3]
    return Target(Origin(scheme, (authority[1] or authority[2]).lower(), port), path)


class Origins:
    """The origins one kind of request may go to (spec/interfaces 3).

    `api.twilio.com` and `*.twilio.com` stand for https on port 443 at public addresses; the star is
    one or more labels. An entry with a scheme, as `http://127.0.0.1:9000`, is compared exactly, and
    only such an entry admits http, another port or a private address. A wrong entry raises
    SettingsError with the name given as `setting`.
    """

    def __init__(self, entries: Iterable[str], *, setting: str = "allowed hosts") -> None:
        self._setting = setting
        self._exact: set[Origin] = set()
        self._names: set[str] = set()
        self._suffixes: set[str] = set()
        for entry in filter(None, map(str.strip, entries)):
            self._add(entry)

    def admits(self, url: str) -> bool:
        """True where a request may go to this URL; never raises."""
        try:
            return self.admits_origin(split(url).origin)
        except OutboundRefused:
            return False

    def admits_origin(self, origin: Origin) -> bool:
        """True where scheme, host and port are allowed; the address is checked when it is known."""
        if self.is_exact(origin):
            return True
        if (origin.scheme, origin.port) != ("https", 443):
            return False
        labels = origin.host.split(".")
        parents = (".".join(labels[i:]) for i in range(1, len(labels)))
        return origin.host in self._names or any(parent in self._suffixes for parent in parents)

    def is_exact(self, origin: Origin) -> bool:
        """True where an entry names this very origin, which may then have a private address."""
        return origin in self._exact

    def _add(self, entry: str) -> None:
        name = entry.lower()
        if "://" in entry:
            self._exact.add(self._exact_origin(entry))
        elif not _NAME.fullmatch(name):
            raise SettingsError(f"{self._setting}: {entry!r} is no host, *.host or scheme://host")
        elif name.startswith("*."):
            self._suffixes.add(name.removeprefix("*."))
        else:
            self._names.add(name)

    def _exact_origin(self, entry: str) -> Origin:
        try:
            target = split(entry)
        except OutboundRefused:
            raise SettingsError(
                f"{self._setting}: {entry!r} is no origin such as https://host:port"
            ) from None
        if target.path != "/":
            raise SettingsError(f"{self._setting}: {entry!r} must end after host and port")
        return target.origin
