"""Source of a RingCentral recording's bytes: RingCentral, for the service account.

Its token goes to RingCentral's own hosts alone. Its limit of requests may hold a recording up for
long, but never makes it be given up (spec/protocol 7.4).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

from addon import backoff, log
from addon.errors import (
    Forbidden,
    NotFound,
    NotPlayable,
    QueueUnavailable,
    RingCentralUnavailable,
    SettingsError,
    SourceBusy,
    SourceGone,
    SourceUnavailable,
    Unauthenticated,
)
from addon.requests.connections import worker_connection
from addon.ringcentral.call_log import LoggedRecording
from addon.ringcentral.client import RingCentral
from addon.ringcentral.content import Content
from addon.settings import Settings

APPEARS_WITHIN = timedelta(minutes=15)
"""A recording may be listed before its bytes are there (spec/protocol 7.2)."""

SPREAD_S = 60.0
"""So many may wait for the same minute: they come back one after another."""

FIRST_PAUSE_S, MAX_PAUSE_S = 30.0, 3600.0

logger = log.get("ringcentral")


@contextmanager
def recording(
    settings: Settings, found: LoggedRecording, since: datetime, tries: int
) -> Iterator[Iterator[bytes]]:
    """The recording's bytes; `since` is when it was first seen, `tries` counts the failed ones.

    Raises SourceUnavailable, SourceBusy where RingCentral says how long to wait or an operator has
    to give the account a right, SourceGone.
    """
    with (
        closing(worker_connection(settings.redis_url)) as connection,
        _as_source_errors(since, tries),
    ):
        client = RingCentral(settings, connection)
        caller = client.service_account()
        try:
            with closing(Content(client.api, caller, found.content_uri)) as content:
                yield content.read(0, content.length)
        except Unauthenticated:
            client.forget_service_account()
            raise


@contextmanager
def _as_source_errors(since: datetime, tries: int) -> Iterator[None]:
    try:
        yield
    except RingCentralUnavailable as error:
        if error.retry_after is None:
            raise SourceUnavailable(error.message, retry_after=_pause(tries)) from error
        wait = error.retry_after + random.uniform(0.0, SPREAD_S)
        raise SourceBusy(error.message, retry_after=wait) from error
    except NotFound as error:
        if datetime.now(UTC) - since < APPEARS_WITHIN:
            raise SourceUnavailable(error.message, retry_after=60.0) from error
        raise SourceGone(error.message) from error
    except (Forbidden, Unauthenticated, SettingsError) as error:
        logger.error("the service account is refused", reason=error.message, alarm=True)
        raise SourceBusy(error.message, retry_after=300.0) from error
    except (NotPlayable, QueueUnavailable) as error:
        raise SourceUnavailable(error.message, retry_after=_pause(tries)) from error


def _pause(tries: int) -> float:
    """Twice as long each time, so that source.TRIES of them last eighteen hours."""
    return backoff.pause(tries + 1, first_s=FIRST_PAUSE_S, longest_s=MAX_PAUSE_S)
