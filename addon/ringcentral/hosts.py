"""RingCentral's hosts (spec/protocol 7.1), the only ones that its tokens go to.

Production and the sandbox each have a host for calls and one for media. Any other base is taken
exactly as it is written, for tests and proxies; then no other host is connected to.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from addon.outbound import Origins, split

MEDIA_HOSTS = {
    "platform.ringcentral.com": "media.ringcentral.com",
    "platform.devtest.ringcentral.com": "media.devtest.ringcentral.com",
}
"""The media host that belongs to each platform host."""


class Hosts:
    """Hosts that follow from RINGCENTRAL_BASE_URL. Raises OutboundRefused where it is no URL."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")
        origin = split(self._base_url).origin
        media = MEDIA_HOSTS.get(origin.host)
        known = media is not None and (origin.scheme, origin.port) == ("https", 443)
        entries = [origin.host, media or ""] if known else [str(origin)]
        self.origins = Origins(entries, setting="RINGCENTRAL_BASE_URL")

    def url(self, path: str, query: Mapping[str, str] | None = None) -> str:
        """The address of a path such as /restapi/v1.0/account/~/call-log."""
        return f"{self._base_url}{path}?{urlencode(query)}" if query else self._base_url + path
