"""`flask check` on a deployment that works, and on many that each have one thing broken."""

from __future__ import annotations

import json

import pytest

from addon.checks.table import CHECKS
from tests.checks.conftest import clock, deployment

__all__ = ["clock", "deployment"]


def test_with_everything_in_order_nothing_is_more_than_fine(deployment) -> None:
    result = deployment.check()
    assert result.exit_code == 0, result.output
    lines = [line for line in result.output.splitlines() if not line.startswith(" ")]
    assert lines == [f"fine     {each.subject}" for each in CHECKS]


def test_a_warning_is_said_and_stops_no_release(deployment) -> None:
    result = deployment.check(SIGNATURE_MODE="monitor")
    assert result.exit_code == 0
    assert "warning  signature mode: SIGNATURE_MODE is monitor" in result.output


def test_json_has_every_check_with_its_level(deployment) -> None:
    result = deployment.check("--json", TWILIO_AUTH_TOKEN=None)
    assert result.exit_code == 1
    document = json.loads(result.output)
    assert document["level"] == "wrong"
    rows = {row["subject"]: row for row in document["checks"]}
    assert list(rows) == [each.subject for each in CHECKS]
    (finding,) = rows["Twilio credentials"]["findings"]
    assert finding["level"] == rows["Twilio credentials"]["level"] == "wrong"
    assert finding["sentence"].startswith("TWILIO_AUTH_TOKEN is not set")
    assert finding["remedy"] and finding["detail"] == []


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_settings_that_cannot_be_read_are_a_finding(deployment, options) -> None:
    result = deployment.check(*options, DELETE_AT_SOURCE_AFTER_S="60")
    assert result.exit_code == 1
    assert "DELETE_AT_SOURCE_AFTER_S is 60" in result.output


OTHER_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

BROKEN = [
    # what is changed, the finding's level, its subject, and words of it
    ({"TWILIO_ACCOUNT_SID": None}, "wrong", "Twilio credentials", "TWILIO_ACCOUNT_SID is not set"),
    ({"TWILIO_AUTH_TOKEN": None}, "wrong", "Twilio credentials", "TWILIO_AUTH_TOKEN is not set"),
    ({"TWILIO_ACCOUNT_SID": "AC12"}, "wrong", "forms of values", "TWILIO_ACCOUNT_SID must be AC"),
    ({"FLEX_WORKSPACE_SID": "AC" + "0" * 32}, "wrong", "forms of values", "FLEX_WORKSPACE_SID"),
    ({"KNOWN_INSTALLS": "XD1,XD2"}, "wrong", "forms of values", "KNOWN_INSTALLS must be XD"),
    ({"TWILIO_AUTH_TOKEN": "secret"}, "warning", "forms of values", "not 32 hexadecimal digits"),
    ({"TWILIO_API_SECRET": "x"}, "wrong", "forms of values", "belong together"),
    ({"METRICS_TOKEN": f'"{"m" * 32}"'}, "wrong", "forms of values", "quotation marks"),
    ({"ARCHIVE_KMS_KEY": "arn"}, "warning", "names of settings", "Write ARCHIVE_KMS_KEYS"),
    ({"TWILIO_TOKEN": "x"}, "warning", "names of settings", "TWILIO_TOKEN is read by nothing"),
    ({"AWS_SECRET_KEY": "x"}, "warning", "names of settings", "AWS_SECRET_KEY is read by nothing"),
    ({"SIGNATURE_MODE": "monitor"}, "warning", "signature mode", "SIGNATURE_MODE is monitor"),
    ({"SIGNATURE_REUSE": "report"}, "warning", "signature mode", "SIGNATURE_REUSE is report"),
    ({"PUBLIC_URL": None}, "wrong", "public address", "which Twilio cannot call"),
    (
        {"PUBLIC_URL": "http://a.example"},
        "wrong",
        "weak settings",
        "PUBLIC_URL is http",
    ),
    ({"PUBLIC_URL": "https://a.example/x"}, "wrong", "public address", "PUBLIC_URL has a path"),
    ({"TRUSTED_PROXIES": "0"}, "warning", "what stands in front", "TRUSTED_PROXIES is 0"),
    (
        {"METRICS_TOKEN": None},
        "warning",
        "weak settings",
        "METRICS_TOKEN is not set",
    ),
    (
        {"PLAYBACK_SECRETS": "short"},
        "wrong",
        "weak settings",
        "shorter than 32",
    ),
    ({"MEDIA_HOSTS": "a b"}, "wrong", "allowed hosts", "MEDIA_HOSTS"),
    ({"CALLBACK_CREDENTIALS": "x=a:b"}, "wrong", "allowed hosts", "CALLBACK_CREDENTIALS"),
    ({"OIDC_ISSUER": "https://id.example"}, "wrong", "sign-in", "OIDC_CLIENT_ID is not"),
    ({"REDIS_URL": "unix:///nobody.sock"}, "wrong", "Redis", "Redis does not answer"),
    ({"REDIS_URL": None}, "wrong", "Redis", "start `flask serve`"),
    ({"ARCHIVE_URL": "file:///dev/null/archive"}, "wrong", "store", "(ENOTDIR)"),
    ({"INTAKE_KEY": None}, "wrong", "keys", "INTAKE_KEY is not set"),
    ({"MANIFEST_SIGNING_KEY": None}, "wrong", "keys", "Set MANIFEST_SIGNING_KEY"),
    ({"ARCHIVE_PUBLIC_KEYS": None}, "wrong", "keys", "Set ARCHIVE_PUBLIC_KEYS"),
    ({"ARCHIVE_PRIVATE_KEYS": None}, "warning", "keys", "nobody can listen"),
    ({"MANIFEST_VERIFY_KEYS": None}, "wrong", "keys", "MANIFEST_VERIFY_KEYS lacks"),
    ({"DYNO": "web.1"}, "wrong", "what outlives a dyno", "a dyno's own disk"),
    ({"DYNO": "web.1", "REDIS_URL": None}, "wrong", "what outlives a dyno", "REDIS_URL is not set"),
    (
        {"ARCHIVE_LOCK_DAYS": "9", "RETENTION_DAYS": "1"},
        "warning",
        "lock of recordings",
        "is 1 and",
    ),
    ({"TRANSCRIBER": "nobody:/x"}, "wrong", "transcriber", "TRANSCRIBER"),
    ({"RULES": "nowhere.toml"}, "wrong", "rules", "nowhere.toml: it cannot be read"),
    ({"FLEX_CATEGORIES": "x=1"}, "wrong", "rules", "FLEX_CATEGORIES names a rule that no file"),
    ({"SENTIMENT": "on"}, "warning", "extras", "there is no transcript to score"),
    ({"WEB_CONNECTIONS": "99999999"}, "warning", "open files", "99999999 needs 200000198"),
]
"""Deployments that are broken by their environment alone; what else can be broken is in
tests/checks, a module a subject."""


@pytest.mark.parametrize(("changes", "level", "subject", "words"), BROKEN)
def test_a_broken_deployment_is_named(deployment, changes, level, subject, words) -> None:
    found = deployment.found(subject, **changes)
    assert [one for one in found if one.startswith(f"{level}: ") and words in one], found
