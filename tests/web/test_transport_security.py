"""HSTS is sent where the public URL is one of https, with every answer."""

from __future__ import annotations

import pytest

from addon.factory import create_app
from addon.settings import Settings
from addon.web.transport_security import HEADER


@pytest.mark.parametrize(
    "path", ["/healthz", "/nothing", "/recordings", "/recording-analysis", "/media/x"]
)
@pytest.mark.parametrize(
    ("url", "sent"),
    [("https://hooks.example.net", "max-age=31536000"), ("http://127.0.0.1:8080", None)],
)
def test_browsers_are_told_to_stay_with_tls(
    settings: Settings, redis_server: object, path: str, url: str, sent: str | None
) -> None:
    client = create_app(settings.replace(public_url=url)).test_client()
    assert client.get(path).headers.get(HEADER) == sent
