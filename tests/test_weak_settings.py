"""Settings that work and protect too little are named, and never refused."""

from __future__ import annotations

import pytest

from addon.settings import Settings
from addon.weak_settings import weak_settings

STRONG = "s" * 32
WEAK = "s" * 31


def found(**env: str) -> list[str]:
    return weak_settings(Settings.load(env))


def test_what_is_made_at_the_first_start_and_the_defaults_are_not_weak(settings: Settings) -> None:
    assert weak_settings(Settings.load({})) == []
    assert weak_settings(settings.replace(public_url="http://127.0.0.1:8080")) == []


@pytest.mark.parametrize("name", ["PLAYBACK_SECRETS", "METRICS_TOKEN", "RINGCENTRAL_WEBHOOK_TOKEN"])
def test_a_secret_of_less_than_32_characters_is_named_and_not_shown(name: str) -> None:
    (said,) = found(**{name: WEAK})
    assert said.startswith(f"{name} has a secret shorter than 32")
    assert WEAK not in said
    assert found(**{name: STRONG}) == []


def test_one_short_secret_among_long_ones_is_enough() -> None:
    assert len(found(PLAYBACK_SECRETS=f"{STRONG},{WEAK},{STRONG}")) == 1


def test_a_redis_whose_certificate_nobody_checks_is_named() -> None:
    (said,) = found(REDIS_TLS_VERIFY="off")
    assert said.startswith("REDIS_TLS_VERIFY is off")
    assert found(REDIS_TLS_VERIFY="off", REDIS_TLS_FINGERPRINTS="ab" * 32) == []


@pytest.mark.parametrize("forwarded", [{"TRUSTED_PROXIES": "1"}, {"DYNO": "web.1"}])
def test_a_missing_metrics_token_is_named_where_requests_are_forwarded(
    forwarded: dict[str, str],
) -> None:
    (said,) = found(**forwarded)
    assert said.startswith("METRICS_TOKEN is not set")
    assert found(**forwarded, METRICS_TOKEN=STRONG) == []
    assert weak_settings(Settings.load(forwarded, role="worker")) == []


@pytest.mark.parametrize("name", ["PUBLIC_URL", "OIDC_ISSUER"])
def test_plain_http_is_named_unless_it_stays_on_this_machine(name: str) -> None:
    for url in (
        "http://addon.example.com",
        "http://10.0.0.1:8080",
        "http://localhost.evil.example",
    ):
        (said,) = found(**{name: url})
        assert said.startswith(f"{name} is http")
    for url in ("https://addon.example.com", "http://127.0.0.1:8080", "http://[::1]:1"):
        assert found(**{name: url}) == []
    assert found(**{name: "http://localhost:8080"}) == []


@pytest.mark.parametrize(
    "entry",
    ["*.com", "*.co.uk", "*.org.au", "*.herokuapp.com", "*.s3.amazonaws.com", "*.GitHub.io"],
)
@pytest.mark.parametrize("name", ["MEDIA_HOSTS", "CALLBACK_HOSTS"])
def test_hosts_that_anybody_can_have_are_named(name: str, entry: str) -> None:
    (said,) = found(**{name: f"*.twilio.com,{entry}"})
    assert said.startswith(f"{name} has {entry}")


def test_a_host_of_somebody_is_not() -> None:
    own = "*.twilio.com,a.herokuapp.com,*.example.co.uk,http://127.0.0.1:1,*.example.com"
    assert found(MEDIA_HOSTS=own, CALLBACK_HOSTS=own) == []


def test_credentials_for_hosts_that_anybody_can_have_are_named_without_the_pair() -> None:
    (said,) = found(CALLBACK_CREDENTIALS="*.herokuapp.com=user:the-password")
    assert "the-password" not in said
