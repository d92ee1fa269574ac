"""Recordings as JSON: their own facts, and the reason for what is not known."""

from __future__ import annotations

from addon.call_facts import NAMES, NOT_ASKED, gathered
from tests.playback.sounds import CALL, RECORDING, TENANT, archived
from tests.web.api.recorded import ANALYSIS, CONTENT, HERE
from tests.web.playing import inside


def test_a_recording_is_described(client, token):
    answer = client.get(HERE, headers=token)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    document = answer.get_json()
    assert document["id"] == RECORDING
    assert document["install"] == TENANT
    assert document["call_sid"] == CALL
    assert document["started_at"] == "2026-11-20T23:59:58.000+00:00"
    assert document["analysis"] == ANALYSIS
    (file,) = document["files"]
    assert file["file_id"] == RECORDING
    assert file["file_size"] == len(CONTENT)
    assert file["stop_time"] == "2026-11-21T00:00:05.365+00:00"


def test_the_facts_of_the_call_stand_beside_the_analysis(app, client, token):
    call = gathered(NAMES, {"from": "+14158675309", "agent": "Ada"})
    analysis = {**ANALYSIS, "call": call}
    archived(inside(app).archive, CONTENT, recording_id="REcall", analysis=analysis)
    document = client.get("/api/v1/recordings/REcall", headers=token).get_json()
    assert document["call"] == call
    assert document["analysis"] == ANALYSIS


def test_facts_that_nobody_asked_for_are_null_and_say_so(client, token):
    call = client.get(HERE, headers=token).get_json()["call"]
    assert (call["from"], call["from_reason"]) == (None, NOT_ASKED)


def test_a_recording_without_analysis_says_why(app, client, token):
    archived(inside(app).archive, CONTENT, recording_id="REplain", started_at=None)
    document = client.get("/api/v1/recordings/REplain", headers=token).get_json()
    assert document["analysis"] is None
    assert "as it came" in document["analysis_reason"]
    assert document["call"]["agent_reason"] == NOT_ASKED
    assert document["files"][0]["start_time"] is None
    assert (document["started_at"], "received_at" in document["started_at_reason"]) == (None, True)


def test_a_call_that_nobody_named_is_null_and_says_why(app, client, token):
    archived(inside(app).archive, CONTENT, recording_id="REalone", call_sid=None)
    document = client.get("/api/v1/recordings/REalone", headers=token).get_json()
    assert (document["call_sid"], bool(document["call_sid_reason"])) == (None, True)
    assert "started_at_reason" not in document


def test_a_call_whose_length_is_not_known_has_none(app, client, token):
    archived(inside(app).archive, CONTENT, recording_id="REx", duration_seconds=None)
    document = client.get(f"/api/v1/calls/{CALL}", headers=token).get_json()
    assert document["duration_seconds"] is None
    assert document["recordings"] == [file["file_id"] for file in document["files"]]
