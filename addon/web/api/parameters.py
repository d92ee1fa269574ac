"""Parameters of the API: each with its form, its limits and the words of /openapi.json.

A view names them as types of its arguments; `addon.web.openapi.operations` checks them.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from addon.analysis.captions import CaptionFormat
from addon.errors import InvalidParameter
from addon.playback.clips import Clip
from addon.playback.encoded import EncodedFormat
from addon.playback.grants import MAX_LIFETIME_S, Purpose
from addon.web.schemas import Id

DEFAULT_EXPIRES_S = 3600
DEFAULT_LIMIT = 50
MAX_LIMIT = 200
MAX_CURSOR = 512
MAX_REASON = 200


def _spelled(pattern: str, fault: str) -> BeforeValidator:
    """A check of the text itself, where the type's own parser takes more than we document."""

    def check(text: str) -> str:
        if re.fullmatch(pattern, text, re.ASCII) is None:
            raise PydanticCustomError("spelling", "{fault}", {"fault": fault})
        return text

    return BeforeValidator(check)


def _decoded(cursor: str) -> str:
    """The position that a cursor stands for; empty for an empty one, which is the beginning."""
    try:
        return base64.b64decode(cursor.encode("ascii"), b"-_", validate=True).decode("ascii")
    except (ValueError, binascii.Error):
        raise PydanticCustomError("cursor", "not one that this API gave") from None


def _printable(reason: str) -> str:
    if not reason.isprintable():
        raise PydanticCustomError("reason", "has characters that cannot be printed")
    return reason


_SECONDS = _spelled(r"\d{1,6}(\.\d{1,6})?", "not seconds such as 192.5")
_DIGITS = _spelled(r"\d{1,9}", "not a whole number")

RecordingId = Annotated[
    Id, Field(description="RE… where the source gives one, else the request SID.")
]
CallSid = Annotated[Id, Field(description="The call (CA…).")]
GrantToken = Annotated[str, Field(description="The grant.")]
Install = Annotated[Id, Field(description="With a token for every install: which one is meant.")]
EndpointId = Annotated[Id, Field(description="The webhook endpoint's.")]
FileId = Annotated[Id, Field(description="One part of the call; without it, all of them joined.")]
CallFilter = Annotated[Id, Field(description="Of one call.")]
Day = Annotated[
    date,
    Field(description="Of one UTC day."),
    _spelled(r"\d{4}-\d\d-\d\d", "not a day such as 2026-11-20"),
]
Cursor = Annotated[
    str,
    Field(max_length=MAX_CURSOR, description="What `next_cursor` said."),
    AfterValidator(_decoded),
]
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT, description="Entries of a page."), _DIGITS]
Reason = Annotated[
    str,
    Field(max_length=MAX_REASON, description="Kept in the tombstone and the access log."),
    AfterValidator(_printable),
]
Expires = Annotated[
    int,
    Field(
        ge=1,
        le=MAX_LIFETIME_S,
        description="Seconds that the link is good for; to listen, at least those that it plays.",
    ),
    _DIGITS,
]
LinkPurpose = Annotated[
    Purpose,
    Field(
        description="`listen` plays as often as it likes until it ends; `download` works once."
        " Without it, `listen`; with a format, `download`."
    ),
]
Format = Annotated[
    EncodedFormat,
    Field(description="Converted while it is sent, for taking away; else the audio as recorded."),
]
Start = Annotated[
    float, Field(ge=0, description="Seconds at which a clip begins; with `stop`."), _SECONDS
]
Stop = Annotated[float, Field(ge=0, description="Seconds at which a clip ends."), _SECONDS]
Captions = Annotated[
    CaptionFormat, Field(description="WebVTT, SubRip or plain text, a sentence a line.")
]
Direct = Annotated[
    Literal["0", "1"],
    Field(description="1: the ciphertext's own short-lived address; buckets only."),
]


def clip(start: float | None, stop: float | None) -> Clip | None:
    """The clip that two parameters ask for, None without them. Raises InvalidParameter."""
    if start is None and stop is None:
        return None
    if start is None or stop is None:
        raise InvalidParameter("start, stop: a clip needs both")
    return Clip.of(start, stop)


def opaque(position: str | None) -> str | None:
    """A cursor as the client gets it."""
    return position and base64.urlsafe_b64encode(position.encode()).decode("ascii")
