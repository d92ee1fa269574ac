"""From Twilio's callback to sound in the Insights Player: the whole way, in a real browser."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from addon.settings import Settings
from tests.analysis import calls
from tests.browser import stand
from tests.outbound.loopback import Answer, Loopback
from tests.twilio.standin import ACCOUNT, TOKEN, WORKSPACE, StandIn, sid
from workers import process
from workers.deliver import deliver
from workers.services import Services

JWE = "eyJhbGciOiJkaXIi.aaaa.bbbb.cccc.dddd"

ASK = """async ([provider, token]) => {
  const headers = {Authorization: "Basic " + btoa("token:" + token)};
  const answer = await fetch(provider, {headers});
  return [answer.status, answer.ok ? (await answer.json()).media_url : null];
}"""
"""What the Insights Player does first (spec/protocol 6.2)."""

PLAY = """async (url) => {
  const audio = document.querySelector("audio");
  audio.src = url;
  const once = (name) => new Promise((done, failed) => {
    audio.addEventListener(name, done, {once: true});
    audio.addEventListener("error", () => failed(audio.error.message), {once: true});
  });
  await Promise.all([once("canplay"), audio.load()]);
  const seeked = once("seeked");
  audio.currentTime = audio.duration / 2;
  await seeked;
  await audio.play();
  await once("timeupdate");
  return [audio.duration, audio.currentTime];
}"""

FETCH = """async (url) => {
  const whole = await (await fetch(url)).arrayBuffer();
  const part = await fetch(url, {headers: {Range: "bytes=100-199"}});
  const digest = await crypto.subtle.digest("SHA-256", whole);
  const hex = [...new Uint8Array(digest)].map(b => b.toString(16).padStart(2, "0")).join("");
  return [hex, part.status, part.headers.get("Content-Range"), whole.byteLength];
}"""


@dataclass
class Whole:
    """Twilio, the service over HTTP, and the page that Flex shows."""

    twilio: StandIn
    settings: Settings
    page: Loopback


@pytest.fixture
def whole(settings: Settings, redis_server, monkeypatch) -> Iterator[Whole]:
    page = Loopback()
    html = b"<!doctype html><title>Flex</title><link rel=icon href='data:,'><audio></audio>"
    page.on("/", Answer(200, html, {"Content-Type": "text/html"}))
    with (
        page.running(),
        StandIn(storage=Loopback()).running() as twilio,
        stand.served(
            settings,
            twilio_account_sid=ACCOUNT,
            twilio_auth_token=TOKEN,
            twilio_base_url=twilio.host.origin,
            media_hosts=(twilio.storage.origin,),
            player_origins=(page.origin,),
            flex_workspace_sid=WORKSPACE,
            flex_measures={"agent_talk": "1", "customer_talk": "2", "silence": "3"},
        ) as served,
    ):
        monkeypatch.setattr(
            "workers.services._made", {os.getpid(): Services.from_settings(served.for_worker())}
        )
        twilio.tokens[JWE] = {
            "valid": True,
            "expiration": "2999-01-01T00:00:00.000Z",
            "identity": "agent9_40example_2Eorg",
            "roles": ["supervisor"],
            "worker_sid": sid("WK", 8),
        }
        yield Whole(twilio, served, page)


def test_from_the_callback_to_the_sound(whole, open_page):
    audio = calls.wav(calls.converse(20, 5).samples)
    recording = whole.twilio.record(1, audio)
    task = whole.twilio.task(1, {"conference": {"participants": {"worker": sid("CA", 1)}}})

    assert whole.twilio.call_back(whole.settings.public_url, recording) == 204
    process.process(recording)
    deliver(recording)
    told = whole.twilio.attributes(task)["conversations"]
    assert told["conversation_measure_1"] > 1
    (item,) = told["media"]

    browser = open_page()
    browser.goto(whole.page.url("/"))
    status, media_url = browser.evaluate(ASK, [item["url_provider"], JWE])
    assert status == 200
    duration, position = browser.evaluate(PLAY, media_url)
    assert duration == pytest.approx(20, abs=0.1)
    assert position > duration / 2
    digest, partial, content_range, size = browser.evaluate(FETCH, media_url)
    assert digest == hashlib.sha256(audio).hexdigest()
    assert (partial, content_range) == (206, f"bytes 100-199/{len(audio)}")
    assert size == len(audio)


def test_whoever_has_no_valid_token_gets_no_address(whole, open_page):
    recording = whole.twilio.record(1, calls.wav(calls.converse(5, 6).samples))
    whole.twilio.task(1, {"call_sid": sid("CA", 1)})
    whole.twilio.call_back(whole.settings.public_url, recording)
    process.process(recording)
    deliver(recording)
    browser = open_page(expect_failures=True)
    browser.goto(whole.page.url("/"))
    provider = f"{whole.settings.public_url}/flex/playback?recording_sid={recording}"
    assert browser.evaluate(ASK, [provider, "somebody.elses.token.x.y"]) == [401, None]
