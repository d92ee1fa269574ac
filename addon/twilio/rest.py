"""Where Twilio's own services are, and who we are there.

Every REST, IAM and TaskRouter address is made here, so that one setting moves them all; our
credentials must never go to any other place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from addon.errors import OutboundRefused
from addon.outbound import Credentials, Origins, split

_API_HOST = re.compile(r"api(?:\.[a-z0-9-]+)*\.twilio\.com", re.ASCII)

FORM = "application/x-www-form-urlencoded"


class TwilioApi:
    """Addresses and credentials of one account.

    With `base_url` every service is at that base, with unchanged paths; `realm` is the region part
    of a host such as `iam.ie1.twilio.com`. `key_sid` and `key_secret` of an API key are preferred
    to the account's token (protocol 4.3).
    """

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        *,
        key_sid: str = "",
        key_secret: str = "",
        base_url: str | None = None,
        realm: str | None = None,
    ) -> None:
        self.account_sid = account_sid
        self.credentials = (
            Credentials(key_sid, key_secret) if key_secret else Credentials(account_sid, auth_token)
        )
        self._base_url = base_url.rstrip("/") if base_url else None
        self._realm = realm

    def origins(self, media_hosts: tuple[str, ...] = ()) -> Origins:
        """Twilio's own hosts, or the base that stands for them, and what else is given."""
        own = str(split(self._base_url).origin) if self._base_url else "*.twilio.com"
        return Origins([*media_hosts, own], setting="MEDIA_HOSTS")

    def url(self, service: str, path: str, query: Mapping[str, str | int] | None = None) -> str:
        """The address of a path of `api`, `iam`, `taskrouter`, …; path starts with a slash."""
        labels = [service, *([self._realm] if self._realm else []), "twilio.com"]
        base = self._base_url or f"https://{'.'.join(labels)}"
        return f"{base}{path}?{urlencode(query)}" if query else base + path

    def moved(self, url: str) -> str:
        """A URL that Twilio gave, at the base where one is set; others come back unchanged."""
        target = split(url)
        if self._base_url and _is_api(target.origin.scheme, target.origin.host, target.origin.port):
            return self._base_url + target.path
        return url

    def credentials_for(self, url: str) -> Credentials | None:
        """Our credentials where the URL is Twilio's API itself, else None; never raises."""
        try:
            origin = split(url).origin
        except OutboundRefused:
            return None
        if self._base_url:
            return self.credentials if origin == split(self._base_url).origin else None
        return self.credentials if _is_api(origin.scheme, origin.host, origin.port) else None


def _is_api(scheme: str, host: str, port: int) -> bool:
    return (scheme, port) == ("https", 443) and bool(_API_HOST.fullmatch(host))
