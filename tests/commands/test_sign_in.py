"""`flask sign-in`."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner

from addon.commands.sign_in import sign_in
from addon.settings import Settings
from addon.web.local_sign_in import redeem


def test_the_printed_link_signs_in_once_and_leads_to_the_page(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings.replace(public_url="http://127.0.0.1:8080")
    monkeypatch.setattr(Settings, "load", classmethod(lambda _cls: settings))
    result = CliRunner().invoke(sign_in, ["--to", "/recordings/RE1"])
    assert result.exit_code == 0, result.output
    query = parse_qs(urlsplit(result.output.strip()).query)
    assert query["next"] == ["/recordings/RE1"]
    assert redeem(settings, query["token"][0], "127.0.0.1")
    assert not redeem(settings, query["token"][0], "127.0.0.1")


def test_where_an_issuer_signs_in_it_says_so(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings.replace(oidc_issuer="https://issuer.example")
    monkeypatch.setattr(Settings, "load", classmethod(lambda _cls: settings))
    result = CliRunner().invoke(sign_in)
    assert (result.exit_code, result.output.split()[:2]) == (1, ["Error:", "OIDC_ISSUER"])
