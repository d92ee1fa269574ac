"""Where a token may go: production with production, the sandbox with the sandbox."""

from __future__ import annotations

import pytest

from addon.errors import OutboundRefused
from addon.ringcentral.hosts import Hosts

PRODUCTION, SANDBOX = "https://platform.ringcentral.com", "https://platform.devtest.ringcentral.com"


@pytest.mark.parametrize(
    ("base", "url"),
    [
        (PRODUCTION, "https://platform.ringcentral.com/restapi/v1.0/account/~"),
        (PRODUCTION, "https://media.ringcentral.com/restapi/v1.0/account/1/recording/2/content"),
        (
            PRODUCTION,
            "https://media.ringcentral.com:443/restapi/v1.0/account/1/recording/2/content",
        ),
        (PRODUCTION + "/", "https://media.ringcentral.com/x"),
        (SANDBOX, "https://media.devtest.ringcentral.com:443/x"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000/x"),
    ],
)
def test_its_own_hosts_are_admitted(base, url):
    assert Hosts(base).origins.admits(url)


@pytest.mark.parametrize(
    ("base", "url"),
    [
        (PRODUCTION, "http://media.ringcentral.com/x"),
        (PRODUCTION, "https://media.ringcentral.com:8443/x"),
        (PRODUCTION, "https://media.devtest.ringcentral.com/x"),
        (PRODUCTION, "https://media.ringcentral.com.example.net/x"),
        (PRODUCTION, "https://evil.ringcentral.com/x"),
        (PRODUCTION, "https://media.ringcentral.com@example.net/x"),
        (SANDBOX, "https://media.ringcentral.com/x"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9001/x"),
        ("http://127.0.0.1:9000", "https://media.ringcentral.com/x"),
        ("http://platform.ringcentral.com", "https://media.ringcentral.com/x"),
    ],
)
def test_no_other_is(base, url):
    assert not Hosts(base).origins.admits(url)


def test_paths_are_put_behind_the_base():
    hosts = Hosts("https://platform.ringcentral.com/")
    assert hosts.url("/restapi/v1.0/x") == "https://platform.ringcentral.com/restapi/v1.0/x"
    assert hosts.url("/x", {"a": "1 2"}) == "https://platform.ringcentral.com/x?a=1+2"


def test_a_base_that_is_no_address_is_refused():
    with pytest.raises(OutboundRefused):
        Hosts("platform.ringcentral.com")
