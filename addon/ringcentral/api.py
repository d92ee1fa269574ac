"""Calls to RingCentral with a user's token: counted against its limits, sent, and checked.

The meaning of an answer's status is decided here, for pages, playback and archiving alike. A token
goes to RingCentral's own hosts only, and to no other after a redirect.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from addon.errors import (
    Forbidden,
    NotFound,
    OutboundRefused,
    OutboundUnavailable,
    RingCentralUnavailable,
    Unauthenticated,
)
from addon.outbound import Bearer, Outbound, Response, Timeouts
from addon.ringcentral.hosts import Hosts
from addon.ringcentral.limits import Group, Limits, pause_of

MAX_DOCUMENT_BYTES = 8 * 1024 * 1024
"""A page of a hundred calls with all their legs has less than one megabyte."""

API_TIMEOUTS = Timeouts(connect=3, read=10, total=20)


@dataclass(frozen=True)
class Caller:
    """An access token, and the user whose requests are counted."""

    token: str = field(repr=False)
    user: str


class Api:
    """Calls to RingCentral; no state of its own, safe to share."""

    def __init__(self, hosts: Hosts, outbound: Outbound, limits: Limits) -> None:
        self.hosts = hosts
        self._outbound = outbound
        self._limits = limits

    def get(
        self,
        caller: Caller,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        group: Group,
    ) -> dict[str, Any]:
        """The JSON object at a path. Raises what `check_status` raises."""
        with self.open(caller, self.hosts.url(path, query), group=group) as response:
            return _document(response)

    def send(
        self,
        method: str,
        caller: Caller,
        path: str,
        document: Mapping[str, Any] | None = None,
        *,
        group: Group,
    ) -> dict[str, Any]:
        """Send a JSON document with POST, PUT or DELETE; the object in the answer, if any."""
        body = None if document is None else json.dumps(document).encode()
        kind = {"Content-Type": "application/json"} if body else {}
        with self.open(
            caller, self.hosts.url(path), method=method, headers=kind, body=body, group=group
        ) as response:
            return _document(response)

    @contextmanager
    def open(
        self,
        caller: Caller,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        group: Group,
        timeouts: Timeouts = API_TIMEOUTS,
    ) -> Iterator[Response]:
        """A good answer, whose body is still to be read. Raises what `check_status` raises."""
        self._limits.take(caller.user, group)
        with (
            _translated(),
            self._outbound.open(
                method,
                url,
                headers={"Accept": "*/*", **(headers or {})},
                body=body,
                credentials=Bearer(caller.token),
                timeouts=timeouts,
            ) as response,
        ):
            self._limits.learn(caller.user, group, response)
            check_status(response)
            yield response


def check_status(response: Response) -> None:
    """Let a 2xx or 416 pass.

    Raises Unauthenticated, Forbidden, NotFound, RingCentralUnavailable with how long to wait.
    """
    status = response.status
    if 200 <= status < 300 or status == 416:
        return
    if status == 401:
        raise Unauthenticated("RingCentral does not know you any more")
    if status == 403:
        raise Forbidden(
            "Your RingCentral account may not do this",
            remedy="Ask an administrator of your RingCentral account for the right.",
        )
    if status in (404, 410):
        raise NotFound("RingCentral has no such recording")
    raise RingCentralUnavailable(f"RingCentral answered {status}", retry_after=pause_of(response))


def _document(response: Response) -> dict[str, Any]:
    document = response.document(MAX_DOCUMENT_BYTES)
    if document is None or response.status == 416:
        raise RingCentralUnavailable("RingCentral did not answer in JSON")
    return document


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OutboundUnavailable as error:
        raise RingCentralUnavailable(error.message) from error
    except OutboundRefused as error:
        raise Forbidden(
            "RingCentral named an address that is not its own, or sent too much",
            remedy="Tell whoever runs this service; nothing was sent to that address.",
        ) from error
