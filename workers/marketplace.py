"""The handler of Marketplace requests: an invocation, and a callback that waits for its result.

Twilio fails a request ten times its length after it came (spec/protocol 1.8). Its recording comes
with it, or from a temporary URL; its result must never go anywhere but to the callback it named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, cast

from addon.archive.archive import Archive
from addon.call_facts import Facts, gathered
from addon.errors import OutboundRefused
from addon.outbound import Credentials, KeptConnections, Origins, Outbound, split
from addon.requests import scheduling
from addon.requests.intake_store import IntakeRecord
from addon.requests.request import Request
from addon.requests.results import StoredResult
from addon.settings import Settings
from addon.twilio import callback
from addon.twilio.call_sources import of_invocation
from addon.twilio.invocation import Invocation
from addon.twilio.rest import is_twilio
from addon.twilio.trimming import trim
from workers import source

_kept: KeptConnections | None = None
"""Connections to callback hosts, in a process that sends many results."""

GIVE_UP_FLOOR_S = 600.0
"""A result is sent again for at least this long: a failure may have no duration to go by."""


def keep_connections() -> None:
    """Keep connections to callback hosts open in this process, which must not fork any more."""
    global _kept
    _kept = KeptConnections()


class MarketplaceHandler:
    """Fetches an invocation's recording, and POSTs its result to the callback it named."""

    waits_for_source = False

    def read(self, document: str) -> Request:
        """The request of an invocation."""
        return Request.marketplace(Invocation.from_json(document))

    def audio(
        self, settings: Settings, request: Request, intake: IntakeRecord, tries: int
    ) -> AbstractContextManager[Iterator[bytes]]:
        """The recording. Raises as `source.recording`."""
        return source.recording(settings, intake, Invocation.from_json(request.document), tries)

    as_received = audio

    def ask_call(self, settings: Settings, request: Request) -> Callable[[], Facts]:
        """The facts that the invocation carries; the call is in the customer's account, which we
        may not ask. Never raises."""
        fields = Invocation.from_json(request.document).configuration
        return lambda: gathered(settings.call_facts, *of_invocation(fields))

    def send(self, settings: Settings, request: Request, answer: dict[str, Any]) -> str:
        """POST the answer once: "delivered", or "skipped" where no callback was given.

        Raises CallbackClosed, CallbackUnavailable, CallbackUnauthorised.
        """
        url = Invocation.from_json(request.document).callback
        if not url:
            return "skipped"
        callback.post_result(
            url,
            trim(answer),
            outbound=Outbound(_callback_hosts(settings), kept=_kept),
            credentials=credentials(settings, request.tenant, url),
            style=style(settings, request.tenant),
        )
        return "delivered"

    def host(self, settings: Settings, request: Request) -> str:
        """The callback's, where it is one that may be asked."""
        url = Invocation.from_json(request.document).callback
        return str(split(url).origin) if url and _callback_hosts(settings).admits(url) else ""

    def when_safe(
        self,
        _archive: Archive,
        _settings: Settings,
        _request: Request,
        _result: StoredResult | None,
    ) -> None:
        """Nothing: a temporary URL ends by itself."""

    def give_up_at(self, request: Request, seconds: float) -> float:
        """With Twilio's own deadline, but never sooner than GIVE_UP_FLOOR_S."""
        received = request.received_at.timestamp()
        return max(scheduling.deadline(received, seconds), received + GIVE_UP_FLOOR_S)


def credentials(settings: Settings, tenant: str, url: str) -> list[Credentials]:
    """Credentials for a callback: the install's, the origin's, then the account's (spec/protocol
    1.8).

    The account's auth token signs every request, so it goes to Twilio's own hosts alone. Over http
    goes a pair only if its entry names that very http origin. Raises SettingsError for an entry of
    CALLBACK_CREDENTIALS that is neither an install nor an origin.
    """
    try:
        origin = split(url).origin
    except OutboundRefused:
        return []  # the request itself is refused next, with its reason
    found: list[str] = []
    for entry, pair in settings.callback_credentials.items():
        if entry == tenant and origin.scheme == "https":
            found.insert(0, pair)
        elif not _is_install(entry) and _credentials_entry(entry).admits_origin(origin):
            found.append(pair)
    given = [Credentials(name, secret) for name, _, secret in (p.partition(":") for p in found)]
    if is_twilio(origin):
        given.append(Credentials(settings.twilio_account_sid, settings.twilio_auth_token))
    return given


def check_hosts(settings: Settings) -> None:
    """Raises SettingsError for a wrong entry of MEDIA_HOSTS, CALLBACK_HOSTS, WEBHOOK_HOSTS
    or CALLBACK_CREDENTIALS."""
    Origins(settings.media_hosts, setting="MEDIA_HOSTS")
    _callback_hosts(settings)
    Origins(settings.webhook_hosts, setting="WEBHOOK_HOSTS")
    for entry in settings.callback_credentials:
        if not _is_install(entry):
            _credentials_entry(entry)


def _is_install(entry: str) -> bool:
    return entry.startswith("XD") and "." not in entry


def _credentials_entry(entry: str) -> Origins:
    return Origins([entry], setting="CALLBACK_CREDENTIALS")


def style(settings: Settings, tenant: str) -> callback.Style:
    """The form of the callback's body: the install's, else the default (spec/protocol 1.8)."""
    styles = settings.callback_style
    return cast(callback.Style, styles.get(tenant, styles[""]))


def _callback_hosts(settings: Settings) -> Origins:
    return Origins(settings.callback_hosts, setting="CALLBACK_HOSTS")
