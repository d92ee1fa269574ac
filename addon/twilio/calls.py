"""Twilio's call resource, read by the official client through the one way out (decision 0307).

The client makes the path and reads the answer; address, credentials, time limits and errors are
those of `rest.Rest`, as of every other call to Twilio.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client

from addon.errors import TwilioUnavailable
from addon.twilio.rest import Rest

_NO_ENVIRONMENT = {"TWILIO_REGION": ""}
"""For the client, which reads variables of its own where it is given none."""

_UNREADABLE = (TwilioException, ValueError, AttributeError, TypeError)
"""The client's errors where an answer is not what it expects."""


@dataclass(frozen=True)
class CallResource:
    """A call as Twilio has it; a call that goes on has no length yet. Values are unchecked."""

    from_: Any
    to: Any
    direction: Any
    started_at: datetime | None
    duration: Any


class _ThroughRest(HttpClient):  # type: ignore[misc]  # it has no types
    """Sends the official client's requests by Rest."""

    def __init__(self, rest: Rest) -> None:
        super().__init__(logging.getLogger("twilio"), is_async=False)
        self._rest = rest

    def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        *_rest: object,
        **_more: object,
    ) -> Response:
        """The answer to one request; its host tells the service. Raises TwilioUnavailable."""
        parts = urlsplit(uri)
        service = (parts.hostname or "").partition(".")[0]
        query = {name: str(value) for name, value in (params or {}).items() if value is not None}
        form = {name: str(value) for name, value in (data or {}).items()}
        url = self._rest.api.url(service, parts.path, query or None)
        reply = self._rest.call(method, url, form=form or None)
        return Response(reply.status, json.dumps(dict(reply.document)), dict(reply.headers))


def fetch(rest: Rest, call_sid: str) -> CallResource | None:
    """The call of a SID; None where Twilio does not know it. Raises TwilioUnavailable."""
    account = rest.api.account_sid
    client = Client(account, "-", http_client=_ThroughRest(rest), environment=_NO_ENVIRONMENT)
    try:
        call = client.api.v2010.accounts(account).calls(call_sid).fetch()
    except TwilioRestException as error:
        if error.status == 404:
            return None
        reason = f"Twilio answered {error.status}, code {error.code}"
        raise TwilioUnavailable(reason) from None
    except _UNREADABLE:
        raise TwilioUnavailable("Twilio's answer is no call") from None
    return CallResource(call._from, call.to, call.direction, call.start_time, call.duration)
