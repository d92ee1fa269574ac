"""Reports of what was played: whose they are, what they may say, and what the log says of them."""

from __future__ import annotations

import json
import time

import pytest

from tests.playback.sounds import RECORDING, TENANT, archived, file_of
from tests.web.playing import access_log, inside, link

HERE = f"/recordings/{RECORDING}/played"


@pytest.fixture
def report(app, client):
    """Send a report by a link, which was made `now`."""
    archived(inside(app).archive, file_of(80_000))

    def send(content, *, path=HERE, token=None, **facts):
        token = token or link(app, **facts).removeprefix("/media/")
        client.set_cookie("playing", token, path="/")
        body = content if isinstance(content, bytes) else json.dumps({"ranges": content}).encode()
        return client.post(path, data=body).status_code

    return send


def played(app):
    return [event for event in access_log(app) if event["event"] == "played"]


def test_what_was_played_is_on_record_in_seconds(app, report):
    duration = inside(app).archive.manifest(TENANT, RECORDING).facts.duration_seconds
    assert report([[0.5, 1.5], [1.0, 2.25]]) == 204
    (event,) = played(app)
    assert event["ranges_seconds"] == [[0.5, min(2.25, duration)]]
    assert (event["listener"], event["right"]) == ("agent9", "link")
    assert event["grant"]


def test_it_never_says_more_than_the_recording_lasts(app, report):
    duration = inside(app).archive.manifest(TENANT, RECORDING).facts.duration_seconds
    assert report([[0, 1e9]]) == 204
    assert played(app)[0]["seconds"] == pytest.approx(duration, abs=0.1)


def test_many_reports_are_one_event(app, report):
    token = link(app).removeprefix("/media/")
    for stop in range(1, 20):
        assert report([[0, stop / 10]], token=token) == 204
    (event,) = played(app)
    assert event["reports"] == 19


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"ranges": 1}',
        b'{"ranges": [[1]]}',
        b'{"ranges": [[-1, 2]]}',
        b'{"ranges": [[0, NaN]]}',
        b'{"ranges": [[0, 1e999]]}',
        b"[" * 4000,
        b"x" * 100_000,
        [[0, 1]] * 65,
    ],
)
def test_a_report_that_is_none_is_400(app, report, content):
    assert report(content) == 400
    assert played(app) == []


@pytest.mark.parametrize("content", [[], [[2, 1]], [[1, 1]], [[1e8, 1e9]]])
def test_a_report_of_nothing_is_no_event(app, report, content):
    assert report(content) == 204
    assert played(app) == []


def test_only_the_grant_of_this_recording_vouches_for_a_report(app, report):
    archived(inside(app).archive, b"x", recording_id="REother")
    assert report([[0, 1]], token="x") == 403
    assert report([[0, 1]], now=time.time() - 30 * 24 * 3600) == 403
    assert report([[0, 1]], path="/recordings/REother/played") == 403
    assert played(app) == []


def test_a_player_that_never_reports_is_not_one_that_played_nothing(app, client, report):
    silent, loud = (link(app) for _ in range(2))
    for url in (silent, loud):
        with client.get(url) as answer:
            assert answer.data
    report([[0, 1]], token=loud.removeprefix("/media/"))
    inside(app).access_log.flush()
    text, _ = inside(app).tokens.issue(TENANT, "crm")
    events = client.get(
        f"/api/v1/recordings/{RECORDING}/audit", headers={"Authorization": f"Bearer {text}"}
    ).get_json()["events"]
    told = [event.get("played") for event in events if event["event"] == "heard"]
    assert sorted(told, key=str) == [None, "not reported"]
