"""The archive in a real browser: headless Chromium plays, seeks, and hears what was archived."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from addon.archive.archive import Archive
from addon.playback.grants import Grants
from addon.settings import Settings
from tests.outbound.loopback import Answer, Loopback
from tests.playback.sounds import CALL, RECORDING, TENANT, archived, decoded, file_of
from tests.web.serving import Served, served

RATE = 8000
SECONDS = 8
FRAMES = SECONDS * RATE
KINDS = {
    "REpcm": {"kind": "pcm16"},
    "REmulaw": {"kind": "mu-law"},
    "REalaw": {"kind": "a-law"},
    "REgsm": {"kind": "gsm", "channels": 1},
    "REima": {"kind": "ima", "channels": 1},
    "REmp3": {"kind": "mp3"},
    "REflac": {"kind": "flac"},
}

PLAYER = """
window.seek = async (url, seconds) => {
  const audio = new Audio();
  audio.crossOrigin = "anonymous";
  audio.muted = true;
  audio.preload = "metadata";
  audio.src = url;
  const once = name => new Promise((done, failed) => {
    audio.addEventListener(name, done, {once: true});
    audio.addEventListener("error", () => failed(new Error(audio.error.message)), {once: true});
  });
  await once("loadedmetadata");
  audio.currentTime = seconds;
  await once("seeked");
  const at = audio.currentTime;
  await audio.play();
  await new Promise(done => {
    audio.addEventListener("timeupdate", () => audio.currentTime > at + 0.2 && done());
  });
  const reached = audio.currentTime;
  audio.pause();
  return {duration: audio.duration, at, reached};
};
window.hear = async (url, rate, header) => {
  const answer = await fetch(url, {headers: header ? {Range: header} : {}});
  const bytes = await answer.arrayBuffer();
  const facts = {status: answer.status, range: answer.headers.get("Content-Range"),
                 size: bytes.byteLength};
  if (header) return {...facts, bytes: Array.from(new Uint8Array(bytes))};
  const heard = await new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes);
  const channels = [];
  for (let c = 0; c < heard.numberOfChannels; c++) {
    const samples = Int16Array.from(heard.getChannelData(c), x => Math.round(x * 32768));
    const bytes = new Uint8Array(samples.buffer);
    channels.push(btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), "")));
  }
  return {...facts, rate: heard.sampleRate, channels};
};
window.broken = async url => {
  try { await (await fetch(url)).arrayBuffer(); return "whole"; } catch (error) { return "broken"; }
};
"""


@pytest.fixture(scope="module")
def player() -> Iterator[Loopback]:
    """A page on another origin, as the Flex player is."""
    page = Loopback()
    page.otherwise = lambda request: Answer(
        200, b"<!doctype html><title>player</title>", {"Content-Type": "text/html"}
    )
    with page.running():
        yield page


@pytest.fixture(scope="module")
def settings(tmp_path_factory, redis_url, made_keys, player) -> Settings:
    return Settings.load(
        {
            "DATA_DIR": str(tmp_path_factory.mktemp("browser")),
            "REDIS_URL": redis_url,
            "ARCHIVE_PUBLIC_KEYS": made_keys["public"],
            "ARCHIVE_PRIVATE_KEYS": made_keys["private"],
            "MANIFEST_SIGNING_KEY": made_keys["signing"],
            "PLAYBACK_SECRETS": "the-playback-secret-of-these-tests",
            "PLAYER_ORIGINS": player.origin,
        }
    )


@pytest.fixture(scope="module")
def contents(settings) -> dict[str, bytes]:
    archive = Archive.from_settings(settings)
    found = {name: file_of(FRAMES, **kind) for name, kind in KINDS.items()}
    found[RECORDING] = found["REpcm"]
    for name, content in found.items():
        call = CALL if name in ("REmulaw", "REpcm") else "CAother"
        archived(archive, content, recording_id=name, call_sid=call)
    return found


@pytest.fixture(scope="module")
def server(settings, contents) -> Iterator[Served]:
    with served(settings) as running:
        yield running


@pytest.fixture(scope="module")
def page(chromium, player, server):
    page = chromium.new_page()
    page.goto(player.origin)
    page.evaluate(PLAYER)
    yield page
    page.close()


@pytest.fixture(scope="module")
def link(settings, server):
    grants = Grants.from_settings(settings.replace())

    def url(recording_id: str | None = RECORDING, call_sid: str | None = None) -> str:
        grant = grants.issue(
            TENANT, recording_id=recording_id, call_sid=call_sid, listener="browser"
        )
        return f"{server.origin}/media/{grants.token(grant)}"

    return url


def samples_of(found) -> np.ndarray:
    """What the browser decoded: (channels, frames)."""
    channels = [np.frombuffer(base64.b64decode(text), "<i2") for text in found["channels"]]
    return np.array(channels).astype(int)


@pytest.mark.parametrize("name", [*KINDS])
def test_the_audio_element_seeks_to_the_middle_and_plays_on(page, link, name):
    found = page.evaluate("([url, at]) => seek(url, at)", [link(name), 4.5])
    assert found["duration"] == pytest.approx(SECONDS, abs=0.2)
    assert found["at"] == pytest.approx(4.5, abs=0.1)
    assert found["reached"] > found["at"] + 0.2


@pytest.mark.parametrize("name", ["REpcm", "REmulaw", "REalaw", "REgsm", "REima", "REflac"])
def test_what_is_heard_is_what_was_archived(page, link, contents, name):
    found = page.evaluate("([url, rate]) => hear(url, rate)", [link(name), RATE])
    expected = decoded(contents[name])[0].T
    heard = samples_of(found)
    assert heard.shape == expected.shape
    assert np.abs(heard - expected).max() <= 1


def test_ranges_reach_the_script_of_another_origin(page, link, contents):
    found = page.evaluate("url => hear(url, 8000, 'bytes=140000-140099')", link())
    assert found["status"] == 206
    assert found["range"] == f"bytes 140000-140099/{len(contents[RECORDING])}"
    assert bytes(found["bytes"]) == contents[RECORDING][140_000:140_100]


def test_a_joined_call_is_heard_as_one(page, link, contents):
    found = page.evaluate("([url, rate]) => hear(url, rate)", [link(None, CALL), RATE])
    parts = [decoded(contents[name])[0] for name in ("REmulaw", "REpcm")]
    heard = samples_of(found).T
    assert len(heard) == sum(map(len, parts))
    orders = [np.concatenate(order) for order in (parts, parts[::-1])]
    assert min(np.abs(heard - order).max() for order in orders) <= 1


def test_a_damaged_recording_never_sounds_whole(page, link, settings, contents):
    archive = Archive.from_settings(settings)
    archived(archive, contents[RECORDING], recording_id="REdamaged", call_sid="CAd")
    root = Path(urlsplit(settings.archive_url).path)
    path = root / "recordings" / TENANT / "REdamaged" / "audio.esdk"
    content = bytearray(path.read_bytes())
    content[len(content) * 2 // 3] ^= 1
    path.write_bytes(content)
    assert page.evaluate("url => broken(url)", link("REdamaged")) == "broken"
    assert page.evaluate("url => broken(url)", link()) == "whole"
