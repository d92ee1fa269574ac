"""A second pass over archived audio: it loses nothing, and says what has to be muted beyond."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from addon.analysis import Options
from addon.analysis.redaction import Redaction
from addon.analysis.report import Report
from addon.archive.manifest import Manifest, Sealed
from addon.errors import ArchiveMismatch
from tests.archive.recordings import FACTS, RECORDING, TENANT
from workers.second_pass import Heard

AUDIO = Sealed(200, "aa", "bb", "cc", 100)
MANIFEST = Manifest(TENANT, RECORDING, FACTS, AUDIO, None, FACTS.received_at)


class _Report:
    """The fields of a report that are read."""

    channels, duration_seconds, frames = 2, 7.4, 50
    archived_frames: int | None = None
    archived_format = "wav"
    redaction = Redaction("complete", None, [(1.0, 2.0)], ["dtmf"])
    redacted = True

    def __init__(self, **changes: Any) -> None:
        vars(self).update(changes)


def heard(sha256: str = "dd", size: int = 100, **changes: Any) -> Heard:
    return Heard(cast(Report, _Report(**changes)), sha256, size, Options())


def test_the_same_bytes_mute_nothing() -> None:
    assert not heard("cc").mutes(MANIFEST)
    assert heard("dd").mutes(MANIFEST)


@pytest.mark.parametrize(
    "lost",
    [{"size": 99}, {"archived_frames": 49}, {"redacted": False}],
    ids=["bytes", "frames", "other bytes without a mute"],
)
def test_muting_that_loses_anything_is_refused(lost: dict[str, Any]) -> None:
    heard().compare(MANIFEST)
    heard(size=7, archived_frames=50).compare(MANIFEST)
    with pytest.raises(ArchiveMismatch):
        heard(**lost).compare(MANIFEST)


def test_facts_change_with_what_was_muted() -> None:
    flac = {"archived_frames": 50, "archived_format": "flac"}
    assert heard("cc", **flac).facts(MANIFEST).format == "wav"
    facts = heard(**flac).facts(MANIFEST)
    assert (facts.format, facts.redacted, facts.redaction) == ("flac", True, "complete")
    assert facts.received_sha256 == FACTS.received_sha256


def test_what_was_muted_once_is_never_said_to_be_as_received() -> None:
    before = replace(MANIFEST, facts=replace(FACTS, redacted=True))
    nothing = heard("cc", redacted=False, redaction=Redaction("complete"))
    assert nothing.facts(before).redacted
