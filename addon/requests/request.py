"""One request to analyse and archive a recording, whichever source it came from.

The intake store keeps a request as its source's name and the source's own document; the source's
handler (`workers/handlers.py`) makes the same request from these again. The constructors take a
source's description by its shape, so that this package knows neither Twilio nor RingCentral.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, Self

from addon.requests import scheduling
from addon.requests.scheduling import Length
from addon.requests.signature_uses import SignatureUse

MARKETPLACE = "marketplace"
FLEX = "flex"
RINGCENTRAL = "ringcentral"

FLEX_INTEGRATION = "FLEX"
RINGCENTRAL_INTEGRATION = "RINGCENTRAL"
"""The names under which AGENT_CHANNEL knows every recording of Flex, and of RingCentral."""


@dataclass(frozen=True)
class Request:
    """A request as every job sees it; `document` is the source's own JSON, for its handler.

    `sid` names the request, `recording_id` the recording in the archive, `tenant` its owner there.
    `integrations` are the names that AGENT_CHANNEL may know it by, the narrowest first. `queue` is
    set where the length does not decide it. `encryption` is what opens an encrypted recording, as
    Twilio sent it. `signature` is the use of the signature that brought it.
    """

    source: str
    document: str
    sid: str
    tenant: str
    recording_id: str
    received_at: datetime
    length: Length
    call_sid: str | None = None
    started_at: datetime | None = None
    integrations: tuple[str, ...] = ()
    queue: str | None = None
    encryption: str | None = None
    signature: SignatureUse | None = None

    @property
    def has_deadline(self) -> bool:
        """True if an answer can come too late."""
        return has_deadline(self.source)

    @classmethod
    def marketplace(cls, invocation: _Invocation, signature: SignatureUse | None = None) -> Self:
        """A request of the Marketplace; its usage key is the integration (spec/protocol 1.1)."""
        return cls(
            source=MARKETPLACE,
            document=invocation.to_json(),
            sid=invocation.request_sid,
            tenant=invocation.tenant,
            recording_id=invocation.recording_id,
            received_at=invocation.received_at,
            length=scheduling.length(invocation.duration, invocation.size, invocation.channels),
            call_sid=invocation.call_sid,
            integrations=((invocation.usage_key or "").upper(),),
            signature=signature,
        )

    @classmethod
    def flex(cls, callback: _StatusCallback) -> Self:
        """From a completed recording's status callback; a backfilled one waits behind all others.

        The recording's SID is the request's: however often it is announced, it is one request.
        """
        return cls(
            source=FLEX,
            document=callback.to_json(),
            sid=callback.recording_sid,
            tenant=callback.account_sid,
            recording_id=callback.recording_sid,
            received_at=callback.received_at,
            length=_declared(callback.duration_seconds),
            call_sid=callback.call_sid,
            started_at=callback.started_at,
            integrations=((callback.source or "").upper(), FLEX_INTEGRATION),
            queue=scheduling.BACKFILL if callback.announced_by == "backfill" else None,
            encryption=callback.encryption,
        )

    @classmethod
    def ringcentral(
        cls, recording: _LoggedRecording, received_at: datetime, catching_up: bool = False
    ) -> Self:
        """From an entry of the call log; `catching_up` lets it wait behind all others.

        `call_sid` is the conversation: its parts are joined where it is played.
        """
        return cls(
            source=RINGCENTRAL,
            document=json.dumps([recording.to_json(), received_at.isoformat(), catching_up]),
            sid=recording.sid,
            tenant=recording.tenant,
            recording_id=recording.sid,
            received_at=received_at,
            length=_declared(recording.duration_seconds),
            call_sid=recording.call_sid,
            started_at=recording.started_at,
            integrations=(RINGCENTRAL_INTEGRATION,),
            queue=scheduling.BACKFILL if catching_up else None,
        )


def has_deadline(source: str) -> bool:
    """True if requests of a source have to be answered within a multiple of their length.

    A state that was written again after Redis was lost may not name its source: then they may.
    """
    return source not in (FLEX, RINGCENTRAL)


def _declared(seconds: float | None) -> Length:
    """The length that the source gives in seconds, an upper bound (spec/protocol 4.1)."""
    return Length(scheduling.UNKNOWN_S if seconds is None else seconds, seconds)


class _Source(Protocol):
    @property
    def call_sid(self) -> str | None: ...

    def to_json(self) -> str: ...


class _Invocation(_Source, Protocol):
    @property
    def received_at(self) -> datetime: ...

    @property
    def request_sid(self) -> str: ...

    @property
    def tenant(self) -> str: ...

    @property
    def recording_id(self) -> str: ...

    @property
    def usage_key(self) -> str | None: ...

    @property
    def duration(self) -> float | None: ...

    @property
    def size(self) -> float | None: ...

    @property
    def channels(self) -> float | None: ...


class _Recorded(_Source, Protocol):
    @property
    def started_at(self) -> datetime | None: ...

    @property
    def duration_seconds(self) -> float | None: ...


class _StatusCallback(_Recorded, Protocol):
    @property
    def received_at(self) -> datetime: ...

    @property
    def recording_sid(self) -> str: ...

    @property
    def account_sid(self) -> str: ...

    @property
    def source(self) -> str | None: ...

    @property
    def announced_by(self) -> str: ...

    @property
    def encryption(self) -> str | None: ...


class _LoggedRecording(_Recorded, Protocol):
    @property
    def sid(self) -> str: ...

    @property
    def tenant(self) -> str: ...
