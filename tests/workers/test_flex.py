"""The handler of Flex requests: whose host is asked, and what follows once all is safe."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from addon.requests import results
from addon.requests.request import Request
from addon.requests.results import StoredResult
from addon.twilio.status_callback import StatusCallback
from tests.conftest import ACCOUNT
from workers import flex_deletion
from workers.flex import TASK_PATIENCE_S, FlexHandler

HANDLER = FlexHandler()


@pytest.fixture
def request_of_flex() -> Request:
    return Request.flex(
        StatusCallback(
            recording_sid="RE" + 32 * "1",
            account_sid=ACCOUNT,
            status="completed",
            received_at=datetime.now(UTC),
        )
    )


def stored(status: str) -> StoredResult:
    return StoredResult(
        results.successful("RE1", {}) | {"status": status}, final=True, archivable=True
    )


def test_the_request_is_made_again_from_its_own_document(request_of_flex):
    assert HANDLER.read(request_of_flex.document) == request_of_flex


def test_taskrouter_is_asked_where_there_is_a_workspace(settings, request_of_flex):
    assert HANDLER.host(settings, request_of_flex) == ""
    with_workspace = settings.replace(flex_workspace_sid="WS" + 32 * "1")
    assert HANDLER.host(with_workspace, request_of_flex) == "https://taskrouter.twilio.com"


def test_a_task_is_told_for_as_long_as_tasks_live(request_of_flex):
    received = request_of_flex.received_at.timestamp()
    assert HANDLER.give_up_at(request_of_flex, 3600.0) == received + TASK_PATIENCE_S


@pytest.mark.parametrize(
    ("result", "planned"), [(stored("successful"), 1), (stored("failed"), 0), (None, 0)]
)
def test_only_what_was_analysed_is_deleted_at_twilio(
    settings, services, request_of_flex, monkeypatch, result, planned
):
    plans: list[object] = []
    monkeypatch.setattr(flex_deletion, "plan", lambda *given: plans.append(given))
    HANDLER.when_safe(services.archive, settings, request_of_flex, result)
    assert len(plans) == planned
