"""Reports of a player: which seconds of a recording or a call it played, beside what was sent.

The page's script sends them to `/recordings/<id>/played` or `/calls/<sid>/played`. The grant that
it plays by, in a cookie that no script can read, says whose they are; that they are true is the
player's word alone.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Annotated

from flask import request
from pydantic import BaseModel, Field, ValidationError
from werkzeug.wrappers import Response

from addon.errors import Forbidden, InvalidParameter
from addon.playback.grants import Grant
from addon.playback.ranges import Range
from addon.web.access_log import access_by_link
from addon.web.context import context

COOKIE = "playing"

LATE_S = 6 * 3600
"""A report may come so long after its link has ended: who pauses may go on with what was sent."""

MAX_BODY = 4096
MAX_RANGES = 64
"""A listener who jumps about more is reported by the longest of them."""

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Report(BaseModel):
    """All that was played since the audio was loaded, in seconds of the recording."""

    ranges: Annotated[list[tuple[Seconds, Seconds]], Field(max_length=MAX_RANGES)]

    def within(self, begin: float, end: float) -> list[Range]:
        """The ranges between two times, in milliseconds from the first of them."""
        length = round((end - begin) * 1000)
        whole = [
            (max(round((start - begin) * 1000), 0), min(round((stop - begin) * 1000), length))
            for start, stop in self.ranges
        ]
        return [Range(start, stop) for start, stop in whole if start < stop]


def remember(response: Response, grant: Grant, token: str) -> None:
    """Let the reports of a page carry the grant that it plays by."""
    response.set_cookie(
        COOKIE,
        token,
        path=f"/{'recordings' if grant.recording_id else 'calls'}/{grant.subject}",
        secure=context().settings.public_url.startswith("https:"),
        httponly=True,
        samesite="Strict",
    )


def take_report(subject: str) -> None:
    """Log what the player of this request played: of each recording of a call, its own seconds.

    Raises Forbidden without a genuine grant for the recording or call, InvalidParameter, NotStored.
    """
    grant = context().grants.authentic(request.cookies.get(COOKIE, ""))
    if grant.subject != subject or grant.clip or grant.expires + LATE_S < time.time():
        raise Forbidden("this report belongs to no link that plays this recording")
    report = _report()
    for recording_id, begin, end in _places(grant):
        duration = end - begin
        ranges = report.within(begin, end)
        if ranges and duration:
            access = access_by_link(context(), request.environ, grant)
            mine = replace(access, recordings=(recording_id,))
            context().access_log.played(mine, ranges, round(duration * 1000), duration)


def _places(grant: Grant) -> list[tuple[str, float, float]]:
    """The recordings that a grant plays: id, begin and end in seconds of what is played."""
    if grant.recording_id is None:
        return context().player.legs(grant.tenant, grant.subject)
    facts = context().archive.manifest(grant.tenant, grant.recording_id).facts
    return [(grant.recording_id, 0.0, facts.duration_seconds or 0.0)]


def _report() -> Report:
    body = request.stream.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        raise InvalidParameter("ranges: the report is too long")
    try:
        return Report.model_validate_json(body)
    except ValidationError:
        raise InvalidParameter("ranges: pairs of seconds are needed") from None
