"""Finds new recordings in RingCentral's call log; notifications only say where to look first.

A call appears in the log under the moment it began, and after it ended: so the last half hour is
looked at every minute, and longer stretches less often. A look may take several turns, as each
page counts against the account's limit; how far it came is kept. No recording is taken up twice.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, cast

from addon import log, redis_keys
from addon.archive.prefixes import RINGCENTRAL_LOOKED
from addon.errors import AccessError, RingCentralUnavailable, Unauthenticated
from addon.requests import acceptance
from addon.requests.request import Request
from addon.ringcentral import call_log
from addon.ringcentral.api import Caller
from addon.ringcentral.call_log import CallLogPage, LoggedRecording
from addon.ringcentral.client import RingCentral
from addon.ringcentral.notifications import Notifications
from addon.ringcentral.subscription import Subscription, Subscriptions
from addon.settings import Settings
from workers import last_look
from workers.flex_reconcile import is_known
from workers.services import Services

EVERY_S = 60
"""Between two looks: one request of the ten that an account has in a minute."""

SUBSCRIPTION_EVERY_S = 6 * 3600
"""A subscription that was suspended is noticed within this time."""


class Stretch(NamedTuple):
    """A stretch of the log: seconds to look back, and seconds between two looks."""

    back: int
    every: int


STRETCHES = (Stretch(48 * 3600, 6 * 3600), Stretch(4 * 3600, 900), Stretch(1800, EVERY_S))
"""The widest first; whichever is due includes those behind it."""

AWAY_S = 3600
"""After so long without a look, the next one begins where the last ended."""

LONGEST_S = 24 * 3600
"""A call that ended after the last look may have begun this long before it."""

MAX_ASKED = 3
"""Single calls asked about in one turn: each costs as much as a page of a hundred."""

logger = log.get("ringcentral")


@dataclass
class Look:
    """A look through the log from `since` to `until`, at `page`."""

    since: datetime
    until: datetime
    page: int = 1
    sessions: frozenset[str] = frozenset()

    def to_json(self) -> str:
        """For Redis; lost with it, the look begins anew."""
        return json.dumps([self.since.isoformat(), self.until.isoformat(), self.page])

    @classmethod
    def from_json(cls, text: bytes) -> Look:
        """The look that `to_json` of this release or another wrote."""
        since, until, page, *_ = json.loads(text)
        return cls(datetime.fromisoformat(since), datetime.fromisoformat(until), page)


class Poll:
    """The call log of one account, looked through into the intake_store."""

    def __init__(self, services: Services, now: datetime | None = None) -> None:
        self.services = services
        self.now = now or datetime.now(UTC)
        self._redis = services.redis
        self._client = RingCentral(services.settings, services.redis)
        self._notifications = Notifications(services.redis)

    def run(self) -> int:
        """One turn: go on with the look, or begin one; returns how many recordings were new.

        Raises Unavailable, after which the next turn goes on at the same page.
        """
        caller, look, taken = self._client.service_account(), self._look(), 0
        more = True
        while more:
            self._redis.set(redis_keys.RINGCENTRAL_LOOK, look.to_json(), ex=LONGEST_S)
            page = self._page(caller, look)
            taken += self._take_up(page)
            look.sessions |= page.sessions
            look.page, more = look.page + 1, page.more
        self._done(look)
        return taken + self._ask_about_calls(caller, look)

    def forget_service_account(self, error: AccessError) -> None:
        """Have it sign in anew where its token is refused."""
        if isinstance(error, Unauthenticated):
            self._client.forget_service_account()

    def catch_up(self, since: datetime, sleep: Callable[[float], None] = time.sleep) -> int:
        """Everything from `since`, behind all live work; waits as RingCentral asks.

        Raises Unavailable where it does not say for how long.
        """
        look, taken, more = Look(since, self.now), 0, True
        while more:
            try:
                page = self._page(self._client.service_account(), look)
            except RingCentralUnavailable as error:
                if error.retry_after is None:
                    raise
                sleep(error.retry_after)
                continue
            taken += self._take_up(page, catching_up=True)
            look.page, more = look.page + 1, page.more
        return taken

    def _page(self, caller: Caller, look: Look) -> CallLogPage:
        return call_log.page(
            self._client.api, caller, since=look.since, until=look.until, number=look.page
        )

    def _look(self) -> Look:
        """The look that is under way, else the widest that is due."""
        kept = cast("bytes | None", self._redis.get(redis_keys.RINGCENTRAL_LOOK))
        if kept is not None:
            return Look.from_json(kept)
        due = next((each for each in STRETCHES if self._is_due(each)), STRETCHES[-1])
        since, last = self.now - timedelta(seconds=due.back), looked_until(self.services)
        if last is not None and self.now - last > timedelta(seconds=AWAY_S):
            since = min(since, last - timedelta(seconds=LONGEST_S))
        return Look(since, self.now)

    def _is_due(self, stretch: Stretch) -> bool:
        return not self._redis.exists(f"{redis_keys.RINGCENTRAL_LOOKED}{stretch.back}")

    def _done(self, look: Look) -> None:
        """The look is complete: say so for the stretches it held, and in the store for a wide one.

        A narrow one is said in Redis alone: a write a minute would be many.
        """
        for each in STRETCHES:
            if look.since <= look.until - timedelta(seconds=each.back):
                self._redis.set(
                    f"{redis_keys.RINGCENTRAL_LOOKED}{each.back}", 1, ex=each.every - EVERY_S // 2
                )
        if look.since <= look.until - timedelta(seconds=STRETCHES[1].back):
            last_look.record_look(self.services, RINGCENTRAL_LOOKED, look.until)
        self._redis.delete(redis_keys.RINGCENTRAL_LOOK)

    def _ask_about_calls(self, caller: Caller, look: Look) -> int:
        """Calls that were notified and stand in no page of this look: they began earlier."""
        missing = [each for each in self._notifications.watched() if each not in look.sessions]
        taken = 0
        for session in missing[:MAX_ASKED]:
            taken += self._take_up(call_log.conversation(self._client.api, caller, session))
        return taken

    def _take_up(self, page: CallLogPage, *, catching_up: bool = False) -> int:
        return sum(self._accept(each, catching_up) for each in page.recordings)

    def _accept(self, found: LoggedRecording, catching_up: bool) -> bool:
        """Make a request of a recording, unless it was ever one. Raises StoreUnavailable."""
        if is_known(self.services.states, self.services.intake_store, found.sid):
            return False
        logger.info("a recording at RingCentral", recording=found.sid)
        request = Request.ringcentral(found, datetime.now(UTC), catching_up)
        return acceptance.accept(self.services.intake_store, self.services.dispatcher, request)


def poll(services: Services) -> int:
    """The periodic task: one turn. Raises Unavailable."""
    work = Poll(services)
    try:
        return work.run()
    except AccessError as error:
        work.forget_service_account(error)
        logger.error(
            "the service account may not read the call log", reason=error.message, alarm=True
        )
        return 0


def keep_subscribed(services: Services) -> Subscription | None:
    """The periodic task: one active subscription, or an alarm. Raises Unavailable."""
    try:
        return subscribe(services)
    except AccessError as error:
        logger.error("RingCentral takes no subscription", reason=error.message, alarm=True)
        return None


def subscribe(services: Services) -> Subscription:
    """Make sure of the subscription. Raises Unavailable, AccessError, SettingsError."""
    client = RingCentral(services.settings, services.redis)
    return subscriptions(services, client).ensure(client.service_account())


def subscriptions(services: Services, client: RingCentral) -> Subscriptions:
    """Those to this deployment's webhook."""
    settings = services.settings
    return Subscriptions(
        client.api,
        Notifications(services.redis),
        public_url=settings.public_url,
        token=settings.ringcentral_webhook_token or "",
    )


def looked_until(services: Services) -> datetime | None:
    """Time at which the last complete wide look began, None where there was none."""
    return last_look.looked_until(services, RINGCENTRAL_LOOKED)


def poll_every(settings: Settings) -> int:
    """Seconds between two turns; 0 where there is no service account."""
    return EVERY_S if settings.ringcentral_jwt and settings.ringcentral_client_id else 0


def subscribe_every(settings: Settings) -> int:
    """Seconds between two looks at the subscription; 0 where none is wanted."""
    wanted = poll_every(settings) and settings.ringcentral_webhook_token
    return SUBSCRIPTION_EVERY_S if wanted else 0
