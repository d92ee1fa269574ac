"""What Sentry is told: where the code failed, and nothing of a call or a caller."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import sentry_sdk
from flask import request

from addon import error_reports
from addon.errors import SettingsError
from addon.factory import create_app

DSN = "https://public@sentry.invalid/1"
SECRET, CARD, ADDRESS = "very-secret", "4111 1111 1111 1111", "203.0.113.9"


class StoredResult(sentry_sdk.transport.Transport):
    """Keeps what would be sent."""

    def __init__(self, *_: object) -> None:
        super().__init__({"dsn": DSN})
        self.events: list[dict[str, object]] = []

    def capture_envelope(self, envelope) -> None:
        self.events += [event for event in (item.get_event() for item in envelope.items) if event]


@pytest.fixture
def sent(settings):
    transport = StoredResult()
    error_reports.configure(replace(settings, sentry_dsn=DSN), transport=transport)
    yield transport.events
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)


def test_a_report_says_where_and_not_who(sent, settings, redis_server):
    app = create_app(settings)

    @app.post("/broken")
    def broken():
        heard = request.data.decode()
        raise RuntimeError(f"at https://a.example/x?token={SECRET} after {len(heard)} bytes")

    app.test_client().post(
        f"/broken?token={SECRET}",
        data=CARD,
        headers={"Authorization": f"Bearer {SECRET}", "Cookie": f"session={SECRET}"},
        environ_overrides={"REMOTE_ADDR": ADDRESS},
    )
    (event,) = sent
    text = json.dumps(event)
    assert "RuntimeError" in text
    assert "test_error_reports.py" in text
    assert {"request", "user", "breadcrumbs", "extra", "server_name", "contexts"} & set(
        event
    ) == set()
    for never in (SECRET, CARD, ADDRESS):
        assert never not in text


def test_without_an_address_nothing_starts(settings, monkeypatch):
    monkeypatch.setattr(sentry_sdk, "init", pytest.fail)
    error_reports.configure(settings)


def test_a_missing_extra_is_named(settings, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sentry_sdk", None)
    with pytest.raises(SettingsError, match=r"SENTRY_DSN.*requirements/sentry\.txt"):
        error_reports.configure(replace(settings, sentry_dsn=DSN))
