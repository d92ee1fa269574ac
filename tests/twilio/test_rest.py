from __future__ import annotations

import pytest

from addon.outbound import Credentials
from addon.twilio.rest import TwilioApi

AC = "AC" + "0a" * 16
BASE = "http://127.0.0.1:9000"
API = TwilioApi(AC, "token")
BASED = TwilioApi(AC, "token", base_url=BASE + "/")


def test_services_have_hosts_of_their_own_or_one_base_with_unchanged_paths() -> None:
    assert API.url("iam", "/v1/x") == "https://iam.twilio.com/v1/x"
    assert BASED.url("iam", "/v1/x") == BASE + "/v1/x"
    assert TwilioApi(AC, "t", realm="ie1").url("iam", "/v1") == "https://iam.ie1.twilio.com/v1"
    assert API.url("api", "/l", {"DateCreated>": "2026-03-04", "PageSize": "2"}) == (
        "https://api.twilio.com/l?DateCreated%3E=2026-03-04&PageSize=2"
    )


def test_an_api_key_is_preferred_to_the_token() -> None:
    assert API.credentials == Credentials(AC, "token")
    assert TwilioApi(AC, "token", key_sid="SK1", key_secret="s").credentials == Credentials(
        "SK1", "s"
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://api.twilio.com/x",
        "https://api.ie1.twilio.com/x",
        "https://api.dublin.ie1.twilio.com:443/x?y",
    ],
)
def test_credentials_go_to_the_api(url: str) -> None:
    assert API.credentials_for(url) == API.credentials


@pytest.mark.parametrize(
    "url",
    [
        "http://api.twilio.com/x",
        "https://api.twilio.com:8443/x",
        "https://media.twilio.com/x",
        "https://evil-api.twilio.com/x",
        "https://api.twilio.com.evil.example/x",
        "https://api.twilio.com@evil.example/x",
        "https://storage.example/x",
        BASE + "/x",
        "nonsense",
    ],
)
def test_credentials_go_to_no_other_place(url: str) -> None:
    assert API.credentials_for(url) is None


def test_with_a_base_credentials_go_to_it_alone() -> None:
    assert BASED.credentials_for(BASE + "/x") == API.credentials
    assert BASED.credentials_for("https://api.twilio.com/x") is None
    assert BASED.credentials_for("http://127.0.0.1:9001/x") is None


def test_allowed_origins_follow_the_base() -> None:
    assert API.origins(("storage.example.net",)).admits("https://storage.example.net/")
    assert API.origins().admits("https://taskrouter.twilio.com/")
    assert BASED.origins().admits(BASE + "/x")
    assert not BASED.origins().admits("https://api.twilio.com/")


def test_no_secret_shows_in_a_repr() -> None:
    assert "token" not in repr(API.credentials)
