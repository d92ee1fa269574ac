"""Recordings over REST: reads one or a list, downloads and deletes (spec/protocol 4.2 to 4.4).

Addresses are made from SIDs, never taken from a callback. The caller proves that a recording may be
deleted before it calls `delete`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from addon.errors import SourceRefused, TwilioUnavailable
from addon.twilio.media import Media, fetch
from addon.twilio.moments import parse_moment, parse_number
from addon.twilio.rest import Rest
from addon.twilio.sids import is_sid

PAGE_SIZE = 100
"""Small enough that a backfill's progress is saved often; Twilio allows up to 1000."""


@dataclass(frozen=True)
class Recording:
    """A recording resource. `encryption` is its encryption_details, None where it is plain."""

    sid: str
    account_sid: str
    status: str
    call_sid: str | None = None
    conference_sid: str | None = None
    source: str | None = None
    channels: int | None = None
    duration_seconds: float | None = None
    started_at: datetime | None = None
    created_at: datetime | None = None
    encryption: Mapping[str, Any] | None = None

    @classmethod
    def from_resource(cls, resource: Mapping[str, Any]) -> Recording:
        """Read the REST object; what is missing or malformed in it becomes None."""
        channels = resource.get("channels")
        details = resource.get("encryption_details")
        return cls(
            sid=str(resource.get("sid")),
            account_sid=str(resource.get("account_sid")),
            status=str(resource.get("status")),
            call_sid=resource.get("call_sid") or None,
            conference_sid=resource.get("conference_sid") or None,
            source=resource.get("source") or None,
            channels=channels if isinstance(channels, int) else None,
            duration_seconds=parse_number(str(resource.get("duration"))),
            started_at=parse_moment(str(resource.get("start_time"))),
            created_at=parse_moment(str(resource.get("date_created"))),
            encryption=details if isinstance(details, dict) else None,
        )


@dataclass(frozen=True)
class RecordingsPage:
    """Part of a list; `next` is the argument for the following page, None at the end."""

    recordings: Sequence[Recording]
    next: str | None


class Recordings:
    """The recordings of one account."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._root = f"/2010-04-01/Accounts/{rest.api.account_sid}/Recordings"

    def get(self, sid: str) -> Recording | None:
        """The resource; None where Twilio knows no such recording. Raises TwilioUnavailable."""
        reply = self._rest.call("GET", self._url(sid, ".json"))
        if reply.status == 404:
            return None
        if reply.status != 200:
            raise reply.unexpected()
        recording = Recording.from_resource(reply.document)
        if recording.sid != sid:
            raise TwilioUnavailable("Twilio's API answered with another recording, or none")
        return recording

    def page(
        self,
        *,
        after: datetime | None = None,
        before: datetime | None = None,
        resume: str | None = None,
        size: int = PAGE_SIZE,
    ) -> RecordingsPage:
        """One page of the recordings made in [after, before], newest first as Twilio lists them.

        `resume` is an earlier page's `next`, and goes on where that ended. Raises
        TwilioUnavailable.
        """
        reply = self._rest.call("GET", self._page_url(after, before, resume, size))
        if reply.status != 200:
            raise reply.unexpected()
        found = [Recording.from_resource(each) for each in reply.document.get("recordings") or ()]
        return RecordingsPage(found, reply.document.get("next_page_uri") or None)

    def all(
        self, *, after: datetime | None = None, before: datetime | None = None
    ) -> Iterator[Recording]:
        """Every recording made in [after, before], page after page; raises as `page`."""
        page = self.page(after=after, before=before)
        yield from page.recordings
        while page.next:
            page = self.page(resume=page.next)
            yield from page.recordings

    def media(self, sid: str, *, attempt: int = 0) -> AbstractContextManager[Media]:
        """The audio as WAV, in two channels where there are two (spec/protocol 4.3).

        An encrypted recording comes as its ciphertext. Raises as `media.fetch`.
        """
        return fetch(
            self._url(sid, ".wav", {"RequestedChannels": "2"}),
            outbound=self._rest.outbound,
            attempt=attempt,
            api=self._rest.api,
            fallback_url=self._url(sid, ".wav", {"RequestedChannels": "1"}),
        )

    def delete(self, sid: str) -> None:
        """Delete at Twilio; what is not there any more is done. Raises TwilioUnavailable, also for
        a recording that is not completed yet."""
        reply = self._rest.call("DELETE", self._url(sid, ".json"))
        if reply.status != 404 and not 200 <= reply.status < 300:
            raise reply.unexpected()

    def _url(self, sid: str, suffix: str, query: Mapping[str, str] | None = None) -> str:
        if not is_sid(sid, "RE"):
            raise SourceRefused("not a recording's SID")
        return self._rest.api.url("api", f"{self._root}/{sid}{suffix}", query)

    def _page_url(
        self, after: datetime | None, before: datetime | None, resume: str | None, size: int
    ) -> str:
        if resume is not None:
            # Only onwards in our own list: the path comes from an answer or from a saved state.
            if not resume.startswith(f"{self._root}.json?"):
                raise TwilioUnavailable("the list goes on in a place that is not ours")
            return self._rest.api.url("api", resume)
        query = {"PageSize": str(size)}
        if after:
            query["DateCreated>"] = _stamp(after)
        if before:
            query["DateCreated<"] = _stamp(before)
        return self._rest.api.url("api", f"{self._root}.json", query)


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
