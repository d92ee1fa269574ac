"""The API's listing with filters, an order and figures; never of another install."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from addon.catalogue import FIGURES
from addon.web.schemas import Figures
from tests.archive.recordings import FACTS
from tests.catalogue.conftest import KEY
from tests.catalogue.recordings import document
from tests.playback.sounds import RECORDING, TENANT, archived
from tests.web.api.recorded import OTHER
from tests.web.playing import bearer, inside


@pytest.fixture
def settings(settings):
    return settings.replace(catalogue_key=KEY)


@pytest.fixture
def filled(app):
    """RECORDING, RE0 to RE3 of one install with 10 s more silence each, and RE9 of another."""
    context = inside(app)
    for number, tenant in ((0, TENANT), (1, TENANT), (2, TENANT), (3, TENANT), (9, OTHER)):
        made = document(
            f"refund for {['anna', 'bert', 'carl', 'dora'][number % 4]}",
            {"from": "+14155550123", "agent": f"Agent {number}"},
            longest_silence_seconds=10.0 * number,
        )
        at = FACTS.started_at + timedelta(days=number + 1)
        manifest = archived(
            context.archive,
            b"x",
            tenant=tenant,
            recording_id=f"RE{number}",
            started_at=at,
            analysis=made,
        )
        context.catalogue_writer.write(manifest, made)
    return app


def asked(client, token, query: str) -> list[str]:
    answer = client.get(f"/api/v1/recordings?{query}", headers=token)
    assert answer.status_code == 200, answer.get_json()
    return [one["id"] for one in answer.get_json()["recordings"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("sort=-longest_silence_seconds", ["RE3", "RE2", "RE1", "RE0"]),
        ("sort=time", ["RE0", "RE1", "RE2", "RE3"]),
        ("longest_silence_seconds_over=10", ["RE3", "RE2"]),
        ("longest_silence_seconds_over=10&longest_silence_seconds_under=30", ["RE2"]),
        ("q=0123", ["RE3", "RE2", "RE1", "RE0"]),
        ("agent=agent+2", ["RE2"]),
        ("words=refund+dora", ["RE3"]),
        ("date=2026-11-22&sort=time", ["RE1"]),
        ("since=2026-11-23T00:00:00Z", ["RE3", "RE2"]),
        ("q=nobody", []),
    ],
)
def test_filters_and_order(filled, client, token, query, found):
    assert asked(client, token, query) == found


def test_pages_go_on_in_every_order(filled, client, token):
    for order in ("time", "-time", "-longest_silence_seconds", "customer_sentiment"):
        found, cursor = [], ""
        while cursor is not None:
            path = f"/api/v1/recordings?sort={order}&limit=1&cursor={cursor}"
            page = client.get(path, headers=token).get_json()
            found += [entry["id"] for entry in page["recordings"]]
            cursor = page["next_cursor"]
        assert sorted(found) == ["RE0", "RE1", "RE2", "RE3"]


def test_a_cursor_of_another_order_is_refused(filled, client, token):
    page = client.get("/api/v1/recordings?sort=time&limit=1", headers=token).get_json()
    path = f"/api/v1/recordings?sort=-time&cursor={page['next_cursor']}"
    assert client.get(path, headers=token).status_code == 400


@pytest.mark.parametrize(
    "query", ["sort=size", "q=%00", "number=12", "words=a", "code=x", "silence_seconds_over=nan"]
)
def test_what_is_no_filter_is_refused(filled, client, token, query):
    answer = client.get(f"/api/v1/recordings?{query}", headers=token)
    assert answer.status_code == 400
    assert answer.get_json()["detail"].startswith(query.partition("=")[0])


@pytest.mark.parametrize(
    "query",
    [
        "q=0123",
        "q=RE9",
        "words=refund",
        "agent=agent+9",
        "sort=-duration_seconds",
        "state=analysed",
    ],
)
def test_a_token_of_one_install_never_lists_anothers_recordings(filled, client, query):
    assert "RE9" not in asked(client, bearer(filled), query)
    assert set(asked(client, bearer(filled, OTHER), query)) <= {"RE9"}
    assert "RE9" in asked(client, bearer(filled, None), query + f"&install={OTHER}")


def test_another_installs_name_is_not_found(filled, client, token):
    path = f"/api/v1/recordings?sort=time&install={OTHER}"
    assert client.get(path, headers=token).status_code == 404


def test_figures_are_in_every_listing(filled, client, token):
    listed = client.get("/api/v1/recordings", headers=token).get_json()["recordings"]
    by_id = {one["id"]: one for one in listed}
    assert by_id["RE2"]["figures"]["longest_silence_seconds"] == 20.0
    assert by_id["RE2"]["flags"] == []
    assert by_id[RECORDING]["figures"] is None
    assert "does not know" in by_id[RECORDING]["figures_reason"]
    assert tuple(Figures.__annotations__) == FIGURES


def test_an_erased_recording_is_not_listed(filled, client):
    headers = bearer(filled, None)
    inside(filled).archive.erase(TENANT, "RE2", by="a test", reason="a test")
    assert "RE2" not in asked(client, headers, "sort=time")
    inside(filled).catalogue_writer.remove(TENANT, "RE2")
    assert inside(filled).catalogue.find([(TENANT, "RE2")]) == {}


@pytest.fixture
def without(filled) -> Iterator[None]:
    """The catalogue's file is no database any more."""
    context = inside(filled)
    context.catalogue.close()
    for one in context.settings.data_dir.glob("catalogue.sqlite3*"):
        one.unlink()
    (context.settings.data_dir / "catalogue.sqlite3").write_bytes(b"no database" * 1000)
    yield


def test_without_a_catalogue_the_archive_is_listed_and_filters_answer_503(client, token, without):
    answer = client.get("/api/v1/recordings", headers=token)
    assert answer.status_code == 200
    listed = answer.get_json()["recordings"]
    assert [one["id"] for one in listed] == [RECORDING, "RE0", "RE1", "RE2", "RE3"]
    assert "catalogue" in listed[0]["figures_reason"]
    refused = client.get("/api/v1/recordings?q=refund", headers=token)
    assert refused.status_code == 503
    assert "catalogue" in refused.get_json()["detail"]
