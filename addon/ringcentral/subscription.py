"""Subscription to notifications: created, prolonged, and created anew where it was suspended.

RingCentral suspends it where an answer is slow or not 200 (spec/protocol 7.5), so it is checked
regularly. A notification only hastens what the call log shows anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from addon import log
from addon.errors import NotFound
from addon.ringcentral.api import Api, Caller
from addon.ringcentral.notifications import Notifications

PATH = "/restapi/v1.0/subscription"
WEBHOOK = "/ringcentral/webhook"
"""Behind PUBLIC_URL."""

FILTERS = ("/restapi/v1.0/account/~/telephony/sessions?withRecordings=true",)

EXPIRES_S = 7 * 24 * 3600
"""Prolonged several times a day; a deployment that is gone gets nothing after a week."""

ACTIVE = "Active"

logger = log.get("ringcentral")


@dataclass(frozen=True)
class Subscription:
    """One of ours: its id, and Active, Suspended or Blacklisted."""

    id: str
    status: str
    expires: str | None = None

    @property
    def active(self) -> bool:
        """True while notifications come."""
        return self.status == ACTIVE


class Subscriptions:
    """The subscriptions of one account to one address."""

    def __init__(
        self, api: Api, notifications: Notifications, *, public_url: str, token: str
    ) -> None:
        self._api = api
        self._notifications = notifications
        self._address = public_url + WEBHOOK
        self._token = token

    def ours(self, caller: Caller) -> list[Subscription]:
        """Those to our address, whoever made them. Raises what `Api.get` raises."""
        records = self._api.get(caller, PATH, group="Medium").get("records")
        found = [each for each in records if isinstance(each, dict)] if records else []
        return [_of(each) for each in found if _address(each) == self._address]

    def ensure(self, caller: Caller) -> Subscription:
        """Exactly one that is active, prolonged or new. Raises what `Api.send` raises."""
        active: Subscription | None = None
        for each in self.ours(caller):
            if each.active and active is None:
                active = each
                continue
            if not each.active:
                logger.error("RingCentral had suspended our subscription", alarm=True)
            self._remove(caller, each)
        return self._create(caller) if active is None else self._renew(caller, active)

    def _create(self, caller: Caller) -> Subscription:
        """Make one; RingCentral shakes hands with the webhook before it answers."""
        wanted = {
            "eventFilters": list(FILTERS),
            "deliveryMode": {
                "transportType": "WebHook",
                "address": self._address,
                "verificationToken": self._token,
            },
            "expiresIn": EXPIRES_S,
        }
        with self._notifications.expected_handshake():
            return _of(self._api.send("POST", caller, PATH, wanted, group="Medium"))

    def _renew(self, caller: Caller, active: Subscription) -> Subscription:
        try:
            return _of(self._api.send("POST", caller, f"{PATH}/{active.id}/renew", group="Medium"))
        except NotFound:
            return self._create(caller)

    def _remove(self, caller: Caller, each: Subscription) -> None:
        try:
            self._api.send("DELETE", caller, f"{PATH}/{each.id}", group="Medium")
        except NotFound:
            return


def _of(document: Mapping[str, Any]) -> Subscription:
    expires = document.get("expirationTime")
    return Subscription(
        str(document.get("id", "")),
        str(document.get("status", "")),
        expires if isinstance(expires, str) else None,
    )


def _address(document: Mapping[str, Any]) -> str | None:
    mode = document.get("deliveryMode")
    return mode.get("address") if isinstance(mode, dict) else None
