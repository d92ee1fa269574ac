"""Who goes first, and how long each may take."""

from __future__ import annotations

import resource

import pytest

from addon.settings import Settings
from addon.web.connections.limits import OTHER_DESCRIPTORS, Limits, open_files_allowed


def test_time_for_a_body_grows_with_what_came_up_to_an_end() -> None:
    limits = Limits(body_s=1, body_rate=10, body_longest_s=5)
    assert [limits.body_allowed_s(received) for received in (0, 20, 10**9)] == [1, 3, 5]


def test_the_budget_is_shared_out_among_the_processes() -> None:
    settings = Settings.load({"WEB_CONCURRENCY": "4", "MAX_UNVERIFIED_BYTES": "4000"})
    assert Limits.from_settings(settings).unverified_bytes == 1000


@pytest.mark.parametrize(
    ("env", "trusted"),
    [({}, 0), ({"DYNO": "web.1"}, 1), ({"TRUSTED_PROXIES": "2"}, 2)],
)
def test_proxies_are_trusted_where_they_are_known(env: dict[str, str], trusted: int) -> None:
    assert Limits.from_settings(Settings.load(env)).trusted_proxies == trusted


def test_no_more_connections_than_files_can_be_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, OTHER_DESCRIPTORS + 100))
    raised = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: raised.append(limits))
    assert open_files_allowed(1000) == 50
    assert raised == [(OTHER_DESCRIPTORS + 100, OTHER_DESCRIPTORS + 100)]
