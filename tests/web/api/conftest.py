"""An app with one recording, whose answers are held against the description; and tokens."""

from __future__ import annotations

import pytest

from tests.playback.sounds import archived
from tests.web.api.recorded import ANALYSIS, CONTENT
from tests.web.documented import DocumentedClient
from tests.web.playing import bearer, inside


@pytest.fixture
def app(app):
    app.test_client_class = DocumentedClient
    archived(inside(app).archive, CONTENT, analysis=ANALYSIS)
    return app


@pytest.fixture
def token(app) -> dict[str, str]:
    return bearer(app)


@pytest.fixture
def all_token(app) -> dict[str, str]:
    return bearer(app, None)
