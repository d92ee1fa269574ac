"""Addresses: a private one is a warning on a developer's machine and wrong once it is deployed."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "https://addon.internal", "https://10.1.1.1"]
)
def test_an_address_that_twilio_cannot_call(deployment, url):
    (found,) = deployment.found("public address", PUBLIC_URL=url)
    assert found.startswith("wrong: ")
    (found,) = deployment.found("public address", PUBLIC_URL=url, TRUSTED_PROXIES="0")
    assert found.startswith("warning: ")


def test_http_is_for_this_machine_alone(deployment):
    assert deployment.found("weak settings", PUBLIC_URL="http://127.0.0.1:8080") == []
    assert "in the clear" in deployment.found("weak settings", PUBLIC_URL="http://a.example")[0]
