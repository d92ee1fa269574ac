"""Answers with a recording's transcript as a file, for programs and for people alike."""

from __future__ import annotations

from flask import Response

from addon.analysis.captions import MEDIA_TYPES, CaptionFormat, captions
from addon.errors import KeyMissing, NotFound, NotStored
from addon.playback.access_log import Access
from addon.web.access_log import refusals_logged
from addon.web.context import context


def transcript_answer(access: Access, form: CaptionFormat) -> Response:
    """The transcript of the one recording of `access`, logged before it is sent.

    Raises NotFound with the reason where there is none, Withheld, Tampered, StoreUnavailable.
    """
    (recording_id,) = access.recordings
    with refusals_logged(access):
        context().player.audible(access.tenant, recording_id)
    try:
        document = context().archive.analysis(access.tenant, recording_id)
    except (NotStored, KeyMissing):
        raise NotFound("there is no analysis of this recording that can be opened here") from None
    result = document["result"] or {}
    transcript = result.get("transcript")
    if transcript is None:
        reason = result.get("transcript_reason") or "No transcriber was configured."
        raise NotFound(f"there is no transcript of this recording. {reason}")
    context().access_log.exported(access)
    answer = Response(
        captions(transcript, form), content_type=f"{MEDIA_TYPES[form]}; charset=utf-8"
    )
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Content-Disposition"] = f'attachment; filename="{recording_id}.{form}"'
    return answer
