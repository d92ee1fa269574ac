"""Links to audio: on record, for a time, and each for its purpose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from addon.errors import NotPlayable
from addon.playback import direct, tokens
from addon.playback.tokens import Token
from tests.playback.sounds import RECORDING, TENANT, decoded
from tests.web.api.recorded import CONTENT, HERE
from tests.web.playing import access_log, inside


def test_a_link_plays_without_the_token(app, client, token):
    document = client.get(f"{HERE}/file_url?expires=60", headers=token).get_json()
    parts = urlsplit(document["signed_url"])
    assert f"{parts.scheme}://{parts.netloc}" == "https://hooks.example.net"
    assert client.get(parts.path).data == CONTENT
    grant = inside(app).grants.authentic(parts.path.rpartition("/")[2])
    assert grant.expires == document["expires"]
    granted, heard = access_log(app)
    assert (granted["event"], granted["expires"]) == ("granted", document["expires"])
    assert granted["grant"] == heard["grant"]
    assert granted["listener"] == heard["listener"]


def test_expires_is_a_duration_and_then_a_moment(client, token):
    short, long = (
        client.get(f"{HERE}/file_url{query}", headers=token).get_json()["expires"]
        for query in ("?expires=60", "")
    )
    assert 3600 - 60 - 5 <= long - short <= 3600 - 60 + 5


def test_a_link_ends_no_later_than_its_token(app, client):
    end = datetime.now(UTC) + timedelta(seconds=600)
    text, _ = inside(app).tokens.issue(TENANT, expires_at=end)
    header = {"Authorization": f"Bearer {text}"}
    long, short = (
        client.get(f"{HERE}/file_url?expires={seconds}", headers=header).get_json()["expires"]
        for seconds in (86400, 60)
    )
    assert short < long <= end.timestamp()
    assert [event["expires"] for event in access_log(app)] == [long, short]


def test_a_link_to_a_clip_gives_the_clip_alone(app, client, token):
    url = client.get(f"{HERE}/file_url?start=0.5&stop=1.25", headers=token).get_json()["signed_url"]
    answer = client.get(urlsplit(url).path)
    assert (decoded(answer.data)[0] == decoded(CONTENT)[0][4000:10_000]).all()
    granted, heard = access_log(app)
    assert granted["clip_seconds"] == heard["clip_seconds"] == [0.5, 1.25]
    assert heard["seconds"] == pytest.approx(0.8, abs=0.1)
    part = client.get(urlsplit(url).path, headers={"Range": "bytes=44-63"})
    assert part.data == answer.data[44:64]


def test_a_clip_is_a_file_and_its_bytes_are_those_of_the_recording(client, token):
    answer = client.get(f"{HERE}/file?start=0.5&stop=1.25", headers=token)
    assert (decoded(answer.data)[0] == decoded(CONTENT)[0][4000:10_000]).all()
    answer = client.get(f"{HERE}/file?start=1&stop=2&format=flac", headers=token)
    assert f'filename="{RECORDING}-1-2.flac"' in answer.headers["Content-Disposition"]


@pytest.mark.parametrize("query", ["stop=1", "start=1", "start=2&stop=1", "start=1&stop=1"])
def test_half_a_clip_and_one_that_is_empty_are_400(client, token, query):
    assert client.get(f"{HERE}/file_url?{query}", headers=token).status_code == 400


def test_the_ciphertext_s_address_ends_no_later_than_the_token(app, client, monkeypatch):
    asked: list[int] = []

    def address(_archive, _manifest, seconds):
        asked.append(seconds)
        raise NotPlayable("no bucket")

    monkeypatch.setattr(direct, "address", address)
    end = datetime.now(UTC) + timedelta(seconds=300)
    text, _ = inside(app).tokens.issue(TENANT, expires_at=end)
    client.get(f"{HERE}/file_url?direct=1", headers={"Authorization": f"Bearer {text}"})
    assert 0 < asked[0] <= 300


def test_a_link_dies_with_a_token_that_has_expired(app, client, monkeypatch):
    monkeypatch.setattr(tokens, "VALID_FOR_S", 0.0)
    text, token = inside(app).tokens.issue(TENANT, expires_at=datetime.now(UTC) + timedelta(days=1))
    header = {"Authorization": f"Bearer {text}"}
    url = client.get(f"{HERE}/file_url", headers=header).get_json()["signed_url"]
    path = urlsplit(url).path
    assert client.get(path).status_code == 200
    monkeypatch.setattr(Token, "has_expired", lambda self, _now: self.name == token.name)
    assert client.get(path).status_code == 403


def test_a_download_link_works_once_and_converts(client, token):
    url = client.get(f"{HERE}/file_url?format=flac", headers=token).get_json()["signed_url"]
    path = url.removeprefix("https://hooks.example.net")
    assert client.get(path).headers["Content-Type"] == "audio/flac"
    assert client.get(path).status_code == 410


@pytest.mark.parametrize(
    "query",
    [
        "expires=0",
        "expires=-1",
        "expires=x",
        "expires=1.5",
        "expires=",
        "expires=999999999999999999",
        "expires=٣",
        "purpose=steal",
        "format=wav",
        "direct=yes",
        "start=1",
        "stop=x",
        "start=nan&stop=1",
        "start=-1&stop=1",
        "start=100000&stop=100001",
    ],
)
def test_a_wrong_parameter_is_400_and_named(client, token, query):
    answer = client.get(f"{HERE}/file_url?{query}", headers=token)
    assert answer.status_code == 400
    assert answer.get_json()["detail"].startswith(query.partition("=")[0])


def test_a_directory_has_no_addresses_to_give(client, token):
    answer = client.get(f"{HERE}/file_url?direct=1", headers=token)
    assert answer.status_code == 422
    assert "directory" in answer.get_json()["detail"]
