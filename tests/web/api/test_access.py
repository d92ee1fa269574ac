"""Tokens of the API: a token sees its install, and nothing of any other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from addon.web.openapi import document
from tests.playback.sounds import CALL, RECORDING, TENANT, archived, file_of
from tests.web.api.recorded import CONTENT, HERE, OTHER, every_way
from tests.web.playing import access_log, bearer, inside


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


SCOPES = {
    "read": ["", "/file", "/peaks", "/audit"],
    "link": ["/file_url"],
    "erase": [],
}


@pytest.mark.parametrize("scope", SCOPES)
def test_a_token_does_only_what_it_is_for(app, client, scope):
    text, _ = inside(app).tokens.issue(TENANT, "limited", scopes=[scope])
    headers = {"Authorization": f"Bearer {text}"}
    for needed, paths in SCOPES.items():
        for path in paths:
            answer = client.get(HERE + path, headers=headers)
            assert (answer.status_code == 403) is (needed != scope), path
            if needed != scope:
                assert f"--scope {needed}" in answer.get_json()["remedy"]
    assert client.delete(HERE, headers=headers).status_code == (204 if scope == "erase" else 403)


def test_every_operation_of_the_api_declares_the_scope_that_the_document_names(app):
    paths = document(app, "https://hooks.example.net")["paths"]
    needed = {
        operation["operationId"]: operation["security"][0]["token"]
        for path, methods in paths.items()
        for operation in methods.values()
        if path.startswith("/api/v1/")
    }
    assert needed.pop("eraseRecording") == ["erase"]
    assert needed.pop("linkToRecording") == needed.pop("linkToCall") == ["link"]
    webhooks = {name for name, scopes in needed.items() if scopes == ["webhooks"]}
    assert webhooks == {name for name in needed if "Webhook" in name}
    assert {tuple(needed[name]) for name in set(needed) - webhooks} == {("read",)}


def test_a_token_that_has_expired_is_401(app, client):
    past = datetime.now(UTC) - timedelta(seconds=1)
    text, _ = inside(app).tokens.issue(TENANT, "old", expires_at=past)
    assert client.get(HERE, headers={"Authorization": f"Bearer {text}"}).status_code == 401


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


def test_such_a_try_is_in_the_trail(app, client):
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


def test_without_a_token_no_parameter_is_looked_at(client):
    assert client.get("/api/v1/recordings?limit=x").status_code == 401
