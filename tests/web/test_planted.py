"""Objects that somebody plants in the store show nothing and open nothing over HTTP."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from flask import Flask

from addon.archive.archive import Archive
from addon.archive.directory import DirectoryStore
from addon.archive.names import files
from addon.archive.prefixes import OUTCOMES, TOKENS
from addon.archive.s3 import S3Store
from addon.archive.store import Store
from addon.playback.tokens import MARK, _digest
from addon.settings import Settings
from tests.archive.buckets import new_bucket, s3_client
from tests.archive.conftest import aws
from tests.archive.recordings import FACTS
from tests.calls import wav
from tests.playback.sounds import CALL, RECORDING, TENANT, archived, file_of
from tests.web import requests as send
from tests.web.people import Browser
from tests.web.playing import bearer, inside, link

__all__ = ["aws"]

OTHER = "XD" + "9" * 32
SECOND = "RE" + "7" * 32
CONTENT = file_of(2000)


@pytest.fixture(params=["directory", "bucket"])
def settings(
    settings: Settings, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    if request.param == "directory":
        return settings
    endpoint = request.getfixturevalue("aws")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
    return settings.replace(archive_url=f"s3://{new_bucket(s3_client(endpoint))}/archive")


@pytest.fixture
def archive(app: Flask) -> Archive:
    """With a recording of one install, and another one of another install."""
    archive = inside(app).archive
    archived(archive, CONTENT)
    archived(archive, file_of(3000), tenant=OTHER, recording_id=SECOND, call_sid="CA9")
    return archive


def test_garbage_in_the_place_of_an_outcome_refuses_no_request(app, client):
    for garbage in (b"", b"garbage", b"\xff\xfe", b"[]", b"[" * 100_000, b'{"mac": {"key": []}}'):
        sid = send.new_sid()
        inside(app).store.put(OUTCOMES + sid, [garbage])
        answers = [send.first_sample(wav(1.0)).post(client, sid) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [202, 202]


def test_a_planted_token_opens_nothing(app, client, archive):
    text = MARK + "x" * 43
    record = {"version": 1, "install": None, "label": "", "issued_at": "2026-01-01T00:00:00Z"}
    archive.store.put(TOKENS + _digest(text), [json.dumps(record).encode()])
    header = {"Authorization": f"Bearer {text}"}
    for path in ("", f"/{RECORDING}", f"/{RECORDING}/file"):
        assert client.get(f"/api/v1/recordings{path}", headers=header).status_code == 401


def test_a_token_that_is_written_over_opens_no_other_install(app, client, archive):
    header = bearer(app)
    (stat,) = archive.store.list(TOKENS)
    content = archive.store.get(stat.key).replace(TENANT.encode(), OTHER.encode())
    archive.store.put(stat.key, [content], if_absent=False)
    assert client.get(f"/api/v1/recordings/{SECOND}", headers=header).status_code == 401
    assert client.get(f"/api/v1/recordings/{RECORDING}", headers=header).status_code == 401


@pytest.fixture
def planted(archive: Archive) -> Archive:
    """Entries under this install that name the other one's recording, or the wrong day or call."""
    for key in (
        f"days/{TENANT}/2026-11-20/235958-{SECOND}",
        f"days/{TENANT}/2026-12-31/000000-{RECORDING}",
        f"calls/{TENANT}/{CALL}/{SECOND}",
        f"calls/{TENANT}/CA9/{RECORDING}",
        f"ids/{SECOND}/{TENANT}",
        f"ids/{RECORDING}/{OTHER}",
    ):
        archive.store.put(key, ())
    return archive


def ids(client, header, query="") -> list[str]:
    found = client.get(f"/api/v1/recordings{query}", headers=header).get_json()
    return [entry["id"] for entry in found["recordings"]]


def test_the_api_lists_what_manifests_confirm_alone(app, client, planted):
    assert ids(client, bearer(app)) == [RECORDING]
    assert ids(client, bearer(app), "?date=2026-12-31") == []
    assert ids(client, bearer(app), f"?call_sid={CALL}") == [RECORDING]
    assert ids(client, bearer(app), "?call_sid=CA9") == []
    assert sorted(ids(client, bearer(app, None))) == sorted([RECORDING, SECOND])


FOREIGN = [
    "days/",
    "days/loose",
    f"days/{TENANT[:3]}",
    "days/a b/2026-11-20/000000-REx",
    "days/~/x",
    "days/é/2026-11-20/000000-REx",
    "days//2026-11-20/000000-REx",
    f"days/{TENANT}/",
    f"days/{TENANT}/é",
    f"days/{TENANT}/20261120/000000-REx",
    f"days/{TENANT}/2026-11-20/!/x",
    f"days/{TENANT}/2026-11-20/000000-a b",
    f"calls/{TENANT}/{CALL}/!x",
    f"ids/{RECORDING}/a b",
]
"""Keys that somebody makes with another program, such as a console's folders."""


def plant(store: Store, key: str) -> None:
    """Make an object under a name that our own stores refuse to write."""
    if isinstance(store, S3Store):
        store._client.put_object(Bucket=store._bucket, Key=store._name("x")[:-1] + key)
        return
    assert isinstance(store, DirectoryStore)
    path = store.root / key
    path.parent.mkdir(parents=True, exist_ok=True)
    if not key.endswith("/"):
        path.touch()


def test_foreign_keys_keep_no_recording_out_of_a_list(app, client, archive):
    for key in FOREIGN:
        plant(archive.store, key)
    assert sorted(ids(client, bearer(app, None))) == sorted([RECORDING, SECOND])
    assert ids(client, bearer(app), "?limit=1") == [RECORDING]
    assert ids(client, bearer(app), f"?call_sid={CALL}&limit=1") == [RECORDING]
    assert (
        client.get(f"/api/v1/recordings/{RECORDING}", headers=bearer(app, None)).status_code == 200
    )
    browser = Browser(app).signed_in()
    for path in ("/recordings", "/recordings?day=2026-11-20", f"/recordings?install={TENANT}"):
        assert browser.get(path).text.count(f'href="/recordings/{RECORDING}"') == 1, path


def test_a_planted_entry_opens_no_recording_of_another_install(app, client, planted):
    for path in ("", "/file", "/file_url", "/peaks"):
        answer = client.get(f"/api/v1/recordings/{SECOND}{path}", headers=bearer(app))
        assert answer.status_code == 404
    assert client.delete(f"/api/v1/recordings/{SECOND}", headers=bearer(app)).status_code == 404
    assert planted.manifest(OTHER, SECOND)


def test_a_planted_entry_makes_no_recording_ambiguous(app, client, planted):
    answer = client.get(f"/api/v1/recordings/{RECORDING}", headers=bearer(app, None))
    assert answer.get_json()["install"] == TENANT


def test_the_pages_show_what_manifests_confirm_alone(app, planted):
    browser = Browser(app).signed_in()
    page = browser.get(f"/recordings?install={TENANT}").text
    assert page.count(f'href="/recordings/{RECORDING}"') == 1
    assert SECOND not in page
    assert f'href="/recordings/{RECORDING}"' not in browser.get("/recordings?day=2026-12-31").text
    assert SECOND not in browser.get(f"/recordings?call={CALL}").text
    assert browser.get(f"/recordings/{RECORDING}").status_code == 200


def test_a_call_has_the_legs_that_name_it_in_their_manifest(app, client, planted):
    later = FACTS.started_at + timedelta(seconds=60)
    archived(planted, file_of(1000), recording_id="RE1", started_at=later)
    archived(planted, file_of(1000), recording_id="RE2", call_sid="CA8")
    planted.store.put(f"calls/{TENANT}/{CALL}/RE2", ())
    found = client.get(f"/api/v1/calls/{CALL}", headers=bearer(app)).get_json()
    assert found["recordings"] == [RECORDING, "RE1"]
    assert inside(app).player.recordings_of(TENANT, CALL) == sorted([RECORDING, "RE1"])
    assert client.get(f"/api/v1/calls/CA9?install={TENANT}", headers=bearer(app)).status_code == 404


def test_a_planted_tombstone_hides_no_recording(app, client, archive):
    archive.store.put(files(TENANT, RECORDING).tombstone, [b"{}"])
    assert client.get(link(app)).data == CONTENT
    assert ids(client, bearer(app)) == [RECORDING]


def test_an_erased_recording_that_is_put_back_is_heard_by_nobody(app, client, archive, settings):
    copies = {stat.key: b"".join(archive.store.read(stat.key)) for stat in archive.store.list()}
    Archive.from_settings(settings).erase(TENANT, RECORDING, by="Ada", reason="asked")
    for key, content in copies.items():
        archive.store.put(key, [content], if_absent=False)
    assert client.get(link(app)).status_code == 404
    assert client.get(link(app, call_sid=CALL)).status_code == 404
    header = bearer(app)
    assert ids(client, header) == []
    assert client.get(f"/api/v1/recordings/{RECORDING}/file", headers=header).status_code == 404
    browser = Browser(app).signed_in()
    assert browser.get(f"/recordings/{RECORDING}").status_code == 404
