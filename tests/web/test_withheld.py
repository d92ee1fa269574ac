"""REDACT_DTMF=required: no way out gives a recording in which digits may remain."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from addon.factory import create_app
from addon.playback.clips import Clip
from addon.playback.policy import Rights
from tests.archive.recordings import CALL, RECORDING, archived
from tests.calls import wav
from tests.twilio.standin import ACCOUNT, TOKEN, StandIn
from tests.web.documented import DocumentedClient
from tests.web.people import Browser
from tests.web.playing import access_log, bearer, inside
from tests.web.test_flex import HEADER, JWE, verdict

ROOT = Path(__file__).parents[2]
WITHHELD = 64707
OTHER_PART = "RE" + "7" * 32
WAVEFORM = {
    "version": 2,
    "channels": 2,
    "sample_rate": 8000,
    "samples_per_pixel": 8000,
    "bits": 8,
    "length": 1,
    "data": [-1, 1, -1, 1],
}
SAID = "four two four two"
SENTENCE = {"start_seconds": 0.1, "end_seconds": 0.9, "role": "agent", "transcript": SAID}
RESULT: dict[str, Any] = {
    "result": {
        "waveform": WAVEFORM,
        "flags": [],
        "participants": [],
        "transcript": {"sentences": [{**SENTENCE, "words": []}]},
        "categories": [
            {
                "rule": "paying",
                "title": "Paying",
                "party": "agent",
                "status": "found",
                "intervals": [[0.1, 0.9]],
                "text": [SAID],
            }
        ],
        "call_analytics": {"Transcript": [{"Content": SAID}], "Channel": "VOICE"},
    }
}

API = f"/api/v1/recordings/{RECORDING}"
API_CALL = f"/api/v1/calls/{CALL}"

GIVES_AUDIO = {
    "media.media": ["<link>", "<link>?format=flac", "<call link>", "<download>", "<clip link>"],
    "flex_playback.playback": [f"/flex/playback?recording_sid={RECORDING}"],
    "api.file": [
        f"{API}/file",
        f"{API}/file?format=mp3",
        f"{API}/file?format=opus",
        f"{API}/file?start=0&stop=0.5",
    ],
    "api.file_url": [
        f"{API}/file_url",
        f"{API}/file_url?direct=1",
        f"{API}/file_url?format=flac",
        f"{API}/file_url?start=0&stop=0.5",
    ],
    "api.peaks": [f"{API}/peaks"],
    "api.transcript": [f"{API}/transcript", f"{API}/transcript?format=txt"],
    "api.call_file": [
        f"{API_CALL}/file",
        f"{API_CALL}/file?format=flac",
        f"{API_CALL}/file?file_id={RECORDING}",
        f"{API_CALL}/file?start=0&stop=0.5",
    ],
    "api.call_file_url": [f"{API_CALL}/file_url", f"{API_CALL}/file_url?file_id={RECORDING}"],
    "pages.recording_audio": [f"/recordings/{RECORDING}/audio"],
    "pages.recording_download": [f"/recordings/{RECORDING}/download"],
    "pages.recording_clip": [f"/recordings/{RECORDING}/clip?start=0&stop=0.5"],
    "pages.call_audio": [f"/calls/{CALL}/audio"],
    "pages.call_download": [f"/calls/{CALL}/download"],
    "pages.call_clip": [f"/calls/{CALL}/clip?start=0&stop=0.5"],
    "pages.recording_transcript": [f"/recordings/{RECORDING}/transcript?format=srt"],
}
"""Every route from which a recording's sound, its waveform, its words or a link to it comes."""

GIVES_NONE = {
    "api.describe": "facts and figures",
    "api.erase": "nothing",
    "api.audit": "the access log",
    "api.call": "facts",
    "api.notes": "what people wrote, not what was said",
    "pages.recording": "a page, which asks the routes above",
    "pages.recording_timeline": "figures",
    "pages.recording_played": "nothing: it takes a report",
    "pages.recording_notes": "nothing: it takes a note",
    "pages.recording_note": "nothing: it takes a note's new text",
    "pages.call": "a page, which asks the routes above",
    "pages.call_timeline": "figures",
    "pages.call_played": "nothing: it takes a report",
    "media.media_preflight": "CORS headers",
    "ringcentral.recording": "a page, which asks the route below",
    "ringcentral.recording_audio": "RingCentral's own copy, to people signed in there",
}
"""Every other route that has to do with one recording, and what it gives."""

WAYS = [path for paths in GIVES_AUDIO.values() for path in paths]


@pytest.fixture
def twilio() -> Iterator[StandIn]:
    with StandIn().running() as standin:
        standin.tokens[JWE] = verdict()
        yield standin


@pytest.fixture
def app(settings, redis_server, twilio) -> Flask:
    ours = settings.replace(
        twilio_account_sid=ACCOUNT,
        twilio_auth_token=TOKEN,
        twilio_base_url=twilio.host.origin,
        redact_dtmf="required",
    )
    return _allowing(create_app(ours))


def _allowing(app: Flask) -> Flask:
    rights = Rights(listen=True, download=True, see_listeners=True, installs=None)
    inside(app).policy = lambda claims, settings: rights
    return app


def put(app: Flask, redaction: str | None, recording_id: str = RECORDING) -> None:
    archived(
        inside(app).archive,
        wav(1.0),
        tenant=ACCOUNT,
        recording_id=recording_id,
        analysis=RESULT,
        redaction=redaction,
    )


def ask(app: Flask, path: str) -> TestResponse:
    """One way, by somebody who has every right to go it."""
    if path.startswith(("/recordings/", "/calls/")):
        return Browser(app).signed_in().get(path)
    client = DocumentedClient(app, app.response_class, use_cookies=False)
    if path.startswith("/flex/"):
        return client.get(path, headers={"Authorization": HEADER})
    if path.startswith("<"):
        return client.get(_linked(app, path))
    return client.get(path, headers=bearer(app, ACCOUNT))


def _linked(app: Flask, name: str) -> str:
    """A link that was given before anybody asked for the redaction to be complete."""
    what, _, query = name.partition("?")
    purpose = "listen" if what != "<download>" and not query else "download"
    subject = {"call_sid": CALL} if what == "<call link>" else {"recording_id": RECORDING}
    clip = Clip.of(0, 0.5) if what == "<clip link>" else None
    grants = inside(app).grants
    grant = grants.issue(ACCOUNT, listener="agent9", purpose=purpose, clip=clip, **subject)
    return f"/media/{grants.token(grant)}{'?' if query else ''}{query}"


def test_every_route_of_a_recording_is_in_one_of_the_two_lists(app):
    of_a_recording = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.arguments & {"recording_id", "call_sid", "token"}
    }
    assert of_a_recording | {"flex_playback.playback"} == set(GIVES_AUDIO) | set(GIVES_NONE)


@pytest.mark.parametrize("path", WAYS)
@pytest.mark.parametrize("redaction", ["incomplete", "off", None])
def test_no_way_out_gives_what_may_hold_digits(app, path, redaction):
    put(app, redaction)
    answer = ask(app, path)
    assert answer.status_code == 403
    if answer.is_json or "problem" in answer.content_type:
        assert answer.get_json(force=True)["code"] == WITHHELD
    assert "withheld" in answer.text
    assert SAID not in answer.text
    assert not answer.content_type.startswith("audio/")


@pytest.mark.parametrize("path", WAYS)
def test_every_way_out_gives_what_is_completely_redacted(app, path):
    put(app, "complete")
    answer = ask(app, path)
    if "direct=1" in path:
        assert answer.get_json()["code"] != WITHHELD  # a directory has no addresses to give
    else:
        assert answer.status_code in (200, 307)


@pytest.mark.parametrize("path", WAYS)
def test_every_way_out_gives_it_where_nobody_requires_more(settings, twilio, redis_server, path):
    ours = settings.replace(
        twilio_account_sid=ACCOUNT,
        twilio_auth_token=TOKEN,
        twilio_base_url=twilio.host.origin,
    )
    app = _allowing(create_app(ours))
    put(app, "incomplete")
    assert ask(app, path).status_code in (200, 307, 422)


@pytest.mark.parametrize("path", ["<call link>", f"{API_CALL}/file", f"{API_CALL}/file_url"])
def test_one_part_withholds_the_joined_call_and_the_answer_names_it(app, path):
    put(app, "incomplete")
    put(app, "complete", OTHER_PART)
    problem = ask(app, path).get_json(force=True)
    assert (problem["status"], problem["code"]) == (403, WITHHELD)
    assert RECORDING in problem["detail"]
    assert "one by one" in problem["remedy"]
    other = ask(app, f"{API_CALL}/file?file_id={OTHER_PART}")
    assert (other.status_code, other.data) == (200, wav(1.0))


def test_a_refusal_is_on_record(app):
    put(app, "incomplete")
    for path in ("<link>", f"{API}/file", f"/recordings/{RECORDING}/audio"):
        ask(app, path)
        event = access_log(app, tenant=ACCOUNT)[-1]
        assert event["event"] == "denied"
        assert "withheld" in event["reason"]


def test_the_api_says_so_and_shows_no_waveform(app):
    put(app, "incomplete")
    document = ask(app, API).get_json()
    assert document["playable"] is False
    assert document["redaction"]["status"] == "incomplete"
    result = document["analysis"]["result"]
    assert "waveform" not in result
    assert result["transcript"] is None
    assert result["transcript_reason"].startswith("Withheld: digits may remain")
    assert result["categories"][0]["intervals"] == [[0.1, 0.9]]
    assert result["categories"][0]["text"] == [None]
    assert SAID not in str(document)


def test_the_api_tells_unknown_from_off(app):
    put(app, None)
    redaction = ask(app, API).get_json()["redaction"]
    assert redaction["status"] is None
    assert redaction["status_reason"]


def test_the_page_says_so_to_people_and_has_no_player(app):
    put(app, "incomplete")
    page = Browser(app).signed_in().get(f"/recordings/{RECORDING}").text
    assert "This recording is withheld: digits may remain audible in it." in page
    assert "<audio" not in page
    assert SAID not in page
    assert f"/recordings/{RECORDING}/download" not in page
    for path in (f"/recordings/{RECORDING}", f"/calls/{CALL}"):
        browser = Browser(app).signed_in()
        assert SAID not in browser.get(path).text
        timeline = browser.get(f"{path}/timeline")
        assert timeline.get_json()["peaks"] is None
        assert SAID not in timeline.text


def test_listeners_audio_is_opened_in_one_place_alone():
    """Who opens the archive past the player gives out what the policy withholds."""
    opening = re.compile(r"archive\.(open|decrypted)\(|\.presigned\(")
    found = {
        path.relative_to(ROOT / "addon").as_posix()
        for room in ("web", "playback")
        for path in (ROOT / "addon" / room).rglob("*.py")
        if opening.search(path.read_text())
    }
    assert found == {"playback/player.py", "playback/direct.py"}
