"""The page of one recording: moments, clips, notes, and who listened to what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from addon.archive.archive import Archive
from addon.archive.holds import Hold
from addon.archive.notes import MAX_TEXT, notes_of
from tests.archive.recordings import CALL, RECORDING, TENANT, archived
from tests.playback.sounds import decoded, file_of
from tests.web.people import Browser, context_of
from tests.web.playing import access_log, bearer
from tests.web.test_pages import OTHER, RESULT, allow

HERE = f"/recordings/{RECORDING}"


@pytest.fixture
def archive(app: Flask) -> Archive:
    return context_of(app).archive


@pytest.fixture
def browser(app: Flask) -> Browser:
    """Somebody who may do everything."""
    allow(app)
    return Browser(app).signed_in()


def put(archive: Archive, **result: Any) -> None:
    archived(
        archive, file_of(16_000), analysis={"result": {**RESULT, **result}}, duration_seconds=2.0
    )


def test_moments_are_links_to_their_time(browser, archive):
    person = {**RESULT["participants"][1], "interruptions": {"count": 1, "intervals": [[0.43, 1]]}}
    talk = {
        **RESULT["conversation"],
        "longest_silence_seconds": 1.2,
        "non_talk": {"threshold_seconds": 1.0, "intervals": [[0.8, 2.0]]},
    }
    put(
        archive,
        audio={**RESULT["audio"], "duration_seconds": 2.0},
        participants=[RESULT["participants"][0], person],
        conversation=talk,
    )
    page = browser.get(HERE).text
    assert '<a class="moment" href="#t=0.4"' in page and "Agent interrupts" in page
    assert "Interruptions" in page and "Silences" in page
    assert '<a class="moment-link" href="#t=0.8"' in page


def test_shares_above_a_hundred_per_cent_are_explained(browser, archive):
    put(archive)
    assert "add up to more than 100" in browser.get(HERE).text


def test_what_was_muted_is_named_by_its_kind(browser, archive):
    archived(
        archive,
        file_of(8000),
        redacted=True,
        analysis={
            "result": {
                **RESULT,
                "redaction": {"intervals": [[0.1, 0.2]], "reasons": ["spoken_number"]},
            }
        },
    )
    page = browser.get(HERE).text
    assert "Muted: a spoken number" in page and "Muted tones" not in page


@pytest.mark.parametrize(
    ("analysis", "reason"),
    [
        (None, "nothing here could analyse it"),
        ({"result": None, "message": "The file has no samples."}, "The file has no samples."),
    ],
)
def test_a_recording_that_was_not_analysed_says_why_and_not_that_nobody_speaks(
    browser, archive, analysis, reason
):
    archived(archive, file_of(8000), analysis=analysis)
    page = browser.get(HERE).text
    turns = page[page.index('id="turns-title"') :]
    assert reason in turns and "Nobody speaks" not in page


def test_a_silent_recording_says_that_nobody_speaks(browser, archive):
    put(archive, segments=[])
    assert "Nobody speaks in this recording." in browser.get(HERE).text


def test_a_clip_is_downloaded_once_and_is_on_record(app, browser, archive):
    put(archive)
    answer = browser.get(f"{HERE}/clip?start=0.5&stop=0:01")
    assert answer.status_code == 307
    clip = browser.get(answer.headers["Location"])
    assert (decoded(clip.data)[0] == decoded(file_of(16_000))[0][4000:8000]).all()
    clip.close()
    assert browser.get(answer.headers["Location"]).status_code == 410
    granted, heard, *_ = access_log(app)
    assert granted["clip_seconds"] == heard["clip_seconds"] == [0.5, 1.0]
    assert "downloaded (clip 0:00 to 0:01)" in browser.get(HERE).text


def test_a_link_to_a_clip_plays_the_clip_and_nothing_else(app, browser, archive):
    put(archive)
    form = {"start": "0:00.5", "stop": "1", "lasts": "1 day"}
    document = browser.post(f"{HERE}/clip", data=form).get_json()
    grant = context_of(app).grants.authentic(document["signed_url"].rpartition("/")[2])
    assert grant.clip and grant.expires == document["expires"]
    heard = Browser(app).get(document["signed_url"])
    assert len(decoded(heard.data)[0]) == 4000


@pytest.mark.parametrize(
    "query",
    ["", "start=1", "start=1&stop=1", "start=x&stop=2", "start=5&stop=6", "start=-1&stop=1"],
)
def test_an_impossible_clip_is_400(browser, archive, query):
    put(archive)
    assert browser.get(f"{HERE}/clip?{query}").status_code == 400


def test_without_the_right_there_is_no_clip(app, browser, archive):
    put(archive)
    allow(app, download=False)
    assert browser.get(f"{HERE}/clip?start=0&stop=1").status_code == 403
    assert browser.post(f"{HERE}/clip", data={"start": "0", "stop": "1"}).status_code == 403
    assert 'id="clip"' not in browser.get(HERE).text


def test_a_note_is_shown_escaped_with_its_author_and_moment(app, browser, archive):
    put(archive)
    answer = browser.post(f"{HERE}/notes", data={"at": "0:01", "text": "<script>alert(1)</script>"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{HERE}#notes-title")
    page = browser.get(HERE).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page and "<script>alert" not in page
    assert 'href="#t=1"' in page and "Owner of this machine" in page
    assert "wrote a note at 0:01" in page
    document = browser.get(f"/api/v1{HERE}/notes", headers=bearer(app)).get_json()
    (note,) = document["notes"]
    assert (note["text"], note["at_seconds"]) == ("<script>alert(1)</script>", 1.0)
    assert note["author"] == "Owner of this machine"


def test_its_author_changes_a_note_on_the_page_and_nobody_else(app, browser, archive):
    put(archive)
    browser.post(f"{HERE}/notes", data={"at": "0:01", "text": "first"})
    (note,) = notes_of(archive, TENANT, RECORDING)
    where = f"{HERE}/notes/{note.id}"
    assert f'action="{where}"' in browser.get(HERE).text
    answer = browser.post(where, data={"text": "second"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{HERE}#notes-title")
    page = browser.get(HERE).text
    assert "Earlier text" in page and "changed a note at 0:01" in page
    assert browser.post(f"{HERE}/notes/none", data={"text": "x"}).status_code == 404
    other = Browser(app).signed_in({"iss": "x", "sub": "somebody else", "name": "B"})
    assert other.post(where, data={"text": "x"}).status_code == 403
    assert f'action="{where}"' not in other.get(HERE).text
    assert [one.text for one in notes_of(archive, TENANT, RECORDING)] == ["second"]


@pytest.mark.parametrize(
    "form",
    [{}, {"at": "1"}, {"text": "x"}, {"at": "x", "text": "x"}, {"at": "1", "text": "x" * 2001}],
)
def test_a_note_that_is_none_is_400(browser, archive, form):
    put(archive)
    assert MAX_TEXT == 2000
    assert browser.post(f"{HERE}/notes", data=form).status_code == 400
    assert notes_of(archive, TENANT, RECORDING) == []


def test_another_installs_recording_takes_no_note_and_shows_none(app, browser, archive):
    put(archive)
    browser.post(f"{HERE}/notes", data={"at": "0", "text": "ours"})
    allow(app, installs=frozenset({OTHER}))
    assert browser.post(f"{HERE}/notes", data={"at": "0", "text": "x"}).status_code == 404
    api = f"/api/v1{HERE}/notes"
    assert browser.get(api, headers=bearer(app, OTHER)).status_code == 404
    stranger = Browser(app).post(f"{HERE}/notes", data={"at": "0", "text": "x"})
    assert stranger.status_code == 401
    assert len(notes_of(archive, TENANT, RECORDING)) == 1


def test_a_withheld_recording_has_notes_too(app, browser, archive):
    put(archive)
    context_of(app).player._redaction_required = True
    assert browser.post(f"{HERE}/notes", data={"at": "0", "text": "why"}).status_code == 303
    page = browser.get(HERE).text
    assert "withheld" in page and ">why<" in page and 'href="#t=' not in page


def test_who_listened_says_how_much_of_it_each_played(app, browser, archive):
    put(archive)
    browser.get(f"{HERE}/audio")
    for ranges in ([[0, 1]], [[0.5, 1.5]]):
        assert browser.post(f"{HERE}/played", json={"ranges": ranges}).status_code == 204
    access_log(app)
    page = browser.get(HERE).text
    assert "75 %, 1.5 s" in page and 'aria-label="Played: 0:00 to 0:01"' in page


def test_the_facts_of_the_call_are_shown_where_they_are_known(browser, archive):
    call = {"from": "+493012345678", "agent": "Ada <b>", "queue": None, "queue_reason": "No."}
    archived(archive, file_of(8000), analysis={"result": RESULT, "call": call})
    page = browser.get(HERE).text
    assert "+493012345678" in page and "Ada &lt;b&gt;" in page
    assert "<dt>Queue</dt>" not in page
    assert "From +493012345678" in browser.get(f"/calls/{CALL}").text


def test_times_are_in_the_viewers_zone(browser, archive):
    archived(archive, file_of(8000), started_at=datetime(2026, 7, 1, 22, 30, tzinfo=UTC))
    browser.set_cookie("zone", "Europe/Berlin")
    page = browser.get(HERE).text
    assert "Thursday 2 July 2026, 00:30</time>" in page and ">Europe/Berlin</span>" in page
    assert "Thursday 2 July 2026, 00:30</time>" in browser.get(f"/calls/{CALL}").text


def test_a_legal_hold_is_shown_with_its_reason_and_in_the_access_log(browser, archive):
    archived(archive, file_of(8000))
    assert "Legal hold" not in browser.get(HERE).text
    at = datetime(2026, 12, 1, 9, tzinfo=UTC)
    archive.holds.place(Hold(TENANT, RECORDING, "Cy", at, "case <7>"), archive.manifest)
    page = browser.get(HERE).text
    assert "On legal hold" in page
    assert "<dt>Legal hold</dt>" in page
    assert "case &lt;7&gt;" in page
    assert "placed a legal hold: case" in page
