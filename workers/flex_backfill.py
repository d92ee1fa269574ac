"""Backfill: archives what an account has recorded before, page by page, behind all live work.

It may be stopped anywhere and goes on where it was: the place in the list is kept in the store
after each page, and a recording that is known is never taken up twice.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from addon import backoff, stored_documents
from addon.archive.prefixes import FLEX_BACKFILLS
from addon.archive.store import Store
from addon.errors import NotStored, TwilioUnavailable
from addon.requests import scheduling
from addon.twilio.recordings import Recordings, RecordingsPage
from workers.flex_reconcile import take_up
from workers.flex_source import rest
from workers.services import Services

AHEAD = 200
"""Requests that may wait in the queue: the sweeper lists everything that is unfinished."""

TRIES = 6
"""A page that Twilio does not give is asked for again over a minute, then the run ends."""

PAUSE_S = 1.0
"""Between two looks at a queue, or a Redis, that is full."""


@dataclass
class Progress:
    """Progress of a backfill: `resume` is the next page, None at the beginning and at the end."""

    listed: int = 0
    taken_up: int = 0
    resume: str | None = None
    done: bool = False


class Backfill:
    """The recordings of [since, until], up to `rate` of them a second."""

    def __init__(
        self,
        services: Services,
        since: datetime,
        until: datetime,
        *,
        rate: float,
        ahead: int = AHEAD,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.services = services
        self.since, self.until = since.astimezone(UTC), until.astimezone(UTC)
        self.rate, self.ahead = rate, ahead
        self._sleep = sleep
        self._key = key(services.settings.twilio_account_sid, self.since, self.until)

    def run(self) -> Iterator[Progress]:
        """Go through the list, yielding after each page. Raises Unavailable; run again to go on."""
        progress = self.load()
        recordings = Recordings(rest(self.services.settings))
        while not progress.done:
            page = self._page(recordings, progress.resume)
            for recording in page.recordings:
                progress.listed += 1
                self._wait_for_room()
                if take_up(self.services, recording, "backfill", datetime.now(UTC)):
                    progress.taken_up += 1
                    self._sleep(1 / self.rate)
            progress.resume, progress.done = page.next, page.next is None
            self.save(progress)
            yield progress

    def _page(self, recordings: Recordings, resume: str | None) -> RecordingsPage:
        """A page, through the pauses that Twilio asks for."""
        for attempt in range(TRIES):
            try:
                return recordings.page(after=self.since, before=self.until, resume=resume)
            except TwilioUnavailable as error:
                if attempt == TRIES - 1:
                    raise
                self._sleep(backoff.pause(attempt + 1, error.retry_after, jitter=0.5))
        raise AssertionError("unreachable")

    def load(self) -> Progress:
        """The progress of an earlier run."""
        try:
            return _progress(self.services.store.get(self._key))
        except NotStored:
            return Progress()

    def save(self, progress: Progress) -> None:
        """Keep the place. Raises StoreUnavailable."""
        body = json.dumps(asdict(progress)).encode()
        self.services.store.put(self._key, [body], if_absent=False)

    def _wait_for_room(self) -> None:
        """The past can wait; nothing of it may make live work wait for Redis."""
        queue = self.services.dispatcher
        while queue.depths()[scheduling.BACKFILL] >= self.ahead or not queue.admission.has_room():
            self._sleep(PAUSE_S)


def key(account_sid: str, since: datetime, until: datetime) -> str:
    """The store key of one backfill's progress."""
    return f"{FLEX_BACKFILLS}{account_sid}/{since:%Y%m%dT%H%M%SZ}_{until:%Y%m%dT%H%M%SZ}.json"


def backfills(store: Store) -> Iterator[tuple[str, Progress]]:
    """Every backfill that was begun: its range, and how far it is."""
    for stat in store.list(FLEX_BACKFILLS):
        name = stat.key.rpartition("/")[2].removesuffix(".json")
        yield name, _progress(store.get(stat.key))


def _progress(body: bytes) -> Progress:
    what = "progress of a backfill"
    return stored_documents.instance(Progress, stored_documents.parse(body, what), what)
