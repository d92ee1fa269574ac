"""Calls over the API: their parts described, joined, picked and linked to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from addon.factory import create_app
from tests.archive.recordings import FACTS
from tests.playback.sounds import CALL, TENANT, archived, decoded, file_of
from tests.web.documented import DocumentedClient
from tests.web.playing import access_log, bearer, inside

HERE = f"/api/v1/calls/{CALL}"
PARTS = {"RE1": file_of(1000, seed=1), "RE2": file_of(2000, seed=2)}
OTHER = "XD" + "9" * 32


@pytest.fixture
def app(settings, redis_server):
    app = create_app(settings)
    app.test_client_class = DocumentedClient
    for number, (name, content) in enumerate(PARTS.items()):
        at = FACTS.started_at + timedelta(minutes=number)
        archived(
            inside(app).archive,
            content,
            recording_id=name,
            started_at=at,
            duration_seconds=0.125 * (number + 1),
        )
    return app


@pytest.fixture
def token(app) -> dict[str, str]:
    return bearer(app)


def test_a_call_is_described_with_its_files(client, token):
    document = client.get(HERE, headers=token).get_json()
    assert document["recordings"] == ["RE1", "RE2"]
    assert document["duration_seconds"] == 0.375
    assert [file["file_size"] for file in document["files"]] == [len(p) for p in PARTS.values()]
    assert document["files"][0]["start_time"] < document["files"][1]["start_time"]


def test_files_are_named_in_the_order_in_which_they_are_joined(app, client):
    for name, seconds in (("RE8", 0.125), ("RE9", 3600.0)):
        archived(
            inside(app).archive,
            file_of(1000),
            recording_id=name,
            call_sid="CAlate",
            started_at=None,
            duration_seconds=seconds,
        )
    document = client.get("/api/v1/calls/CAlate", headers=bearer(app)).get_json()
    assert document["recordings"] == ["RE9", "RE8"]


def test_its_audio_is_one_file_with_ranges(client, token):
    whole = client.get(f"{HERE}/file", headers=token).data
    expected = b"".join(decoded(content)[0].tobytes() for content in PARTS.values())
    assert decoded(whole)[0].tobytes() == expected
    part = client.get(f"{HERE}/file", headers=token | {"Range": "bytes=4000-4099"})
    assert (part.status_code, part.data) == (206, whole[4000:4100])
    assert part.headers["Content-Range"] == f"bytes 4000-4099/{len(whole)}"


def test_one_part_can_be_picked(client, token):
    for name, content in PARTS.items():
        assert client.get(f"{HERE}/file?file_id={name}", headers=token).data == content
    assert client.get(f"{HERE}/file?file_id=RE3", headers=token).status_code == 404
    assert client.get(f"{HERE}/file?file_id=", headers=token).status_code == 404


def test_a_recording_of_another_call_cannot_be_picked(app, client, token):
    archived(inside(app).archive, b"x", recording_id="REelse", call_sid="CAelse")
    assert client.get(f"{HERE}/file?file_id=REelse", headers=token).status_code == 404
    assert client.get(f"{HERE}/file_url?file_id=REelse", headers=token).status_code == 404


def test_a_link_to_the_whole_and_to_a_part(app, client, token):
    for query, expected in (("", None), ("?file_id=RE2", PARTS["RE2"])):
        url = client.get(f"{HERE}/file_url{query}", headers=token).get_json()["signed_url"]
        found = client.get(url.removeprefix("https://hooks.example.net")).data
        assert found == (expected or client.get(f"{HERE}/file", headers=token).data)


def test_the_access_log_of_every_part_knows_of_it(app, client, token):
    url = client.get(f"{HERE}/file_url", headers=token).get_json()["signed_url"]
    client.get(url.removeprefix("https://hooks.example.net"), headers={"Range": "bytes=0-9"})
    for name in PARTS:
        granted, heard = access_log(app, name)
        assert (granted["event"], heard["event"]) == ("granted", "heard")
        assert granted["call_sid"] == heard["call_sid"] == CALL
        assert granted["grant"] == heard["grant"]


def test_the_call_in_another_format(client, token):
    answer = client.get(f"{HERE}/file?format=mp3", headers=token)
    assert answer.headers["Content-Type"] == "audio/mpeg"
    assert f'filename="{CALL}.mp3"' in answer.headers["Content-Disposition"]


def test_a_token_for_all_has_to_name_the_install(app, client):
    everything = bearer(app, None)
    for way in ("", "/file", "/file_url"):
        assert client.get(HERE + way, headers=everything).status_code == 400
        named = client.get(f"{HERE}{way}?install={TENANT}", headers=everything)
        assert named.status_code == 200
        assert client.get(f"{HERE}{way}?install={OTHER}", headers=everything).status_code == 404


def test_a_call_that_is_not_there_and_one_of_another_install_are_the_same(app, client, token):
    foreign = bearer(app, OTHER)
    for way in ("", "/file", "/file_url", "/file?file_id=RE1"):
        other = client.get(HERE + way, headers=foreign)
        nowhere = client.get(f"/api/v1/calls/CAnone{way}", headers=foreign)
        assert other.status_code == nowhere.status_code == 404
        assert other.data == nowhere.data


@pytest.mark.parametrize("name", ["..", "a%2fb", "%00", "x" * 70])
def test_an_impossible_call_is_404(client, token, name):
    assert client.get(f"/api/v1/calls/{name}/file", headers=token).status_code == 404


def test_parts_that_cannot_be_joined_are_422(app, client, token):
    archived(inside(app).archive, b"no audio", recording_id="RE3", format="unknown")
    assert client.get(f"{HERE}/file", headers=token).status_code == 422
    assert client.get(f"{HERE}/file?file_id=RE1", headers=token).status_code == 200
