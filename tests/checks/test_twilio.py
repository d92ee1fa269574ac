"""Twilio's credentials, and what becomes of a request that they do not vouch for."""

from __future__ import annotations


def test_each_credential_that_is_missing_is_named(deployment):
    changes = {"TWILIO_ACCOUNT_SID": None, "TWILIO_AUTH_TOKEN": None}
    assert len(deployment.found("Twilio credentials", **changes)) == 2


def test_monitor_mode_stops_no_release(deployment):
    found = deployment.found("signature mode", SIGNATURE_MODE="monitor", SIGNATURE_REUSE="report")
    assert [one.partition(":")[0] for one in found] == ["warning", "warning"]
