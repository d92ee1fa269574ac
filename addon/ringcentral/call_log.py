"""Reads recordings from the account's call log, each of them once (spec/protocol 7.2).

The same recording may stand on a call and on several of its legs, and one conversation may have
several recordings; they share the telephony session, which becomes the call's id here. Entries of
an unknown form are left out: one odd call must not hide the others.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from addon.call_facts import Facts
from addon.ringcentral.api import Api, Caller
from addon.ringcentral.call_parties import facts_of
from addon.stored_documents import StoredDocument

CALL_LOG = "/restapi/v1.0/account/~/call-log"
PER_PAGE = 100
"""RingCentral's own default."""

UNKNOWN_ACCOUNT = "unknown"

_ACCOUNT = re.compile(r"/account/([0-9]{1,32})/", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}", re.ASCII)


@dataclass(frozen=True)
class LoggedRecording(StoredDocument):
    """A recording in the call log; `session` is the conversation it belongs to.

    `call` has the facts of the call that the log tells.
    """

    KIND = "entry of a call log"
    VERSION = None
    MOMENTS = ("started_at",)

    id: str
    account: str
    content_uri: str
    session: str | None = None
    started_at: datetime | None = None
    duration_seconds: float | None = None
    call: Facts | None = None

    def to_json(self) -> str:
        """As `from_json` reads it; without facts also as the release before did, strictly."""
        document = json.loads(super().to_json())
        if document["call"] is None:
            del document["call"]
        return json.dumps(document, separators=(",", ":"))

    @property
    def sid(self) -> str:
        """The request's SID: however often the recording is found, it is one request."""
        return f"RC-{_name(self.id)}"

    @property
    def tenant(self) -> str:
        """The account, as an archive's tenant."""
        return f"RC-{_name(self.account)}"

    @property
    def call_sid(self) -> str | None:
        """The conversation, as the id of a call."""
        return None if self.session is None else _name(self.session)


@dataclass(frozen=True)
class CallLogPage:
    """One page of the call log: its recordings, the conversations on it, whether there is more."""

    recordings: list[LoggedRecording]
    sessions: frozenset[str]
    more: bool


def page(
    api: Api, caller: Caller, *, since: datetime, until: datetime | None = None, number: int = 1
) -> CallLogPage:
    """Calls that began from `since` to `until`, the latest first. Raises what `Api.get` raises."""
    asked = {"dateFrom": _moment(since), "page": str(number)}
    if until is not None:
        asked["dateTo"] = _moment(until)
    return _page(api, caller, asked)


def conversation(api: Api, caller: Caller, session: str) -> CallLogPage:
    """The calls of one conversation. Raises what `Api.get` raises."""
    return _page(api, caller, {"telephonySessionId": session})


def _page(api: Api, caller: Caller, asked: Mapping[str, str]) -> CallLogPage:
    always = {"view": "Detailed", "recordingType": "All", "perPage": str(PER_PAGE)}
    document = api.get(caller, CALL_LOG, {**always, **asked}, group="Heavy")
    records = [each for each in _list(document.get("records")) if isinstance(each, dict)]
    found = {each.id: each for record in records for each in _recordings(record)}
    sessions = frozenset(filter(None, map(_session, records)))
    navigation = document.get("navigation")
    more = isinstance(navigation, dict) and bool(navigation.get("nextPage"))
    return CallLogPage(list(found.values()), sessions, more)


def _recordings(record: Mapping[str, Any]) -> Iterator[LoggedRecording]:
    """A call's recordings, those of its legs last: their start times are more exact."""
    session = _session(record)
    legs = [leg for leg in _list(record.get("legs")) if isinstance(leg, dict)]
    for part in (record, *legs):
        recording = part.get("recording")
        if isinstance(recording, dict):
            found = _found(recording, part, _session(part) or session, facts_of(record, part))
            if found is not None:
                yield found


def _found(
    recording: Mapping[str, Any], part: Mapping[str, Any], session: str | None, call: Facts
) -> LoggedRecording | None:
    own_id, uri = recording.get("id"), recording.get("contentUri")
    if not isinstance(own_id, str | int) or isinstance(own_id, bool) or not str(own_id):
        return None
    if not isinstance(uri, str) or not uri:
        return None
    account = _ACCOUNT.search(uri) or _ACCOUNT.search(str(recording.get("uri", "")))
    duration = part.get("duration")
    return LoggedRecording(
        id=str(own_id),
        account=account[1] if account else UNKNOWN_ACCOUNT,
        content_uri=uri,
        session=session,
        started_at=_parsed(part.get("startTime")),
        duration_seconds=float(duration) if isinstance(duration, int | float) else None,
        call=call,
    )


def _session(record: Mapping[str, Any]) -> str | None:
    """The telephony session; older calls have the session's number alone."""
    for name in ("telephonySessionId", "sessionId"):
        value = record.get(name)
        if isinstance(value, str) and value:
            return value
    return None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _parsed(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _name(text: str) -> str:
    """`text` where it is a valid name in the archive, else a hash of it."""
    return text if _NAME.fullmatch(text) else hashlib.sha256(text.encode()).hexdigest()[:32]
