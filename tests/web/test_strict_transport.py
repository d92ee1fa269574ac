"""Every answer of a service that is public by https tells browsers to come back by https."""

from __future__ import annotations

import pytest

from addon.factory import create_app
from addon.settings import Settings
from addon.web.strict_transport import HEADER

PATHS = ["/healthz", "/recordings", "/api/v1/recordings", "/media/nothing", "/nowhere", "/docs"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://addon.example.com", "max-age=31536000"),
        ("http://127.0.0.1:8080", None),
        ("http://addon.example.com", None),
    ],
)
def test_browsers_are_told_to_come_by_https_where_it_is_public_by_https(
    settings: Settings, redis_server: object, path: str, url: str, said: str | None
) -> None:
    client = create_app(settings.replace(public_url=url)).test_client()
    assert client.get(path).headers.get(HEADER) == said
