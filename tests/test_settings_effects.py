"""Settings whose effect no other test shows: from the text of a variable to what it changes."""

from __future__ import annotations

import base64
import hmac
import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
import redis
from werkzeug.datastructures import MultiDict
from werkzeug.test import EnvironBuilder

from addon.factory import create_app
from addon.playback.grants import Grants
from addon.requests.connections import web_connection, worker_connection
from addon.requests.request import Request
from addon.setting_types import NUMBER_KINDS, SPOKEN_KINDS
from addon.settings import Settings
from addon.twilio.invocation import Invocation
from addon.twilio.rest import TwilioApi
from addon.web.context import Context
from tests.archive.recordings import FACTS
from tests.playback.sounds import CALL, TENANT, archived, file_of
from workers import deposit


def load(settings: Settings, **env: str) -> Settings:
    """These settings with what the variables say."""
    loaded = Settings.load({"DATA_DIR": str(settings.data_dir), **env})
    return settings.replace(**{name.lower(): getattr(loaded, name.lower()) for name in env})


def test_a_realm_is_part_of_twilios_hosts(settings):
    api = TwilioApi.from_settings(load(settings, TWILIO_REALM="ie1"))
    assert api.url("iam", "/v1") == "https://iam.ie1.twilio.com/v1"


def test_a_shared_key_verifies_what_it_signed(settings):
    keyed = Context(load(settings, TWILIO_SHARED_KEYS="k1=shared,k2=other"))
    builder = EnvironBuilder("/hook", method="POST", headers=_signed(b"shared", settings))
    checked = keyed.verifier.check(builder.get_environ(), MultiDict(), str)
    assert checked.secret == "shared key k1"
    assert not Context(settings).verifier.check(builder.get_environ(), MultiDict(), str).valid


def _signed(secret: bytes, settings: Settings) -> dict[str, str]:
    digest = hmac.digest(secret, f"{settings.public_url}/hook".encode(), "sha256")
    return {
        "X-Twilio-Signature": base64.b64encode(digest).decode(),
        "X-Twilio-Webhooks-Signature-Settings": "key=k1,algorithm=HMAC_SHA256",
    }


def test_an_unsigned_certificate_of_redis_is_taken_only_where_that_is_said(settings):
    url = "rediss://:password@127.0.0.1:1/0"
    strict = load(settings, REDIS_URL=url)
    lenient = Settings.load({"REDIS_URL": url, "REDIS_TLS_VERIFY": "off"})
    for connect in (web_connection, worker_connection):
        assert _wants_certificate(connect(strict.redis_url))
        assert not _wants_certificate(connect(lenient.redis_url))


def _wants_certificate(connection: redis.Redis) -> bool:
    options = connection.connection_pool.connection_kwargs
    return options.get("ssl_cert_reqs", "required") != "none"


def test_a_link_lives_as_long_as_it_should(settings):
    grants = Grants.from_settings(load(settings, PLAYBACK_TTL_S="60"))
    grant = grants.issue("XD1", recording_id="RE1", listener="a", now=1000)
    assert grant.expires == 1060


def test_the_gap_between_recordings_is_left_out_or_silent(settings, redis_server):
    lengths = {}
    for gaps in ("none", "silence"):
        context = Context(load(settings, PLAYBACK_GAPS=gaps, ARCHIVE_URL=_own(settings, gaps)))
        for number in (0, 1):
            archived(
                context.archive,
                file_of(8000, seed=number),
                recording_id=f"RE{number}",
                started_at=FACTS.started_at + timedelta(seconds=5 * number),
                duration_seconds=1.0,
            )
        lengths[gaps] = context.player.call(TENANT, CALL).length
        context.close()
    assert lengths["silence"] > 2 * lengths["none"]


def _own(settings: Settings, name: str) -> str:
    return (settings.data_dir / name).as_uri()


@pytest.mark.parametrize(
    ("env", "wanted"),
    [
        ({}, (True, False, False)),
        ({"REDACT_DTMF": "off"}, (False, False, False)),
        ({"REDACT_DTMF": "required"}, (True, False, False)),
        ({"RESULT_STYLE": "call-analytics"}, (True, True, False)),
        ({"SENTIMENT": "on"}, (True, False, True)),
    ],
    ids=str,
)
def test_the_analysis_does_what_is_asked(settings, env, wanted):
    request = Request.marketplace(Invocation("XR1", datetime.now(UTC)))
    options = deposit.options(load(settings, **env), request)
    assert (options.redact_dtmf, options.call_analytics, options.sentiment) == wanted


def test_each_install_has_its_own_rules(settings, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text('[thanks]\nphrases = ["thank you"]\n')
    loaded = load(settings, RULES=f"XD1={own},XD2=off,FLEX=nowhere.toml")
    names = {
        install: [
            rule.name
            for rule in deposit.options(
                loaded, Request.marketplace(Invocation("XR1", datetime.now(UTC), install=install))
            ).rules.rules
        ]
        for install in ("XD1", "XD2", "XD3")
    }
    assert names["XD1"] == ["thanks"] and names["XD2"] == []
    assert "recording_notice" in names["XD3"]


@pytest.mark.parametrize(
    ("value", "kinds", "required"),
    [
        ("auto", SPOKEN_KINDS, False),
        ("on", SPOKEN_KINDS, True),
        ("off", (), True),
        ("email_address,spoken_number", (*NUMBER_KINDS, "email_address"), True),
        ("phone_number", ("spoken_number", "phone_number"), True),
    ],
)
def test_the_spoken_kinds_that_are_muted(settings, value, kinds, required):
    request = Request.marketplace(Invocation("XR1", datetime.now(UTC)))
    options = deposit.options(load(settings, REDACT_SPOKEN=value), request)
    assert (tuple(options.redact_spoken), options.spoken_required) == (kinds, required)


@pytest.mark.parametrize("level", ["debug", "error"])
def test_the_log_says_no_more_than_it_should(settings, level, capfd):
    try:
        create_app(load(settings, LOG_LEVEL=level))
        logging.getLogger("anything").info("told at %s", "length")
    finally:
        create_app(settings)
    said = [json.loads(line)["event"] for line in capfd.readouterr().err.splitlines()]
    assert ("told at length" in said) is (level == "debug")
