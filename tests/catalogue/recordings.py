"""Manifests and analyses for tests of the catalogue."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from addon.archive.manifest import Manifest, RecordingFacts, Sealed
from addon.catalogue import Catalogue, Filter, Sort

ONE, OTHER = "XD" + "1" * 32, "XD" + "2" * 32
START = datetime(2026, 3, 1, 8, tzinfo=UTC)
SEALED = Sealed(100, "0" * 64, "0" * 64, "0" * 64, 90)
EXAMPLE = json.loads(Path("docs/examples/dual.json").read_text())
MONO = json.loads(Path("docs/examples/mono.json").read_text())


def sid(kind: str, number: int) -> str:
    """A SID such as RE000…."""
    return f"{kind}{number:032x}"


def manifest(number: int = 1, install: str = ONE, **changes: Any) -> Manifest:
    """A recording made `number` hours after START."""
    at = START + timedelta(hours=number)
    facts: dict[str, Any] = {
        "received_sha256": "0" * 64,
        "received_bytes": 100,
        "format": "wav",
        "channels": 2,
        "duration_seconds": 30.0,
        "started_at": at,
        "received_at": at,
        "call_sid": sid("CA", number),
        "source": "marketplace",
        "redacted": False,
        "request_sid": sid("XR", number),
        "redaction": "complete",
    }
    others = {name: changes.pop(name) for name in ("generation", "analysis") if name in changes}
    made = RecordingFacts(**(facts | changes))
    name = sid("RE", number)
    return Manifest(install, name, made, SEALED, others.pop("analysis", SEALED), at, **others)


def document(said: str = "", call: dict[str, Any] | None = None, **talk: Any) -> dict[str, Any]:
    """An analysis; `talk` are figures of `conversation`, and `flags`, `categories`, `result`."""
    made = deepcopy(EXAMPLE)
    result = made["result"]
    for name in ("flags", "categories", "participants"):
        if name in talk:
            result[name] = talk.pop(name)
    result["conversation"] |= talk
    if said:
        sentences = [{"transcript": one} for one in said.split(" / ")]
        result["transcript"] = {"sentences": sentences}
    if call is not None:
        made["call"] = call
    return made


def put(catalogue: Catalogue, number: int, install: str = ONE, **made: Any) -> str:
    """Write a recording; gives its id."""
    described = manifest(number, install)
    catalogue.write([catalogue.row(described, document(**made))])
    return described.recording_id


def found(
    catalogue: Catalogue, installs: tuple[str, ...] = (ONE,), sort: str = "time", **parameters: str
) -> list[int]:
    """The numbers of the recordings that a filter finds, in order."""
    wanted = Filter.parse(parameters.items())
    page = catalogue.page(wanted, Sort.parse(sort), None, 100, installs)
    assert page.cursor is None
    return [int(one.recording_id[2:], 16) for one in page.recordings]


def contents(catalogue: Catalogue) -> dict[str, set[Any]]:
    """Everything that the catalogue holds of recordings."""
    with catalogue._database.begin() as connection:
        return {
            table: {tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table}")}
            for table in ("recordings", "tokens", "token_lists")
        }
