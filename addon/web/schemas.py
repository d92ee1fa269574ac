"""Shapes of the JSON documents that the web answers.

What makes a document is typed by these classes, and /openapi.json describes it by them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field, WithJsonSchema
from typing_extensions import TypedDict  # pydantic takes typing's own from Python 3.12 on

from addon.webhooks.events import EventType

Id = Annotated[
    str, WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"})
]
"""A name in the archive. Another form is not refused: nothing is found by it."""

Time = Annotated[str | None, WithJsonSchema({"type": ["string", "null"], "format": "date-time"})]
Seconds = Annotated[float | None, WithJsonSchema({"type": ["number", "null"], "minimum": 0})]
Number = Annotated[float | None, WithJsonSchema({"type": ["number", "null"]})]
Hash = Annotated[str, WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{64}$"})]
Text = Annotated[str | None, WithJsonSchema({"type": ["string", "null"]})]
Url = Annotated[str, WithJsonSchema({"type": "string", "format": "uri"})]


Reason = Annotated[str, Field(description="Why the one before is null.")]


class File(TypedDict):
    """One audio file, as it is archived."""

    file_id: Id
    start_time: Time
    stop_time: Time
    file_size: Annotated[int, Field(ge=0, description="Bytes, decrypted.")]
    format: Annotated[str, Field(examples=["wav"])]
    sha256: Annotated[Hash, Field(description="Of the archived audio, decrypted.")]


class Redaction(TypedDict):
    """The muting of digits in a recording."""

    status: Annotated[
        str | None,
        WithJsonSchema(
            {"type": ["string", "null"], "enum": ["complete", "incomplete", "off", None]}
        ),
        Field(description="Whether all digits are muted; null where it is not known."),
    ]
    status_reason: NotRequired[Annotated[str, Field(description="Why `status` is null.")]]
    reason: NotRequired[Annotated[str, Field(description="Why digits may remain.")]]


class Recording(TypedDict):
    """An archived recording."""

    id: Id
    install: Annotated[
        Id, Field(description="The install (XD…), or the Flex account, that it belongs to.")
    ]
    call_sid: Text
    call_sid_reason: NotRequired[Reason]
    request_sid: str
    source: Annotated[
        str, WithJsonSchema({"type": "string", "enum": ["marketplace", "flex", "ringcentral"]})
    ]
    format: str
    channels: Annotated[int | None, WithJsonSchema({"type": ["integer", "null"]})]
    channels_reason: NotRequired[Reason]
    duration_seconds: Seconds
    duration_seconds_reason: NotRequired[Reason]
    started_at: Time
    started_at_reason: NotRequired[Reason]
    received_at: Time
    archived_at: Time
    redacted: Annotated[bool, Field(description="Whether tones or numbers were muted.")]
    redaction: Redaction
    playable: Annotated[
        bool, Field(description="False where the recording is withheld (REDACT_DTMF=required).")
    ]
    received_sha256: Annotated[Hash, Field(description="Of the bytes received, before redaction.")]
    files: list[File]


Facts = TypedDict(
    "Facts",
    {
        "from": Annotated[Text, Field(description="A number, or an address as client:alice.")],
        "from_reason": NotRequired[Reason],
        "to": Text,
        "to_reason": NotRequired[Reason],
        "direction": Annotated[
            Text,
            WithJsonSchema({"type": ["string", "null"], "enum": ["inbound", "outbound", None]}),
        ],
        "direction_reason": NotRequired[Reason],
        "agent": Text,
        "agent_reason": NotRequired[Reason],
        "queue": Text,
        "queue_reason": NotRequired[Reason],
        "outcome": Annotated[Text, Field(description="As the source words it.")],
        "outcome_reason": NotRequired[Reason],
        "task_sid": Annotated[Text, Field(description="Of the Flex task.")],
        "task_sid_reason": NotRequired[Reason],
        "started_at": Annotated[Time, Field(description="Of the call, not of the recording.")],
        "started_at_reason": NotRequired[Reason],
        "duration_seconds": Annotated[Seconds, Field(description="Of the call.")],
        "duration_seconds_reason": NotRequired[Reason],
    },
)
"""Facts of the call; functional, as `from` is a word of Python."""


class Analysis(TypedDict):
    """The part of a recording's document that its analysis adds."""

    call: Annotated[
        Facts, Field(description="The call's parties, agent, queue and times: personal data.")
    ]

    analysis: Annotated[
        dict[str, Any] | None,
        WithJsonSchema({"type": ["object", "null"]}),
        Field(
            description="The result as it was posted to the callback; "
            "/docs/result.schema.json has its shape."
        ),
    ]
    analysis_reason: NotRequired[Annotated[str, Field(description="Why `analysis` is null.")]]


class LegalHold(TypedDict):
    """A legal hold, which keeps a recording from being erased."""

    since: Time
    by: Annotated[str, Field(description="Who placed it.")]
    reason: str
    trouble: NotRequired[
        Annotated[str, Field(description="Why it cannot be believed; it counts all the same.")]
    ]


class Holding(TypedDict):
    """The part of a recording's document that says whether it is on hold."""

    legal_hold: Annotated[LegalHold | None, Field(description="Null where there is none.")]
    legal_hold_reason: NotRequired[Annotated[str, Field(description="Why `legal_hold` is null.")]]


class AnalysedRecording(Recording, Analysis, Holding):
    """An archived recording with its analysis."""


class UnreadableRecording(TypedDict):
    """A recording of which only its name in the index is known."""

    id: Id
    install: Id
    trouble: Annotated[str, Field(description="Why: not as it was signed, or a key is missing.")]


class Figures(TypedDict):
    """Figures of a recording, as the result names them; null is not known."""

    duration_seconds: Number
    agent_talk_seconds: Number
    customer_talk_seconds: Number
    crosstalk_seconds: Number
    silence_seconds: Number
    longest_silence_seconds: Number
    hold_seconds: Number
    crosstalk_count: Number
    interruptions: Number
    agent_interruptions: Number
    customer_interruptions: Number
    talk_ratio_agent: Number
    agent_sentiment: Number
    customer_sentiment: Number
    elapsed_per_duration: Number


class ListedRecording(Recording):
    """A recording in a listing, with what the catalogue knows of it."""

    figures: Annotated[
        Figures | None, Field(description="Null where the catalogue does not know them.")
    ]
    figures_reason: NotRequired[Annotated[str, Field(description="Why `figures` is null.")]]
    flags: NotRequired[list[str]]
    categories: NotRequired[
        Annotated[list[str], Field(description="What rules found, as `rule=status`.")]
    ]
    code: NotRequired[
        Annotated[
            int | None,
            WithJsonSchema({"type": ["integer", "null"]}),
            Field(description="The error's code, where it could not be analysed."),
        ]
    ]


class Page(TypedDict):
    """One page of a listing."""

    recordings: list[ListedRecording | UnreadableRecording]
    next_cursor: Annotated[Text, Field(description="Null on the last page.")]


class Call(TypedDict):
    """A call: its recordings in the order of time."""

    call_sid: Id
    install: Id
    duration_seconds: Seconds
    recordings: list[Id]
    files: list[File]
    unreadable: Annotated[
        list[UnreadableRecording], Field(description="Those that `files` must leave out.")
    ]


class Link(TypedDict):
    """An address that carries its own permission."""

    signed_url: Url
    expires: Annotated[int, Field(description="Unix seconds at which it ends.")]


class Ciphertext(TypedDict):
    """An address of the encrypted audio, in a bucket."""

    signed_url: Url
    encryption: Annotated[dict[str, Any], Field(description="What a holder of the key needs.")]
    open_with: str


class Waveform(TypedDict):
    """An audiowaveform document: minimum and maximum of each channel for every pixel."""

    version: Literal[2]
    channels: Annotated[int, Field(ge=1)]
    sample_rate: int
    samples_per_pixel: int
    bits: Literal[8, 16]
    length: int
    data: list[int]


class Event(TypedDict):
    """An event of the access log; other members depend on `event`."""

    at: str
    event: str
    trouble: NotRequired[Annotated[str, Field(description="Why it cannot be believed.")]]
    played: NotRequired[
        Annotated[
            str,
            Field(
                description="With `heard` of a link, where this page has no `played` event of the"
                ' same `grant`: "not reported". That is not the same as nothing.'
            ),
        ]
    ]


class Trail(TypedDict):
    """A page of the access log of a recording, newest first."""

    id: Id
    events: list[Event]
    next_cursor: Annotated[Text, Field(description="Null on the last page.")]


class NewWebhook(TypedDict):
    """An endpoint to be created."""

    url: Annotated[
        Url, Field(max_length=2000, description="Where events are posted to; https, by host.")
    ]
    events: NotRequired[
        Annotated[list[EventType], Field(min_length=1, description="Which; without it, all.")]
    ]
    label: NotRequired[Annotated[str, Field(max_length=100, description="For people.")]]
    install: NotRequired[
        Annotated[Id, Field(description="With a token for every install: which one is meant.")]
    ]


class Webhook(TypedDict):
    """A webhook endpoint, without its secret."""

    id: Id
    install: Id
    url: Url
    label: str
    events: list[EventType]
    state: Literal["active", "failing", "disabled"]
    state_reason: Annotated[Text, Field(description="Why it is failing or disabled.")]
    created_at: str
    failing_since: Time
    disabled_at: Time
    previous_secret_until: Annotated[
        Time, Field(description="Until when the secret before the newest signs as well.")
    ]


class WebhookWithSecret(Webhook):
    """A webhook endpoint with its new secret, which is shown this once."""

    secret: Annotated[str, Field(description="`whsec_` and the key in base64.")]


class WebhookTry(TypedDict):
    """One try to deliver an event."""

    event_id: str
    type: str
    recording_id: str
    at: str
    outcome: Literal["delivered", "failed", "given up", "disabled"]
    tries: int
    seconds: float
    status: Annotated[
        int | None,
        WithJsonSchema({"type": ["integer", "null"]}),
        Field(description="Of the answer; null where none came."),
    ]
    reason: Annotated[Text, Field(description="Why it was not taken.")]
    next_s: Annotated[Seconds, Field(description="After how many seconds it is tried again.")]
    version: int


class WebhookWithTries(Webhook):
    """A webhook endpoint with the latest tries to deliver to it."""

    tries: list[WebhookTry]


class Webhooks(TypedDict):
    """The webhook endpoints of an install."""

    webhooks: list[Webhook]


class Note(TypedDict):
    """A person's note at a moment of a recording."""

    id: str
    at_seconds: Annotated[float, Field(ge=0)]
    author: str
    written_at: Time
    text: Annotated[str, Field(description="As it was written: escape it where it is shown.")]
    trouble: NotRequired[Annotated[str, Field(description="Why it cannot be believed.")]]


class Notes(TypedDict):
    """The notes on a recording, by their moments."""

    id: Id
    notes: list[Note]


class MediaUrl(TypedDict):
    """The Flex player's answer."""

    media_url: Url


class Problem(TypedDict):
    """A problem document (RFC 9457)."""

    type: Annotated[
        str,
        Field(description="The page about this kind of error, at /docs/errors; else about:blank."),
    ]
    title: str
    status: int
    detail: str
    code: NotRequired[Annotated[int, Field(description="Of the kind of error, for programs.")]]
    remedy: NotRequired[Annotated[str, Field(description="What helps, for people.")]]


class Rejection(TypedDict):
    """The error object of an invocation that can never succeed."""

    status: Literal["failed"]
    code: int
    message: str
    request_sid: Text


class State(TypedDict):
    """The state of this process; `missing` names what readiness lacks."""

    status: str
    missing: NotRequired[list[str]]
