"""Status callback of a recording (recordingStatusCallback), parsed (spec/protocol 4.1).

Callbacks come late, twice, in any order or never. An unknown status or parameter is no error.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from addon.errors import Rejected, WrongAccount
from addon.stored_documents import StoredDocument
from addon.twilio.moments import parse_moment, parse_number
from addon.twilio.recordings import Recording
from addon.twilio.sids import is_sid

COMPLETED = "completed"
IN_PROGRESS = "in-progress"

AnnouncedBy = Literal["callback", "list", "backfill"]
"""The way a recording became known: at once, by reconciliation, or by a backfill."""


@dataclass(frozen=True)
class StatusCallback(StoredDocument):
    """One callback. `encryption` is the JSON text as received; spec/protocol 5.2 reads it.

    `task_sid` and `reservation_sid` come from the callback URL's own query, where a plugin put them
    there: they save the search, and say whose segment it is.
    """

    KIND = "status callback"
    VERSION = None
    MOMENTS = ("received_at", "started_at")

    account_sid: str
    recording_sid: str
    status: str
    received_at: datetime
    call_sid: str | None = None
    conference_sid: str | None = None
    duration_seconds: float | None = None
    channels: int | None = None
    started_at: datetime | None = None
    source: str | None = None
    track: str | None = None
    error_code: str | None = None
    encryption: str | None = None
    task_sid: str | None = None
    reservation_sid: str | None = None
    announced_by: AnnouncedBy = "callback"

    @property
    def fetchable(self) -> bool:
        """True where there is audio to fetch."""
        return self.status == COMPLETED

    @classmethod
    def from_fields(
        cls, fields: Mapping[str, str], *, accounts: Collection[str], now: datetime
    ) -> StatusCallback:
        """Read a verified callback; the URL in it is not used, the SIDs give the address.

        Raises Rejected without proper SIDs or a status, WrongAccount for an account not ours.
        """
        account, recording = fields.get("AccountSid", ""), fields.get("RecordingSid", "")
        status = fields.get("RecordingStatus", "").strip().lower()
        if not is_sid(account, "AC") or not is_sid(recording, "RE") or not status:
            raise Rejected("the callback names no account, recording or status")
        if account not in accounts:
            raise WrongAccount("the callback is about an account that is not ours")
        return cls(
            account_sid=account,
            recording_sid=recording,
            status=status[:32],
            received_at=now,
            call_sid=_sid(fields.get("CallSid"), "CA"),
            conference_sid=_sid(fields.get("ConferenceSid"), "CF"),
            duration_seconds=parse_number(fields.get("RecordingDuration", "")),
            channels=_channels(fields.get("RecordingChannels")),
            started_at=parse_moment(fields.get("RecordingStartTime", "")),
            source=fields.get("RecordingSource") or None,
            track=fields.get("RecordingTrack") or None,
            error_code=_error_code(fields.get("ErrorCode")),
            encryption=fields.get("EncryptionDetails") or None,
            task_sid=_sid(fields.get("task_sid"), "WT"),
            reservation_sid=_sid(fields.get("reservation_sid"), "WR"),
        )

    @classmethod
    def from_recording(
        cls, recording: Recording, *, announced_by: AnnouncedBy, now: datetime
    ) -> StatusCallback:
        """A callback equal to the one that a recording found over REST should have had."""
        return cls(
            account_sid=recording.account_sid,
            recording_sid=recording.sid,
            status=recording.status,
            received_at=now,
            call_sid=_sid(recording.call_sid, "CA"),
            conference_sid=_sid(recording.conference_sid, "CF"),
            duration_seconds=recording.duration_seconds,
            channels=recording.channels,
            started_at=recording.started_at,
            source=recording.source,
            encryption=json.dumps(recording.encryption) if recording.encryption else None,
            announced_by=announced_by,
        )


def _sid(value: str | None, prefix: str) -> str | None:
    return value if value and is_sid(value, prefix) else None


def _channels(value: str | None) -> int | None:
    return int(value) if value in ("1", "2") else None


def _error_code(value: str | None) -> str | None:
    """Twilio sends "0" where all is well."""
    return None if value in (None, "", "0") else value[:16]
