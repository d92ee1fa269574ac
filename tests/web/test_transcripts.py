"""Transcripts as files, over the API and from the page: what they say, and who took them."""

from __future__ import annotations

import pytest

from tests.playback.sounds import archived
from tests.web.api.conftest import all_token, app, token  # noqa: F401
from tests.web.api.recorded import CONTENT, OTHER
from tests.web.people import Browser
from tests.web.playing import bearer, inside

SENTENCES = [
    {"start_seconds": 1.0, "end_seconds": 2.5, "role": "agent", "transcript": "Good morning."},
]
WHOLE = {"status": "successful", "result": {"transcript": {"sentences": SENTENCES}}}
NAME = "REspoken"
HERE = f"/api/v1/recordings/{NAME}/transcript"


@pytest.fixture
def spoken(app):  # noqa: F811
    archived(inside(app).archive, CONTENT, recording_id=NAME, analysis=WHOLE)
    return app.test_client()


@pytest.mark.parametrize(
    ("query", "kind", "content"),
    [
        ("", "text/vtt", "00:00:01.000 --> 00:00:02.500\n<v Agent>Good morning.</v>"),
        ("?format=srt", "application/x-subrip", "Agent: Good morning."),
        ("?format=txt", "text/plain", "[00:00:01.000] Agent: Good morning.\n"),
    ],
)
def test_the_transcript_as_a_file(spoken, token, query, kind, content):  # noqa: F811
    answer = spoken.get(HERE + query, headers=token)
    assert answer.status_code == 200
    assert answer.mimetype == kind
    assert content in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_who_took_it_is_in_the_access_log(spoken, token):  # noqa: F811
    spoken.get(f"{HERE}?format=srt", headers=token)
    [event] = spoken.get(f"/api/v1/recordings/{NAME}/audit", headers=token).get_json()["events"]
    assert (event["event"], event["form"]) == ("exported", "srt")
    assert "Good morning" not in str(event)


def test_another_format_is_the_callers_fault(spoken, token):  # noqa: F811
    assert spoken.get(f"{HERE}?format=doc", headers=token).status_code == 400


def test_another_install_cannot_know_of_it(app, spoken):  # noqa: F811
    assert spoken.get(HERE, headers=bearer(app, OTHER)).status_code == 404


@pytest.mark.parametrize(
    ("result", "why"),
    [
        ({"transcript": None, "transcript_reason": "There was no time."}, "There was no time."),
        ({}, "No transcriber was configured."),
        (None, "No transcriber was configured."),
    ],
)
def test_why_there_is_none(app, token, result, why):  # noqa: F811
    document = {"status": "successful", "message": "", "result": result}
    archived(inside(app).archive, CONTENT, recording_id="REmute", analysis=document)
    answer = app.test_client().get("/api/v1/recordings/REmute/transcript", headers=token)
    assert answer.status_code == 404
    assert why in answer.get_json(force=True)["detail"]


def test_people_take_it_from_the_page(app, spoken):  # noqa: F811
    app.test_client_class = None  # pages are in no OpenAPI document
    browser = Browser(app).signed_in()
    page = browser.get(f"/recordings/{NAME}").text
    assert f"/recordings/{NAME}/transcript?format=vtt" in page
    assert "<v Agent>Good morning.</v>" in browser.get(f"/recordings/{NAME}/transcript").text
    assert browser.get(f"/recordings/{NAME}/transcript?format=doc").status_code == 404
