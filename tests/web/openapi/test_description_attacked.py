"""The API as its own description says it is, attacked by schemathesis: no answer is a 5xx."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error

from addon.web.context import context
from tests.web.documented import API

EXAMPLES = 25
"""For each operation: enough to reach its statuses, few enough for every run."""

OPERATIONS = [
    (path, method)
    for path, methods in API["paths"].items()
    for method in methods
    if method in ("get", "head", "post", "delete", "options")
]


@pytest.fixture(name="settings")
def with_catalogue(settings):
    """With a catalogue, which filters are for: without one they answer 503."""
    return settings.replace(catalogue_key=bytes(range(32)))


@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=lambda each: each)
def test_no_answer_is_ours_to_blame(app, path, method):
    with app.app_context():
        secret, _ = context().tokens.issue(None)
    operation = schemathesis.openapi.from_wsgi("/openapi.json", app)[path][method]

    @given(st.data())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def attack(data):
        case = data.draw(operation.as_strategy())
        case.call_and_validate(
            headers={"Authorization": f"Bearer {secret}"}, checks=[not_a_server_error]
        )

    attack()
