"""The list and the player as HTML: what is shown, to whom, and what a stranger gets."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from addon.archive.archive import Archive
from addon.playback.policy import Rights
from tests.archive.recordings import CALL, RECORDING, TENANT, archived
from tests.calls import wav
from tests.web.people import Browser, context_of
from tests.web.playing import inside

OTHER = "XD" + "9" * 32
MOMENT = datetime(2026, 3, 4, 15, 42, tzinfo=UTC)

RESULT: dict[str, Any] = {
    "audio": {
        "format": "wav",
        "codec": "pcm_s16le",
        "duration_seconds": 1.0,
        "sample_rate_hz": 8000,
        "channels": 2,
    },
    "participants": [
        {
            "channel": channel,
            "role": role,
            "talk_seconds": 0.4,
            "talk_percent": 40.0,
            "turns": 1,
            "longest_monologue_seconds": 0.4,
            "interruptions": {"count": 0, "total_seconds": 0.0},
            "response_latency_seconds": {"median": None, "p90": None, "count": 0},
            "level": {"snr_db": 30.1},
            "dtmf": {"count": 0, "intervals": []},
        }
        for channel, role in enumerate(("customer", "agent"))
    ],
    "conversation": {
        "agent_talk_percent": 40.0,
        "customer_talk_percent": 40.0,
        "silence_percent": 30.0,
        "crosstalk_percent": 10.0,
        "silence_seconds": 0.3,
        "crosstalk_seconds": 0.1,
        "longest_silence_seconds": 0.2,
        "non_talk": {"threshold_seconds": 3.0, "total_seconds": 0.0, "intervals": []},
        "hold": {"total_seconds": 0.0, "intervals": []},
    },
    "segments": [
        {"channel": 0, "role": "customer", "start_seconds": 0.1, "end_seconds": 0.5},
        {"channel": 1, "role": "agent", "start_seconds": 0.4, "end_seconds": 0.8},
    ],
    "flags": ["low_snr"],
    "warnings": ["A warning <b>with</b> markup."],
    "redaction": {"intervals": [], "reasons": []},
}


@pytest.fixture
def archive(app: Flask) -> Archive:
    return context_of(app).archive


@pytest.fixture
def browser(app: Flask) -> Browser:
    """Somebody who may do everything."""
    allow(app)
    return Browser(app).signed_in()


def allow(app: Flask, **changes: Any) -> None:
    """Let the policy give everybody these rights."""
    everything = {"listen": True, "download": True, "see_listeners": True, "installs": None}
    rights = Rights(**{**everything, **changes})
    context_of(app).policy = lambda claims, settings: rights


def put(archive: Archive, number: int = 0, **changes: Any) -> str:
    given: dict[str, Any] = {
        "recording_id": RECORDING if not number else f"RE{number:032x}",
        "analysis": {"result": RESULT},
        "started_at": MOMENT,
        "duration_seconds": 1.0,
        **changes,
    }
    archived(archive, wav(), **given)
    return str(given["recording_id"])


@pytest.mark.parametrize(
    ("redaction", "said"),
    [
        ("complete", "All that were found are muted"),
        ("incomplete", "Some may remain audible"),
        ("off", "Not muted: this was switched off"),
        (None, "Not known whether they are muted"),
    ],
)
def test_the_player_page_says_whether_digits_remain(browser, archive, redaction, said):
    name = put(archive, redaction=redaction)
    page = browser.get(f"/recordings/{name}").text
    assert said in page and "<audio" in page
    assert ("Digits may remain" in page) == (redaction == "incomplete")
    listed = browser.get("/recordings").text
    assert ("Digits may remain" in listed) == (redaction == "incomplete")


def found_by_rules(archive: Archive, categories: Any, **more: Any) -> str:
    """A recording with these categories in its result."""
    return put(archive, analysis={"result": {**RESULT, "categories": categories, **more}})


def test_the_page_lists_what_rules_found_with_places_that_play(browser, archive):
    found = {"rule": "x", "title": "A <refund>", "required": False, "party": "customer"}
    name = found_by_rules(
        archive,
        [
            found | {"status": "found", "intervals": [[0.2, 0.4]], "text": ["my <b>money</b>"]},
            found | {"status": "found", "intervals": [[0.5, 0.6]], "text": [None]},
            found | {"status": "missing", "party": "any", "intervals": [], "text": []},
            found | {"status": "unknown", "reason": "No words.", "intervals": [], "text": []},
        ],
        flags=["rule:refund"],
    )
    page = browser.get(f"/recordings/{name}").text
    said = page[page.index('id="said"') :]
    assert 'data-start="0.2"' in said and "my &lt;b&gt;money&lt;/b&gt;" in said
    assert "A &lt;refund&gt;" in said and "(muted)" in said
    assert "Anybody: not said" in said and "Customer: not known. No words." in said
    assert '<span class="badge badge-warn" title="A rule of this install raises it.">' in page


def test_the_page_tells_nothing_found_from_nobody_looked(browser, archive):
    none = browser.get(f"/recordings/{found_by_rules(archive, [])}").text
    assert "No rule found anything." in none
    put(archive, 2)
    assert "What was said" not in browser.get(f"/recordings/RE{2:032x}").text
    why = "There is no transcript. Left out: the transcriber failed (ValueError)."
    late = {"transcript": None, "transcript_reason": "Left out.", "categories_reason": why}
    put(archive, 3, analysis={"result": {**RESULT, "categories": None, **late}})
    assert why in browser.get(f"/recordings/RE{3:032x}").text


def test_the_page_shows_a_partys_sentiment_of_this_release_and_of_older_ones(browser, archive):
    older = {"media_channel": 1, "role": "customer", "compound": -0.25}
    newer = {"media_channel": 2, "role": "agent", "compound": 0.5}
    newer |= {"start_compound": 0.125, "end_compound": 0.75, "quarters": [None] * 4, "turns": []}
    transcript = {"engine": "x", "sentences": [], "sentiment": [older, newer]}
    name = put(archive, analysis={"result": {**RESULT, "transcript": transcript}})
    page = browser.get(f"/recordings/{name}").text
    assert "<dt>Sentiment</dt><dd>-0.25</dd>" in page
    assert "<dt>Sentiment</dt><dd>+0.50, from +0.12 to +0.75</dd>" in page
    put(
        archive, 2, analysis={"result": {**RESULT, "transcript": {**transcript, "sentiment": None}}}
    )
    assert "Sentiment" not in browser.get(f"/recordings/RE{2:032x}").text


def test_the_player_shows_the_recording(browser, archive):
    page = browser.get(f"/recordings/{put(archive)}")
    assert page.status_code == 200
    for text in ("Wednesday 4 March 2026", "40 %", RECORDING, CALL, TENANT, "Who listened"):
        assert text in page.text


def test_what_a_recording_says_is_never_markup(browser, archive):
    page = browser.get(f"/recordings/{put(archive)}").text
    assert "A warning &lt;b&gt;with&lt;/b&gt; markup." in page


def test_a_recording_without_analysis_can_still_be_played(browser, archive):
    name = put(archive, analysis=None)
    page = browser.get(f"/recordings/{name}")
    assert page.status_code == 200
    assert "could analyse it" in page.text and f'src="/recordings/{name}/audio"' in page.text
    assert "not analysed" in browser.get("/recordings").text.lower()


def test_the_timeline_is_what_the_player_draws(browser, archive):
    document = browser.get(f"/recordings/{put(archive)}/timeline").json
    assert document["duration"] == 1.0
    assert [lane["role"] for lane in document["lanes"]] == ["agent", "customer"]
    assert document["events"]["both"] == [[0.4, 0.5]]


def test_playing_gives_a_grant_and_puts_it_on_record(browser, archive):
    name = put(archive)
    granted = browser.get(f"/recordings/{name}/audio")
    assert granted.status_code == 307
    media = browser.get(granted.headers["Location"], headers={"Range": "bytes=0-43"})
    assert (media.status_code, media.data) == (206, wav()[:44])
    assert "was given a link" in browser.get(f"/recordings/{name}").text


def test_downloading_names_the_file(browser, archive):
    name = put(archive)
    granted = browser.get(f"/recordings/{name}/download")
    media = browser.get(granted.headers["Location"])
    assert media.data == wav()
    assert f"{name}.wav" in media.headers["Content-Disposition"]


def test_without_the_right_there_is_no_download(app, browser, archive):
    name = put(archive)
    allow(app, download=False)
    assert 'id="download"' not in browser.get(f"/recordings/{name}").text
    assert browser.get(f"/recordings/{name}/download").status_code == 403


def test_older_entries_of_the_access_log_are_a_page_further(app, browser, archive):
    name, log = put(archive), inside(app).archive.access_log
    for number in range(60):
        at = datetime(2026, 3, 4, tzinfo=UTC) + timedelta(seconds=number)
        log.record(TENANT, name, f"noted_{number}.", {}, at=at)
    first = browser.get(f"/recordings/{name}").text
    assert "noted 59." in first and "noted 9." not in first
    older = re.search(r'href="([^"#]+)#trail-title">Older', first)
    assert older is not None
    second = browser.get(html.unescape(older.group(1))).text
    assert "noted 9." in second and "noted 59." not in second
    assert ">Older<" not in second


def test_without_the_right_nobody_sees_who_listened(app, browser, archive):
    name = put(archive)
    allow(app, see_listeners=False)
    assert "Who listened" not in browser.get(f"/recordings/{name}").text


@pytest.mark.parametrize("behind", ["", "/timeline", "/audio", "/download"])
def test_another_installs_recording_is_not_there(app, browser, archive, behind):
    name = put(archive)
    allow(app, installs=frozenset({OTHER}))
    assert browser.get(f"/recordings/{name}{behind}").status_code == 404
    assert browser.get(f"/recordings/{name}{behind}?install={TENANT}").status_code == 404
    assert browser.get(f"/recordings/RE404{behind}").status_code == 404


def test_two_installs_of_one_recording_are_told_apart(browser, archive):
    name = put(archive)
    put(archive, tenant=OTHER)
    page = browser.get(f"/recordings/{name}").text
    assert f"/recordings/{name}?install={TENANT}" in page
    assert f"/recordings/{name}?install={OTHER}" in page
    chosen = browser.get(f"/recordings/{name}?install={OTHER}").text
    assert f"/recordings/{name}/audio?install={OTHER}" in chosen


def test_the_permanent_link_is_the_public_one(browser, archive):
    name = put(archive)
    page = browser.get(f"/recordings/{name}").text
    assert f'data-link="https://hooks.example.net/recordings/{name}"' in page


@pytest.mark.parametrize(
    "path",
    ["/recordings", f"/recordings/{RECORDING}", f"/calls/{CALL}", "/login", "/signed-out"],
)
def test_every_page_has_a_strict_policy(browser, archive, path):
    put(archive)
    page = browser.get(path)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self';" in policy
    assert "unsafe" not in policy and "http:" not in policy and "https:" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    ["/recordings", f"/recordings/{RECORDING}", f"/calls/{CALL}", "/login", "/signed-out"],
)
def test_no_page_needs_what_its_policy_forbids(browser, archive, path):
    put(archive)
    text = browser.get(path).text
    assert not re.search(r"\sstyle=|\son[a-z]+=|javascript:|<style|<script>", text)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', text)


def test_the_nonce_is_fresh(browser, archive):
    name = put(archive)
    nonces = {
        re.search(
            "nonce-([^']+)", browser.get(f"/recordings/{name}").headers["Content-Security-Policy"]
        )[1]
        for _ in range(3)
    }
    assert len(nonces) == 3


def test_the_address_alone_leads_to_the_list(browser):
    assert browser.get("/").headers["Location"] == "/recordings"


def test_a_stranger_is_sent_to_sign_in_and_learns_nothing(app, archive):
    name = put(archive)
    stranger = Browser(app)
    answers = [stranger.get(path) for path in (f"/recordings/{name}", "/recordings/RE404")]
    assert [answer.status_code for answer in answers] == [302, 302]


def test_a_defect_is_a_page_too(app, browser, monkeypatch):
    def broken(*_: object) -> None:
        raise RuntimeError("a defect with a secret in it")

    monkeypatch.setattr(context_of(app).recording_rows, "of", broken)
    page = browser.get("/recordings")
    assert page.status_code == 503 and "secret" not in page.text


def test_a_tampered_analysis_is_not_shown(browser, archive, app):
    name = put(archive)
    key = f"recordings/{TENANT}/{name}/analysis.esdk"
    content = bytearray(archive.store.get(key))
    content[-1] ^= 1
    archive.store.delete(key)
    archive.store.put(key, [bytes(content)])
    assert "Its analysis cannot be read" in browser.get("/recordings").text
    page = browser.get(f"/recordings/{name}")
    assert page.status_code == 502 and "damaged" in page.text
