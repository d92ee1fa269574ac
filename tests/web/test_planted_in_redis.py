"""Keys in Redis that somebody spoils: the web answers, and never with a 500."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from addon import redis_keys
from addon.metrics import declarations
from addon.requests.spoilt_keys import SpoiltKeys
from tests.calls import wav
from tests.playback.sounds import CALL, RECORDING, archived, file_of
from tests.web import requests as send
from tests.web.people import Browser
from tests.web.playing import bearer, inside, link
from tests.workers.test_planted_in_redis import SPOILT, spoil

AUDIO = wav(1.0)
KEYS = (
    redis_keys.METRICS,
    redis_keys.REQUESTS_OPEN,
    redis_keys.SIGNATURES_MATCHED,
    redis_keys.SERVICE_TIMES + "express",
    redis_keys.SWEEPER,
    "rq:queue:express",
    "rq:queue:express:intermediate",
)


class Everything:
    """One of each thing that people, programs and Twilio ask of the web."""

    def __init__(self, app: Flask, client: FlaskClient) -> None:
        archived(inside(app).archive, file_of(1000))
        self.app, self.client, self.browser = app, client, Browser(app).signed_in()
        self.header = bearer(app)
        self.sid = send.new_sid()

    def statuses(self) -> dict[str, int]:
        api = f"/api/v1/recordings/{RECORDING}"
        paths = ("/healthz", "/readyz", "/metrics", "/api/v1/recordings", api, f"{api}/file")
        found = {
            path: self.client.get(path, headers=self.header).status_code
            for path in (*paths, f"{api}/file_url", f"{api}/peaks", f"/api/v1/calls/{CALL}")
        }
        for purpose in ("listen", "download"):
            found[purpose] = self.client.get(link(self.app, purpose=purpose)).status_code
        for path in ("/recordings", f"/recordings/{RECORDING}", "/signed-out"):
            found[f"page {path}"] = self.browser.get(path).status_code
        found["invocation"] = self.invoke()
        return found

    def invoke(self) -> int:
        callback = f"https://marketplace.twilio.com/v1/cb/{self.sid}"
        fields = [("callback", callback), ("duration", "1")]
        shape = send.multipart(fields, AUDIO, name="audio-data", filename="a.wav")
        return shape.post(self.client, self.sid).status_code


@pytest.fixture
def everything(app: Flask, client: FlaskClient) -> Everything:
    return Everything(app, client)


def refused(statuses: dict[str, int]) -> dict[str, int]:
    return {what: status for what, status in statuses.items() if status >= 500 and status != 503}


def test_all_of_it_works_where_nothing_is_spoilt(everything):
    assert not {what: status for what, status in everything.statuses().items() if status >= 400}


@pytest.mark.parametrize("command", SPOILT.values(), ids=SPOILT)
@pytest.mark.parametrize("key", KEYS)
def test_one_spoilt_key_is_no_500_and_the_sweeper_mends_it(everything, services, key, command):
    spoil(services.redis, key, command)
    assert not refused(everything.statuses())
    SpoiltKeys(services.redis).remove()
    assert everything.invoke() == 202


@pytest.mark.parametrize("command", SPOILT.values(), ids=SPOILT)
def test_everything_spoilt_is_no_500(everything, services, command):
    """Whatever a request, a session, a limit or a link has left in Redis."""
    everything.statuses()
    for key in list(services.redis.scan_iter()):
        spoil(services.redis, key.decode(), command)
    assert not refused(everything.statuses())


def test_counters_of_no_metric_and_no_number_are_left_out(everything, services):
    name = declarations.ACCEPTED.name
    garbage = {f"{name}|a|b": "1", f"{name}": "1", "none|x": "1", f"{name}|flex": "x", "\x00": "1"}
    services.redis.hset(redis_keys.METRICS, mapping=garbage)
    services.redis.hset(redis_keys.METRICS, b"\xff", b"1")
    assert everything.client.get("/metrics").status_code == 200
