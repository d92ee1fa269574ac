"""Webhook endpoints over the API: a token has those of its install, and none of another's."""

from __future__ import annotations

import pytest

from addon.webhooks.events import TYPES
from addon.webhooks.tries import Try
from tests.playback.sounds import RECORDING, TENANT
from tests.web.api.recorded import OTHER
from tests.web.playing import inside

PATH = "/api/v1/webhooks"
URL = "https://hooks.example.com/hook"


@pytest.fixture
def settings(settings):
    return settings.replace(webhook_hosts=("hooks.example.com",))


def bearer(app, install: str | None = TENANT) -> dict[str, str]:
    text, _ = inside(app).tokens.issue(install, scopes=["webhooks"])
    return {"Authorization": f"Bearer {text}"}


@pytest.fixture
def own(app) -> dict[str, str]:
    return bearer(app)


def created(client, headers, **changes) -> dict:
    answer = client.post(PATH, json={"url": URL, **changes}, headers=headers)
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()


def test_an_endpoint_is_created_and_its_secret_shown_once(client, own):
    made = created(client, own, events=["recording.ready"], label="crm")
    assert made["secret"].startswith("whsec_")
    assert (made["install"], made["state"], made["label"]) == (TENANT, "active", "crm")
    found = client.get(f"{PATH}/{made['id']}", headers=own).get_json()
    assert (found["events"], found["tries"]) == (["recording.ready"], [])
    listed = client.get(PATH, headers=own).get_json()["webhooks"]
    assert [one["id"] for one in listed] == [made["id"]]
    assert "secret" not in found and "secret" not in listed[0]


def test_without_events_it_gets_all(client, own):
    assert created(client, own)["events"] == list(TYPES)


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({"url": "https://elsewhere.example.com/"}, "url"),
        ({"url": "http://hooks.example.com/"}, "url"),
        ({}, "url"),
        ({"url": 5}, "url"),
        ({"url": URL, "events": []}, "events"),
        ({"url": URL, "events": ["recording.unknown"]}, "events"),
        ({"url": URL, "label": "x" * 101}, "label"),
        ([], "document"),
    ],
)
def test_what_is_wrong_is_named(client, own, document, named):
    answer = client.post(PATH, json=document, headers=own)
    assert answer.status_code == 400
    assert named in answer.get_json()["detail"]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"{}" + b" " * 20_000])
def test_what_is_no_document_is_400(client, own, body):
    assert client.post(PATH, data=body, headers=own).status_code == 400


def test_a_rotation_gives_a_new_secret_and_says_until_when_the_other_signs(client, own):
    made = created(client, own)
    rotated = client.post(f"{PATH}/{made['id']}/secret", headers=own).get_json()
    assert rotated["secret"] not in ("", made["secret"])
    assert rotated["previous_secret_until"]


def test_it_is_disabled_enabled_and_removed(client, own):
    here = f"{PATH}/{created(client, own)['id']}"
    assert client.post(f"{here}/disable", headers=own).get_json()["state"] == "disabled"
    assert client.post(f"{here}/enable", headers=own).get_json()["state"] == "active"
    assert client.delete(here, headers=own).status_code == 204
    assert client.get(here, headers=own).status_code == 404
    assert client.get(PATH, headers=own).get_json() == {"webhooks": []}


def test_tries_are_told(app, client, own):
    made = created(client, own)
    one = Try("msg_1", "recording.ready", "RE1", "2026-11-26T09:00:00+00:00", "failed", 1, 0.2, 500)
    inside(app).webhook_tries.add(made["id"], one)
    (told,) = client.get(f"{PATH}/{made['id']}", headers=own).get_json()["tries"]
    assert (told["status"], told["outcome"]) == (500, "failed")


def test_another_install_s_token_finds_nothing(app, client, own):
    made = created(client, own)
    foreign = bearer(app, OTHER)
    here = f"{PATH}/{made['id']}"
    for query in ("", f"?install={TENANT}", f"?install={OTHER}"):
        for method, path in (
            *(("GET", here), ("DELETE", here), ("POST", f"{here}/secret")),
            *(("POST", f"{here}/disable"), ("POST", f"{here}/enable")),
        ):
            assert client.open(path + query, method=method, headers=foreign).status_code == 404
        listed = client.get(PATH + query, headers=foreign)
        assert listed.status_code == 404 or listed.get_json() == {"webhooks": []}
    answer = client.post(PATH, json={"url": URL, "install": TENANT}, headers=foreign)
    assert answer.status_code == 404
    assert inside(app).outbox.endpoints.get(TENANT, made["id"]).state == "active"


def test_a_token_for_every_install_names_one_and_lists_all(app, client, own):
    every = bearer(app, None)
    created(client, own)
    assert client.post(PATH, json={"url": URL}, headers=every).status_code == 400
    created(client, every, install=OTHER)
    listed = client.get(PATH, headers=every).get_json()["webhooks"]
    assert {one["install"] for one in listed} == {TENANT, OTHER}
    (theirs,) = client.get(f"{PATH}?install={OTHER}", headers=every).get_json()["webhooks"]
    assert theirs["install"] == OTHER


def test_no_token_of_before_may_manage_webhooks(app, client):
    text, _ = inside(app).tokens.issue(TENANT)
    answer = client.get(PATH, headers={"Authorization": f"Bearer {text}"})
    assert answer.status_code == 403
    assert "--scope webhooks" in answer.get_json()["remedy"]


def test_an_erasure_over_the_api_is_told_to_its_install_alone(app, client, own):
    created(client, own, events=["recording.erased"])
    inside(app).outbox.endpoints.create(OTHER, URL)
    text, _ = inside(app).tokens.issue(TENANT)
    headers = {"Authorization": f"Bearer {text}"}
    assert client.delete(f"/api/v1/recordings/{RECORDING}", headers=headers).status_code == 204
    (name,) = inside(app).outbox.pending()
    event = inside(app).outbox.event(name.split("-")[0])
    assert (event.type, event.recording_id) == ("recording.erased", RECORDING)
