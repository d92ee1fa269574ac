"""One recording's entry at RingCentral, asked for in the name of the listener."""

from __future__ import annotations

import re
from dataclasses import dataclass

from addon.errors import NotFound, RingCentralUnavailable
from addon.ringcentral.api import Api, Caller
from addon.stored_documents import StoredDocument

RECORDING = "/restapi/v1.0/account/~/recording/{id}"

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
"""RingCentral's ids are numbers; nothing else may become part of a path."""


@dataclass(frozen=True)
class Recording(StoredDocument):
    """Its id, the address of its bytes, and its length in seconds, where that is known."""

    KIND = "RingCentral recording"

    id: str
    content_uri: str
    duration: float | None


def checked_id(text: str) -> str:
    """`text` itself. Raises NotFound where no recording can be called so."""
    if not _ID.fullmatch(text):
        raise NotFound("RingCentral has no such recording")
    return text


def recording(api: Api, caller: Caller, recording_id: str) -> Recording:
    """One recording's entry. Raises NotFound, and what `Api.get` raises."""
    path = RECORDING.format(id=checked_id(recording_id))
    document = api.get(caller, path, group="Heavy")
    uri, duration = document.get("contentUri"), document.get("duration")
    if not isinstance(uri, str):
        raise RingCentralUnavailable("RingCentral does not say where the recording is")
    seconds = float(duration) if isinstance(duration, int | float) else None
    return Recording(recording_id, uri, seconds)
