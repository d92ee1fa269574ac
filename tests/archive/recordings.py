"""Recordings to archive in tests: facts, plaintext, and objects sealed by hand."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from addon.archive.archive import Archive
from addon.archive.manifest import Manifest, RecordingFacts
from addon.archive.reader import Fetch

TENANT = "XD" + "1" * 32
RECORDING = "RE" + "2" * 32
CALL = "CA" + "3" * 32

FACTS = RecordingFacts(
    received_sha256="ab" * 32,
    received_bytes=117868,
    format="wav",
    channels=2,
    duration_seconds=7.365,
    started_at=datetime(2026, 11, 20, 23, 59, 58, tzinfo=UTC),
    received_at=datetime(2026, 11, 21, 0, 0, 10, tzinfo=UTC),
    call_sid=CALL,
    source="marketplace",
    redacted=False,
    request_sid="XR" + "4" * 32,
)


def facts(**changes: Any) -> RecordingFacts:
    return replace(FACTS, **changes)


def facts_of(plaintext: bytes, **changes: Any) -> RecordingFacts:
    """The facts of a recording that was received like this."""
    received = {
        "received_sha256": hashlib.sha256(plaintext).hexdigest(),
        "received_bytes": len(plaintext),
    }
    return facts(**(received | changes))


def noise(length: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(length)


def archived(
    archive: Archive,
    plaintext: bytes,
    *,
    tenant: str = TENANT,
    recording_id: str = RECORDING,
    analysis: dict[str, Any] | None = None,
    **changes: Any,
) -> Manifest:
    with archive.deposit(tenant, recording_id) as deposit:
        deposit.audio([plaintext])
        if analysis is not None:
            deposit.analysis(analysis)
        return deposit.commit(facts_of(plaintext, **changes))


def fetch_from(content: bytes) -> Fetch:
    def fetch(start: int, length: int, _into: object = None) -> Iterator[bytes]:
        return iter([content[start : start + length]])

    return fetch
