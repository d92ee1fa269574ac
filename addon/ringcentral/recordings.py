"""What RingCentral says of one recording, asked for in the name of whoever wants to hear it."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import Self

from addon import stored_documents
from addon.errors import NotFound, RingCentralUnavailable
from addon.ringcentral.api import Api, Caller

RECORDING = "/restapi/v1.0/account/~/recording/{id}"

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
"""RingCentral's ids are numbers; nothing else may become part of a path."""


@dataclass(frozen=True)
class Recording:
    """Its id, where its bytes are, and how long it plays in seconds, where that is said."""

    id: str
    content_uri: str
    duration: float | None

    def to_bytes(self) -> bytes:
        """As JSON, for the vault."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, text: bytes) -> Self:
        """What `to_bytes` wrote."""
        what = "RingCentral recording"
        return stored_documents.instance(cls, stored_documents.parse(text, what), what)


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
