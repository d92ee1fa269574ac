"""Events: identifiers and figures only, and one id for what is told twice."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from addon.archive.manifest import Manifest, RecordingFacts, Sealed
from addon.webhooks import events

SEALED = Sealed(10, "0" * 64, "1" * 64, "2" * 64, 9)
FACTS = RecordingFacts(
    received_sha256="0" * 64,
    received_bytes=9,
    format="wav",
    channels=2,
    duration_seconds=61.2,
    started_at=datetime(2026, 11, 26, 9, 0, tzinfo=UTC),
    received_at=datetime(2026, 11, 26, 9, 2, tzinfo=UTC),
    call_sid="CA1",
    source="marketplace",
    redacted=False,
    request_sid="XR1",
    redaction="complete",
)
MANIFEST = Manifest("XD1", "RE1", FACTS, SEALED, SEALED, datetime(2026, 11, 26, 9, 3, tzinfo=UTC))
RESULT: dict[str, Any] = {
    "conversation": {"agent_talk_seconds": 20.0, "silence_seconds": 5.5},
    "flags": ["one_sided"],
    "redaction": {"intervals": [[1.0, 1.5], [4.0, 4.25]]},
    "transcript": {"segments": [{"text": "my card number is four"}]},
    "participants": [{"name": "Ada"}],
    "categories": [
        {"rule": "complaint", "party": "customer", "intervals": [[3.0, 4.0]], "text": "a word"},
        {"rule": "recording_notice", "party": "agent", "intervals": [], "status": "missing"},
    ],
}


def test_a_recording_that_is_ready_has_its_figures():
    (ready, matched) = events.of_analysis(MANIFEST, RESULT)
    assert ready.type == "recording.ready"
    assert ready.data["figures"]["agent_talk_seconds"] == 20.0
    assert ready.data["figures"]["crosstalk_seconds"] is None
    assert (ready.data["flags"], ready.data["transcribed"]) == (["one_sided"], True)
    assert matched.data["categories"] == [{"rule": "complaint", "party": "customer", "count": 1}]


def test_no_word_that_was_said_is_in_any_payload():
    muted = replace(MANIFEST, facts=replace(FACTS, redacted=True))
    for event in events.of_analysis(muted, RESULT):
        for secret in ("four", "a word", "Ada"):
            assert secret not in event.body


def test_what_was_muted_is_told_in_seconds():
    muted = replace(MANIFEST, facts=replace(FACTS, redacted=True))
    (event,) = events.of_analysis(muted, RESULT, kinds=["recording.redacted"])
    assert (event.data["muted_count"], event.data["muted_seconds"]) == (2, 0.75)


def test_without_the_result_figures_are_unknown_and_not_zero():
    muted = replace(MANIFEST, facts=replace(FACTS, redacted=True))
    ready, redacted = events.of_analysis(muted, None)
    assert (ready.data["figures"], ready.data["flags"]) == (None, None)
    assert ready.data["figures_reason"]
    assert redacted.data["muted_seconds"] is None


def test_an_event_that_is_made_twice_has_one_id_and_another_version_another():
    first, again = (events.of_analysis(MANIFEST, each)[0] for each in (RESULT, None))
    later = events.of_analysis(MANIFEST, RESULT, generation=3)[0]
    assert first.id == again.id != later.id
    assert (first.generation, later.generation) == (None, 3)
    assert (first.data["version"], later.data["version"]) == (1, 3)


def test_events_of_two_installs_have_two_ids():
    other = replace(MANIFEST, tenant="XD2")
    assert events.of_analysis(MANIFEST, None)[0].id != events.of_analysis(other, None)[0].id


def test_of_an_erasure_is_told_that_it_was_by_age_and_not_who_asked():
    event = events.erased(MANIFEST, by="operator ada")
    assert event.data["by_retention"] is False
    assert "ada" not in event.body
    assert events.erased(MANIFEST, by="retention").data["by_retention"] is True


def test_a_stored_event_gives_the_same_body():
    event = events.of_analysis(MANIFEST, RESULT)[0]
    again = events.Event.from_json(event.to_json())
    assert again == event
    assert json.loads(again.body)["data"] == event.data
