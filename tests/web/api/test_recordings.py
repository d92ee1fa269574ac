"""Recordings over the API: what a token sees, and that it sees nothing else."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import numpy as np
import pytest

from tests.archive.recordings import FACTS
from tests.playback.sounds import CALL, RECORDING, TENANT, archived, decoded, expected, file_of
from tests.web.documented import DocumentedClient
from tests.web.playing import access_log, bearer, inside

OTHER = "XD" + "9" * 32
CONTENT = file_of(20_000)
HERE = f"/api/v1/recordings/{RECORDING}"
ANALYSIS = {"status": "successful", "result": {"flags": [], "segments": []}}


@pytest.fixture
def app(app):
    app.test_client_class = DocumentedClient
    archived(inside(app).archive, CONTENT, analysis=ANALYSIS)
    return app


@pytest.fixture
def token(app) -> dict[str, str]:
    return bearer(app)


@pytest.fixture
def all_token(app) -> dict[str, str]:
    return bearer(app, None)


def test_a_recording_is_described(client, token):
    answer = client.get(HERE, headers=token)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    document = answer.get_json()
    assert document["id"] == RECORDING
    assert document["install"] == TENANT
    assert document["call_sid"] == CALL
    assert document["started_at"] == "2026-11-20T23:59:58.000+00:00"
    assert document["analysis"] == ANALYSIS
    (file,) = document["files"]
    assert file["file_id"] == RECORDING
    assert file["file_size"] == len(CONTENT)
    assert file["stop_time"] == "2026-11-21T00:00:05.365+00:00"


def test_a_recording_without_analysis_says_why(app, client, token):
    archived(inside(app).archive, CONTENT, recording_id="REplain", started_at=None)
    document = client.get("/api/v1/recordings/REplain", headers=token).get_json()
    assert document["analysis"] is None
    assert "as it came" in document["analysis_reason"]
    assert document["files"][0]["start_time"] is None


# Who asks


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer rec_" + "x" * 43,
        "Basic dG9rZW46eA==",
        "Bearer rec_\xff",
        "bearer\trec_x",
    ],
)
def test_without_a_token_that_we_know_it_is_401(client, header):
    headers = {} if header is None else {"Authorization": header}
    for path in (HERE, f"{HERE}/file", "/api/v1/recordings", f"/api/v1/calls/{CALL}/file"):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_token_in_the_query_is_not_looked_at(client, token):
    text = token["Authorization"].partition(" ")[2]
    assert client.get(f"{HERE}?token={text}&access_token={text}").status_code == 401


def test_a_revoked_token_is_refused_at_once(app, client, token):
    assert client.get(HERE, headers=token).status_code == 200
    inside(app).tokens.revoke(token["Authorization"].partition(" ")[2])
    assert client.get(HERE, headers=token).status_code == 401


def every_way(recording: str) -> list[tuple[str, str]]:
    here = f"/api/v1/recordings/{recording}"
    ways = [here, f"{here}/file", f"{here}/file_url", f"{here}/peaks", f"{here}/audit"]
    return [("GET", path) for path in ways] + [("DELETE", here), ("HEAD", f"{here}/file")]


@pytest.mark.parametrize("asked", ["", f"?install={TENANT}", f"?install={OTHER}"])
def test_another_install_s_token_gets_404_everywhere(app, client, asked):
    foreign = bearer(app, OTHER)
    for method, path in every_way(RECORDING):
        answer = client.open(path + asked, method=method, headers=foreign)
        assert answer.status_code == 404, (method, path)
        nowhere = client.open(
            path.replace(RECORDING, "REnowhere") + asked, method=method, headers=foreign
        )
        assert (nowhere.status_code, nowhere.data) == (answer.status_code, answer.data)
    assert client.get(f"/api/v1/calls/{CALL}/file{asked}", headers=foreign).status_code == 404
    listed = client.get(f"/api/v1/recordings{asked}", headers=foreign)
    assert listed.status_code == 404 or listed.get_json()["recordings"] == []
    assert inside(app).archive.manifest(TENANT, RECORDING)


def test_such_a_try_is_in_the_access_log(app, client):
    client.get(HERE, headers=bearer(app, OTHER))
    (event,) = access_log(app)
    assert (event["event"], event["reason"]) == ("denied", "a token of another install")
    assert event["listener"].startswith("crm (")


def test_a_token_for_all_sees_every_install(app, client, all_token):
    archived(inside(app).archive, file_of(10), tenant=OTHER, recording_id="REother")
    for name, tenant in ((RECORDING, TENANT), ("REother", OTHER)):
        found = client.get(f"/api/v1/recordings/{name}", headers=all_token).get_json()
        assert found["install"] == tenant


def test_the_same_id_in_two_installs_has_to_be_told_apart(app, client, token, all_token):
    other = file_of(10, seed=5)
    archived(inside(app).archive, other, tenant=OTHER)
    answer = client.get(HERE, headers=all_token)
    assert (answer.status_code, "install" in answer.get_json()["detail"]) == (400, True)
    chosen = client.get(f"{HERE}/file?install={OTHER}", headers=all_token)
    assert chosen.data == other
    assert client.get(f"{HERE}/file", headers=token).data == CONTENT


@pytest.mark.parametrize("name", ["..", "%2e%2e", "a%2fb", "%00", "x" * 70, "%ff", "RE%0a", " "])
def test_an_impossible_id_is_404(client, token, name):
    assert client.get(f"/api/v1/recordings/{name}", headers=token).status_code == 404


# Audio


def test_the_audio_by_ranges(client, token):
    assert client.get(f"{HERE}/file", headers=token).data == CONTENT
    part = client.get(f"{HERE}/file", headers=token | {"Range": "bytes=-10"})
    assert (part.status_code, part.data) == (206, CONTENT[-10:])
    assert (
        client.get(f"{HERE}/file", headers=token | {"Range": "bytes=9999999-"}).status_code == 416
    )
    head = client.head(f"{HERE}/file", headers=token)
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(CONTENT)))


def test_the_audio_in_another_format(client, token):
    answer = client.get(f"{HERE}/file?format=flac", headers=token)
    assert answer.headers["Content-Type"] == "audio/flac"
    assert (decoded(answer.data)[0] == decoded(CONTENT)[0]).all()


def test_gsm_comes_as_pcm(app, client, token):
    content = file_of(4000, kind="gsm", channels=1)
    archived(inside(app).archive, content, recording_id="REgsm")
    found = client.get("/api/v1/recordings/REgsm/file", headers=token).data
    assert (decoded(found)[0] == expected(content, 4000)).all()


def test_what_was_fetched_is_in_the_access_log(app, client, token):
    client.get(f"{HERE}/file", headers=token | {"Range": "bytes=0-99"})
    (event,) = access_log(app)
    assert (event["event"], event["right"], event["ranges"]) == ("heard", "API token", [[0, 100]])
    assert event["listener"].startswith("crm (")


# Links


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


# The list


def test_the_list_goes_on_page_by_page(app, client, token):
    for number in range(4):
        later = FACTS.started_at + timedelta(days=number + 1)
        archived(inside(app).archive, b"x", recording_id=f"RE{number}", started_at=later)
    found, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/api/v1/recordings?limit=2&cursor={cursor}", headers=token).get_json()
        found += [entry["id"] for entry in page["recordings"]]
        cursor = page["next_cursor"]
    assert found == [RECORDING, "RE0", "RE1", "RE2", "RE3"]


def test_of_one_day_and_of_one_call(app, client, token):
    later = FACTS.started_at + timedelta(days=1)
    archived(inside(app).archive, b"x", recording_id="RElater", started_at=later, call_sid="CAx")

    def ids(query: str) -> list[str]:
        page = client.get(f"/api/v1/recordings?{query}", headers=token).get_json()
        return [entry["id"] for entry in page["recordings"]]

    assert ids("date=2026-11-20") == [RECORDING]
    assert ids("date=2026-11-21") == ["RElater"]
    assert ids("date=2020-01-01") == []
    assert ids(f"call_sid={CALL}") == [RECORDING]
    assert ids("call_sid=CAx") == ["RElater"]


def test_a_token_for_all_lists_every_install_in_turn(app, client, all_token):
    for install in ("XDa", "XDb"):
        for number in range(3):
            at = FACTS.started_at + timedelta(hours=number)
            name = f"{install}{number}"
            archived(inside(app).archive, b"x", tenant=install, recording_id=name, started_at=at)
    found, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/api/v1/recordings?limit=3&cursor={cursor}", headers=all_token)
        found += [entry["id"] for entry in page.get_json()["recordings"]]
        cursor = page.get_json()["next_cursor"]
    assert found == [RECORDING, *(f"XDa{n}" for n in range(3)), *(f"XDb{n}" for n in range(3))]
    one = client.get("/api/v1/recordings?install=XDb", headers=all_token).get_json()
    assert [entry["id"] for entry in one["recordings"]] == ["XDb0", "XDb1", "XDb2"]


@pytest.mark.parametrize(
    "query",
    [
        "date=yesterday",
        "date=2026-13-01",
        "date=20261120",
        "date=2026-W47-5",
        "cursor=%00",
        "cursor=Li4v",
        "cursor=x",
        "limit=0",
        "limit=201",
        "limit=x",
        "call_sid=..%2F",
        "call_sid=CA1&date=2026-11-20",
    ],
)
def test_a_listing_that_makes_no_sense_is_400(client, token, query):
    assert client.get(f"/api/v1/recordings?{query}", headers=token).status_code == 400


# The waveform


def test_peaks_come_from_the_analysis(app, client, token):
    waveform = {
        "version": 2,
        "channels": 1,
        "sample_rate": 8000,
        "samples_per_pixel": 256,
        "bits": 8,
        "length": 1,
        "data": [-1, 1],
    }
    analysis = {"status": "successful", "result": {"waveform": waveform}}
    archived(inside(app).archive, CONTENT, recording_id="REdrawn", analysis=analysis)
    answer = client.get("/api/v1/recordings/REdrawn/peaks", headers=token)
    assert answer.get_json() == waveform


@pytest.mark.parametrize("kind", ["pcm16", "gsm", "mp3"])
def test_peaks_are_drawn_where_there_are_none(app, client, token, kind):
    content = file_of(20_000, kind=kind, channels=1)
    archived(inside(app).archive, content, recording_id="REbare")
    found = client.get("/api/v1/recordings/REbare/peaks", headers=token).get_json()
    samples = expected(content, 20_000)[:, 0]
    first = samples[: found["samples_per_pixel"]]
    assert found["data"][:2] == pytest.approx([first.min() / 256, first.max() / 256], abs=2)
    assert found["length"] == -(-len(samples) // found["samples_per_pixel"])
    assert np.abs(found["data"]).max() > 20


def test_what_has_no_sound_has_no_peaks(app, client, token):
    archived(inside(app).archive, b"no audio", recording_id="REnone", format="unknown")
    assert client.get("/api/v1/recordings/REnone/peaks", headers=token).status_code == 422


# Erasure and the access log


def test_erasing_leaves_a_tombstone_and_the_access_log(app, client, token):
    client.get(f"{HERE}/file", headers=token)
    inside(app).access_log.flush()
    answer = client.delete(f"{HERE}?reason=gdpr", headers=token)
    assert (answer.status_code, answer.data) == (204, b"")
    for method, path in every_way(RECORDING):
        if not path.endswith("/audit"):
            assert client.open(path, method=method, headers=token).status_code == 404
    events = client.get(f"{HERE}/audit", headers=token).get_json()["events"]
    assert [event["event"] for event in events] == ["heard", "erased"]
    assert events[1]["reason"] == "gdpr"
    assert events[1]["by"].startswith("API token ")


def test_a_retention_lock_is_409_and_nothing_goes(app, client, token):
    from datetime import UTC, datetime

    from addon.archive.names import files

    for key in files(TENANT, RECORDING)[:1]:
        inside(app).store.retain(key, datetime.now(UTC) + timedelta(days=2))
    assert client.delete(HERE, headers=token).status_code == 409
    assert client.get(f"{HERE}/file", headers=token).data == CONTENT


@pytest.mark.parametrize("reason", ["x" * 201, "a%0ab", "%00"])
def test_a_reason_that_is_none_erases_nothing(client, token, reason):
    assert client.delete(f"{HERE}?reason={reason}", headers=token).status_code == 400
    assert client.get(HERE, headers=token).status_code == 200


def test_the_access_log_of_an_erased_recording_needs_its_install(app, client, token, all_token):
    client.delete(HERE, headers=token)
    assert client.get(f"{HERE}/audit", headers=all_token).status_code == 404
    found = client.get(f"{HERE}/audit?install={TENANT}", headers=all_token)
    assert found.get_json()["events"][0]["event"] == "erased"
    assert client.get(f"{HERE}/audit", headers=bearer(app, OTHER)).status_code == 404
