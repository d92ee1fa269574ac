"""Shapes of the documents that are sent to webhook endpoints; /openapi.json describes them so.

`addon/webhooks/events.py` makes them, and a test holds the two together.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field, WithJsonSchema
from typing_extensions import TypedDict

from addon.web.schemas import Id, Seconds, Text, Time

HEADERS = {
    "webhook-id": "The same at every try of an event: by it a receiver drops what comes twice.",
    "webhook-timestamp": "Unix seconds of this try.",
    "webhook-signature": "`v1,` and the HMAC-SHA-256 of `id.timestamp.body` in base64; two with a"
    " blank between for a day after the secret was changed.",
}

Number = Annotated[int | None, WithJsonSchema({"type": ["integer", "null"]})]
Known = Annotated[bool | None, WithJsonSchema({"type": ["boolean", "null"]})]


class About(TypedDict):
    """The recording that an event tells of."""

    install: Id
    recording_id: Id
    request_sid: str
    call_sid: Text
    source: str
    version: Annotated[
        int, Field(description="Grows whenever the recording's objects are replaced.")
    ]


class Ready(About):
    """A recording that is archived and analysed."""

    started_at: Time
    received_at: Time
    duration_seconds: Seconds
    channels: Number
    redacted: bool
    redaction: Text
    flags: list[str] | None
    figures: Annotated[
        dict[str, Seconds] | None, Field(description="Of `conversation`; null with its reason.")
    ]
    figures_reason: NotRequired[str]
    transcribed: Known


class Failed(About):
    """A recording without a result, for good."""

    code: Annotated[Number, Field(description="As in the result; /docs/errors lists them.")]
    archived: Annotated[bool, Field(description="True where it is archived as it was received.")]


class Redacted(About):
    """A recording in which something was muted."""

    redaction: Text
    muted_count: Number
    muted_seconds: Seconds
    muted_seconds_reason: NotRequired[str]


class Erased(About):
    """A recording that was erased."""

    by_retention: Annotated[bool, Field(description="False where a person or a program did.")]


class MatchedCategory(TypedDict):
    """A rule that was met."""

    rule: Annotated[str, Field(description="Its name in the file of rules.")]
    party: str
    count: int


class Matched(About):
    """A recording in which rules were met."""

    categories: list[MatchedCategory]


class ReadyEvent(TypedDict):
    """A recording was archived and analysed, for the first time or again."""

    type: Literal["recording.ready"]
    timestamp: str
    data: Ready


class FailedEvent(TypedDict):
    """A recording has no result, and will have none."""

    type: Literal["recording.failed"]
    timestamp: str
    data: Failed


class RedactedEvent(TypedDict):
    """Something was muted in a recording."""

    type: Literal["recording.redacted"]
    timestamp: str
    data: Redacted


class ErasedEvent(TypedDict):
    """A recording was erased."""

    type: Literal["recording.erased"]
    timestamp: str
    data: Erased


class MatchedEvent(TypedDict):
    """Rules were met in a recording."""

    type: Literal["category.matched"]
    timestamp: str
    data: Matched


PAYLOADS: dict[str, Any] = {
    "recording.ready": ReadyEvent,
    "recording.failed": FailedEvent,
    "recording.redacted": RedactedEvent,
    "recording.erased": ErasedEvent,
    "category.matched": MatchedEvent,
}
"""The shape of each type of event."""
