"""Addresses of Twilio's services, the account's credentials, and single calls with them.

Every REST, IAM and TaskRouter address is made here, so that one setting moves them all. The
credentials go to no other address.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import urlencode

from addon.errors import OutboundRefused, TwilioUnavailable
from addon.outbound import (
    Credentials,
    Origin,
    Origins,
    Outbound,
    Response,
    Timeouts,
    errors_as,
    split,
)
from addon.settings import Settings

MAX_DOCUMENT_BYTES = 16 * 1024 * 1024
"""A page of a thousand recordings has about one megabyte."""

REST_TIMEOUTS = Timeouts(connect=5, read=15, total=30)
"""Twilio answers in well under a second; a job does better to try again than to wait longer."""

BUSY_PAUSE_S = 0.5
"""Between two tries of what is busy and does not say for how long."""

_API_HOST = re.compile(r"api(?:\.[a-z0-9-]+)*\.twilio\.com", re.ASCII)
_FORM = "application/x-www-form-urlencoded"


class TwilioApi:
    """Addresses and credentials of one account.

    With `base_url` every service is at that base, with unchanged paths; `realm` is the region part
    of a host such as `iam.ie1.twilio.com`. `key_sid` and `key_secret` of an API key are preferred
    to the account's token (spec/protocol 4.3).
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

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Twilio's services as this deployment reaches them."""
        return cls(
            settings.twilio_account_sid,
            settings.twilio_auth_token,
            key_sid=settings.twilio_api_key,
            key_secret=settings.twilio_api_secret,
            base_url=settings.twilio_base_url,
            realm=settings.twilio_realm,
        )

    def origins(self, media_hosts: tuple[str, ...] = ()) -> Origins:
        """Twilio's own hosts, or the base that stands for them, and what else is given."""
        own = str(split(self._base_url).origin) if self._base_url else "*.twilio.com"
        return Origins([*media_hosts, own], setting="MEDIA_HOSTS")

    def url(self, service: str, path: str, query: Mapping[str, str] | None = None) -> str:
        """The address of a path of `api`, `iam`, `taskrouter`, …; path starts with a slash."""
        labels = [service, *([self._realm] if self._realm else []), "twilio.com"]
        base = self._base_url or f"https://{'.'.join(labels)}"
        return f"{base}{path}?{urlencode(query)}" if query else base + path

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


def is_twilio(origin: Origin) -> bool:
    """True for twilio.com and the hosts below it, by https on its usual port."""
    is_own = origin.host == "twilio.com" or origin.host.endswith(".twilio.com")
    return is_own and (origin.scheme, origin.port) == ("https", 443)


@dataclass(frozen=True)
class Reply:
    """An answer with a status below 500: the JSON object in it, empty where there was none."""

    status: int
    headers: Mapping[str, str]
    document: Mapping[str, Any]

    def unexpected(self) -> TwilioUnavailable:
        """The error for a status that a call has no use for, with Twilio's own number."""
        code = self.document.get("code")
        return TwilioUnavailable(f"Twilio answered {self.status}, code {code!s:.16}")


class Rest:
    """Calls to Twilio's services with the account's credentials; no state, safe to share."""

    def __init__(self, api: TwilioApi, outbound: Outbound) -> None:
        self.api = api
        self.outbound = outbound

    def call(
        self,
        method: str,
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        document: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeouts: Timeouts = REST_TIMEOUTS,
    ) -> Reply:
        """One request to a URL of `api.url`, with a form or a JSON document.

        Raises TwilioUnavailable for 429, 5xx, a broken connection or a 2xx that is no JSON object;
        every other status is left to the caller.
        """
        kind, body = _body(form, document)
        with (
            errors_as(TwilioUnavailable, TwilioUnavailable),
            self.outbound.open(
                method,
                url,
                headers={**kind, **(headers or {})},
                body=body,
                credentials=self.api.credentials,
                redirects=0,
                timeouts=timeouts,
            ) as response,
        ):
            return _reply(response)


class BoundedRest(Rest):
    """Calls that are over, all of them together, after so many seconds.

    Within this time what is busy is asked again: its answer is worth no more than that.
    """

    def __init__(self, api: TwilioApi, outbound: Outbound, seconds: float) -> None:
        super().__init__(api, outbound)
        self._ends = time.monotonic() + seconds

    def call(
        self,
        method: str,
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        document: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeouts: Timeouts = REST_TIMEOUTS,
    ) -> Reply:
        """As Rest.call, in the time that is left."""
        while True:
            left = self._left()
            if left <= 0:
                raise TwilioUnavailable("Twilio did not answer in time")
            within = replace(timeouts, total=left)
            try:
                return super().call(
                    method, url, form=form, document=document, headers=headers, timeouts=within
                )
            except TwilioUnavailable as error:
                pause = error.retry_after or BUSY_PAUSE_S
                if pause >= self._left():
                    raise
                time.sleep(pause)

    def _left(self) -> float:
        return self._ends - time.monotonic()


def _body(
    form: Mapping[str, str] | None, document: Mapping[str, Any] | None
) -> tuple[dict[str, str], bytes | None]:
    if form is not None:
        return {"Content-Type": _FORM}, urlencode(form).encode()
    if document is not None:
        return {"Content-Type": "application/json"}, json.dumps(document).encode()
    return {}, None


def _reply(response: Response) -> Reply:
    status = response.status
    if status == 429 or status >= 500:
        raise TwilioUnavailable(
            f"{response.origin.host} answered {status}", retry_after=response.retry_after
        )
    document = response.document(MAX_DOCUMENT_BYTES)
    if document is None and 200 <= status < 300:
        raise TwilioUnavailable(f"{response.origin.host} did not answer in JSON")
    return Reply(status, response.headers, document or {})
