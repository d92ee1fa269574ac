"""`flask ringcentral`: what an operator sees of RingCentral."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from addon.commands import ringcentral
from addon.settings import Settings
from tests.ringcentral.conftest import rc_settings, services, standin
from tests.ringcentral.standin import SERVICE_USER, says

__all__ = ["rc_settings", "services", "standin"]


@pytest.fixture
def run(rc_settings, redis_server, monkeypatch):
    def run(*arguments, settings=rc_settings):
        monkeypatch.setattr(Settings, "load", classmethod(lambda _cls: settings))
        return CliRunner().invoke(ringcentral.ringcentral_cli, arguments)

    return run


def test_subscribing_and_how_it_stands(run, standin):
    before = run("status")
    assert before.exit_code == 1
    assert "No subscription is active" in before.output
    made = run("subscribe")
    assert made.exit_code == 0, made.output
    assert "Active" in made.output
    after = run("status")
    assert after.exit_code == 0
    assert f"service account\t{SERVICE_USER}" in after.output
    assert "call log read until\tnever" in after.output
    document = json.loads(run("status", "--json").stdout)
    assert (document["service_account"], document["call_log_read_until"]) == (SERVICE_USER, None)
    assert [each["status"] for each in document["subscriptions"]] == ["Active"]


def test_polling_now_and_for_the_past(run, standin):
    for number, days in ((1, 0), (2, 60)):
        start = datetime.now(UTC) - timedelta(days=days, minutes=5)
        stamp = start.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        standin.record(number, people={SERVICE_USER}, session=f"s-{number}", start=stamp)
    assert run("poll").output.endswith("1 new\n")
    since = (datetime.now(UTC) - timedelta(days=70)).date().isoformat()
    assert run("poll", "--since", since).output.endswith("1 new\n")
    assert run("poll", "--since", since).output.endswith("0 new\n")


def test_a_date_that_is_none_is_explained(run):
    found = run("poll", "--since", "yesterday")
    assert found.exit_code == 2
    assert "2026-03-04" in found.output


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"ringcentral_webhook_token": None}, "RINGCENTRAL_WEBHOOK_TOKEN"),
        ({"ringcentral_jwt": None}, "RINGCENTRAL_JWT"),
        ({"ringcentral_client_id": None}, "RINGCENTRAL_CLIENT_ID"),
    ],
)
def test_what_is_not_set_is_named(run, rc_settings, change, named):
    found = run("subscribe", settings=rc_settings.replace(**change))
    assert found.exit_code == 1
    assert named in found.output and "Traceback" not in found.output


def test_a_failed_handshake_is_a_sentence(run, standin):
    standin.trouble["/restapi/v1.0/subscription"] = [says(200, {"records": []}), says(400)]
    found = run("subscribe")
    assert found.exit_code == 1
    assert "RingCentral answered 400" in found.output
