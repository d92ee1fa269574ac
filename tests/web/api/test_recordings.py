"""Recordings over the API: heard, listed, followed up and erased."""

from __future__ import annotations

from datetime import timedelta

import pytest

from addon.archive.holds import Hold
from addon.archive.names import files
from tests.archive.recordings import FACTS
from tests.playback.sounds import CALL, RECORDING, TENANT, archived, decoded, expected, file_of
from tests.web.api.recorded import CONTENT, HERE, OTHER, every_way
from tests.web.playing import access_log, bearer, inside


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


def test_what_was_fetched_is_in_the_trail(app, client, token):
    client.get(f"{HERE}/file", headers=token | {"Range": "bytes=0-99"})
    (event,) = access_log(app)
    assert (event["event"], event["right"], event["ranges"]) == ("heard", "API token", [[0, 100]])
    assert event["listener"].startswith("crm (")


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


def test_erasing_leaves_a_tombstone_and_the_trail(app, client, token):
    client.get(f"{HERE}/file", headers=token)
    inside(app).access_log.flush()
    answer = client.delete(f"{HERE}?reason=gdpr", headers=token)
    assert (answer.status_code, answer.data) == (204, b"")
    for method, path in every_way(RECORDING):
        if not path.endswith("/audit"):
            assert client.open(path, method=method, headers=token).status_code == 404
    events = client.get(f"{HERE}/audit", headers=token).get_json()["events"]
    assert [event["event"] for event in events] == ["erased", "heard", "began"]
    assert events[0]["reason"] == "gdpr"
    assert events[0]["by"].startswith("API token ")


def test_the_trail_is_paged_newest_first(app, client, token):
    log = inside(app).archive.access_log
    for number in range(7):
        at = FACTS.started_at + timedelta(seconds=number)
        log.record(TENANT, RECORDING, "noted", {"number": number}, at=at)
    found, query = [], "?limit=3"
    for size in (3, 3, 1):
        page = client.get(f"{HERE}/audit{query}", headers=token).get_json()
        assert len(page["events"]) == size
        found += [event["number"] for event in page["events"]]
        query = f"?limit=3&cursor={page['next_cursor']}"
    assert page["next_cursor"] is None
    assert found == [6, 5, 4, 3, 2, 1, 0]


def test_a_bad_event_is_one_line_of_the_trail_with_its_trouble(app, client, token):
    client.get(f"{HERE}/file", headers=token)
    inside(app).access_log.flush()
    store = inside(app).store
    store.put(f"audit/{TENANT}/{RECORDING}/20990101T000000.000000Z-00000000.json", [b"junk"])
    events = client.get(f"{HERE}/audit", headers=token).get_json()["events"]
    assert [event["event"] for event in events] == ["unreadable", "heard", "began"]
    assert ["trouble" in event for event in events] == [True, False, False]


def test_a_bad_manifest_is_one_line_of_a_listing_and_of_a_call(app, client, token):
    archived(inside(app).archive, b"x", recording_id="REbad")
    key = files(TENANT, "REbad").manifest
    inside(app).store.put(key, [b"junk"], if_absent=False)
    listed = client.get("/api/v1/recordings", headers=token).get_json()["recordings"]
    assert {one["id"]: "trouble" in one for one in listed} == {RECORDING: False, "REbad": True}
    call = client.get(f"/api/v1/calls/{FACTS.call_sid}", headers=token).get_json()
    assert (call["recordings"], call["duration_seconds"]) == ([RECORDING], None)
    assert [one["id"] for one in call["unreadable"]] == ["REbad"]
    joined = client.get(f"/api/v1/calls/{FACTS.call_sid}/file", headers=token)
    assert joined.status_code == 422
    assert "REbad" in joined.get_json()["detail"]
    one = client.get(f"/api/v1/calls/{FACTS.call_sid}/file?file_id={RECORDING}", headers=token)
    assert one.data == CONTENT


def test_a_retention_lock_is_409_and_nothing_goes(app, client, token):
    from datetime import UTC, datetime

    for key in files(TENANT, RECORDING)[:1]:
        inside(app).store.retain(key, datetime.now(UTC) + timedelta(days=2))
    assert client.delete(HERE, headers=token).status_code == 409
    assert client.get(f"{HERE}/file", headers=token).data == CONTENT


def test_a_recording_on_hold_is_409_of_a_type_of_its_own_and_says_so(app, client, token):
    assert client.get(HERE, headers=token).get_json()["legal_hold"] is None
    archive = inside(app).archive
    archive.holds.place(
        Hold(TENANT, RECORDING, "Ada", FACTS.started_at, "case 7"), archive.manifest
    )
    refused = client.delete(HERE, headers=token)
    assert refused.status_code == 409
    assert refused.get_json()["type"].endswith("/docs/errors#OnLegalHold")
    hold = client.get(HERE, headers=token).get_json()["legal_hold"]
    assert (hold["by"], hold["reason"]) == ("Ada", "case 7")
    assert client.get(f"{HERE}/file", headers=token).data == CONTENT


@pytest.mark.parametrize("reason", ["x" * 201, "a%0ab", "%00"])
def test_a_reason_that_is_none_erases_nothing(client, token, reason):
    assert client.delete(f"{HERE}?reason={reason}", headers=token).status_code == 400
    assert client.get(HERE, headers=token).status_code == 200


def test_the_trail_of_an_erased_recording_needs_its_install(app, client, token, all_token):
    client.delete(HERE, headers=token)
    assert client.get(f"{HERE}/audit", headers=all_token).status_code == 404
    found = client.get(f"{HERE}/audit?install={TENANT}", headers=all_token)
    assert found.get_json()["events"][0]["event"] == "erased"
    assert client.get(f"{HERE}/audit", headers=bearer(app, OTHER)).status_code == 404
