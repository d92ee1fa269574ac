"""The page of a call: its recordings in the order of time, for those who may know of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from addon.archive.archive import Archive
from tests.archive.recordings import CALL, FACTS, RECORDING, TENANT, archived
from tests.playback.sounds import decoded, file_of
from tests.web.people import Browser, context_of
from tests.web.playing import access_log
from tests.web.test_pages import OTHER, RESULT, allow

HERE = f"/calls/{CALL}"
FIRST, SECOND = "RE9first", "RE1second"
"""Names in the other order than time."""


@pytest.fixture
def archive(app: Flask) -> Archive:
    return context_of(app).archive


@pytest.fixture
def browser(app: Flask, archive: Archive) -> Browser:
    """Somebody who may do everything, and a call of two recordings."""
    allow(app)
    put(archive, SECOND, after_s=120, frames=16_000)
    put(archive, FIRST, frames=8000)
    return Browser(app).signed_in()


def put(archive: Archive, name: str, *, after_s: int = 0, frames: int = 8000, **changes: Any):
    given = {
        "analysis": {"result": RESULT},
        "started_at": FACTS.started_at + timedelta(seconds=after_s),
        "duration_seconds": frames / 8000,
        **changes,
    }
    archived(archive, file_of(frames), recording_id=name, **given)


def test_recordings_are_listed_in_the_order_of_time_with_their_place_in_the_whole(browser):
    page = browser.get(HERE)
    assert page.status_code == 200
    assert page.text.index(f"/recordings/{FIRST}") < page.text.index(f"/recordings/{SECOND}")
    assert "2 recordings, 3.0 s" in page.text
    assert 'href="#t=1"' in page.text and 'aria-label="Play recording 2 at 0:01"' in page.text


def test_its_timeline_has_everything_where_it_is_heard(browser):
    document = browser.get(f"{HERE}/timeline").get_json()
    assert document["duration"] == 3.0
    assert document["legs"] == [[0, 1], [1, 3]]
    assert [turn[1] for turn in document["turns"]] == [0.1, 0.4, 1.1, 1.4]
    assert document["channels"] == {"customer": 0, "agent": 1}


def test_playing_it_is_on_record_for_every_recording(app, browser):
    answer = browser.get(f"{HERE}/audio")
    assert answer.status_code == 307
    heard = browser.get(answer.headers["Location"])
    expected = [decoded(file_of(frames))[0] for frames in (8000, 16_000)]
    assert decoded(heard.data)[0].tobytes() == b"".join(one.tobytes() for one in expected)
    heard.close()
    for name in (FIRST, SECOND):
        events = [event["event"] for event in access_log(app, name)]
        assert events == ["granted", "heard"]


def test_a_report_of_the_call_is_told_of_each_recording_in_its_own_seconds(app, browser):
    browser.get(f"{HERE}/audio")
    assert browser.post(f"{HERE}/played", json={"ranges": [[0.5, 2.0]]}).status_code == 204
    found = {
        name: [event for event in access_log(app, name) if event["event"] == "played"]
        for name in (FIRST, SECOND)
    }
    assert [event["ranges_seconds"] for event in found[FIRST]] == [[[0.5, 1.0]]]
    assert [event["ranges_seconds"] for event in found[SECOND]] == [[[0.0, 1.0]]]


def test_a_clip_of_it_may_lie_in_two_recordings(browser):
    answer = browser.get(f"{HERE}/clip?start=0.5&stop=0:01.5")
    clip = browser.get(answer.headers["Location"])
    assert decoded(clip.data)[0].shape == (8000, 2)
    assert f'filename="{CALL}-0.5-1.5.wav"' in clip.headers["Content-Disposition"]


def test_a_call_of_another_install_is_answered_as_one_that_does_not_exist(app, browser):
    allow(app, installs=frozenset({OTHER}))
    for behind in ("", "/timeline", "/audio", "/download", "/clip?start=1&stop=2"):
        other, nowhere = (browser.get(f"/calls/{sid}{behind}") for sid in (CALL, "CA" + "0" * 32))
        assert other.status_code == nowhere.status_code == 404
        assert other.text.replace(CALL, "") == nowhere.text.replace("CA" + "0" * 32, "")


def test_a_recording_of_another_install_is_no_part_of_it(app, archive, browser):
    put(archive, "REother", tenant=OTHER)
    allow(app, installs=frozenset({TENANT}))
    page = browser.get(HERE)
    assert "REother" not in page.text and OTHER not in page.text
    assert browser.get(f"{HERE}?install={OTHER}").status_code == 404


def test_two_installs_that_hold_it_are_told_apart(archive, browser):
    put(archive, "REother", tenant=OTHER)
    page = browser.get(HERE)
    assert f'href="{HERE}?install={OTHER}"' in page.text
    other = browser.get(f"{HERE}?install={OTHER}").text
    assert f"/recordings/REother?install={OTHER}" in other and FIRST not in other


def test_without_the_right_nothing_is_taken_away(app, browser):
    allow(app, download=False)
    for way in ("download", "clip?start=1&stop=2"):
        assert browser.get(f"{HERE}/{way}").status_code == 403
    page = browser.get(HERE).text
    assert "Download" not in page and 'id="clip"' not in page


def test_a_part_that_cannot_be_joined_is_said_and_the_others_are_there(archive, browser):
    archived(archive, b"no audio", recording_id="REbad", format="unknown", started_at=None)
    page = browser.get(HERE)
    assert page.status_code == 200
    assert "<audio" not in page.text and f"/recordings/{FIRST}" in page.text
    assert browser.get(f"{HERE}/timeline").get_json()["peaks"] is None


@pytest.mark.parametrize("sid", ["..", "a%2fb", "%00", "x" * 70, RECORDING])
def test_an_impossible_call_is_404(browser, sid):
    assert browser.get(f"/calls/{sid}").status_code == 404


def test_a_stranger_learns_nothing(app, browser):
    assert Browser(app).get(HERE).status_code == 302
    assert Browser(app).post(f"{HERE}/played", data=b"{}").status_code == 403


def test_a_call_with_a_withheld_recording_is_not_played_and_shows_no_sound_of_it(app, browser):
    context_of(app).player._redaction_required = True
    page = browser.get(HERE)
    assert page.status_code == 200 and "<audio" not in page.text
    assert "cannot be played as one" in page.text.lower() or "The call cannot" in page.text
    document = browser.get(f"{HERE}/timeline").get_json()
    assert document["peaks"] is None and document["words"] == []
    assert browser.get(f"{HERE}/audio").status_code == 403
    assert browser.get(f"{HERE}/clip?start=0&stop=1").status_code == 403


def test_a_recording_that_is_not_as_it_was_signed_is_named_and_keeps_the_call_silent(
    archive, browser
):
    key = f"recordings/{TENANT}/{SECOND}/manifest.json"
    archive.store.put(key, [archive.store.get(key).replace(b'"wav"', b'"mp3"', 1)], if_absent=False)
    page = browser.get(HERE)
    assert page.status_code == 200 and "<audio" not in page.text
    assert f"/recordings/{FIRST}" in page.text and "not what was signed" in page.text
