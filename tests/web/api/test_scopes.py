"""Every operation of the API with every kind of token: each opens what it is for and no more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from addon.archive.prefixes import TOKENS
from addon.playback.tokens import SCOPES
from tests.playback.sounds import CALL, RECORDING, TENANT
from tests.web.api.recorded import OTHER
from tests.web.playing import inside

VALUES = {"recording_id": RECORDING, "call_sid": CALL, "endpoint_id": "whk_1"}


def operations(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Method, path and scope of everything under /api/v1, as the routes have it."""
    with app.test_request_context():
        adapter = app.url_map.bind("hooks.example.net")
        for rule in app.url_map.iter_rules():
            operation = getattr(app.view_functions[rule.endpoint], "operation", None)
            if operation is None or not rule.rule.startswith("/api/v1/"):
                continue
            values = {name: VALUES[name] for name in rule.arguments}
            for method in (rule.methods or set()) - {"OPTIONS"}:
                yield method, adapter.build(rule.endpoint, values, method), operation.scope


def statuses(app: Flask, text: str) -> dict[tuple[str, str, str], int]:
    """The answer to each operation; erasing comes last."""
    client, header = app.test_client(), {"Authorization": f"Bearer {text}"}
    asked = sorted(set(operations(app)), key=lambda one: one[0] == "DELETE")
    return {one: client.open(one[1], method=one[0], headers=header).status_code for one in asked}


def test_there_is_something_to_ask_of_each_scope(app):
    found = list(operations(app))
    assert {scope for _, _, scope in found} == set(SCOPES)
    assert len(found) > 12


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_opens_its_operations_and_no_other(app, scope):
    text, _ = inside(app).tokens.issue(TENANT, scopes=[scope])
    for (method, path, needed), status in statuses(app, text).items():
        assert (status == 403) is (needed != scope), (method, path, status)
        assert status < 500
    if scope != "erase":
        assert inside(app).archive.manifest(TENANT, RECORDING)


def revoked(app: Flask) -> str:
    text, token = inside(app).tokens.issue(TENANT)
    inside(app).tokens.revoke(token.name)
    return text


def put_back(app: Flask) -> str:
    store = inside(app).store
    text, token = inside(app).tokens.issue(TENANT)
    (stat,) = store.list(TOKENS + token.name)
    record = store.get(stat.key)
    inside(app).tokens.revoke(token.name)
    store.put(stat.key, [record])
    return text


def expired(app: Flask) -> str:
    past = datetime.now(UTC) - timedelta(seconds=1)
    return inside(app).tokens.issue(TENANT, expires_at=past)[0]


DEAD = {"revoked": revoked, "put back": put_back, "expired": expired, "none": lambda _app: ""}


@pytest.mark.parametrize("make", DEAD.values(), ids=DEAD)
def test_a_token_that_is_over_opens_nothing(app, make):
    for (method, path, _), status in statuses(app, make(app)).items():
        assert status == 401, (method, path)
    assert inside(app).archive.manifest(TENANT, RECORDING)


def test_a_token_of_another_install_finds_nothing(app):
    text, _ = inside(app).tokens.issue(OTHER, scopes=SCOPES)
    for (method, path, _), status in statuses(app, text).items():
        if (method, path) == ("POST", "/api/v1/webhooks"):
            assert status == 400  # without a document
        else:
            listing = path.endswith(("/recordings", "/webhooks"))
            assert status == (200 if listing else 404), (method, path)
    assert inside(app).archive.manifest(TENANT, RECORDING)


@pytest.mark.parametrize("scope", SCOPES)
def test_no_token_of_the_api_opens_the_metrics(app, scope):
    text, _ = inside(app).tokens.issue(None, scopes=[scope])
    header = {"Authorization": f"Bearer {text}", "X-Forwarded-For": "192.0.2.1"}
    assert app.test_client().get("/metrics", headers=header).status_code == 401
