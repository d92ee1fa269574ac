from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from addon.archive.access_log import AccessLog
from addon.archive.directory import DirectoryStore
from addon.errors import NotStored

AT = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)
TOKYO = timezone(timedelta(hours=9))


def test_events_come_back_in_the_order_of_time(directory: DirectoryStore) -> None:
    access_log = AccessLog(directory)
    access_log.record("XD1", "RE1", "played", {"by": "b"}, at=AT + timedelta(milliseconds=1))
    access_log.record("XD1", "RE1", "played", {"by": "c"}, at=AT + timedelta(seconds=59))
    access_log.record(
        "XD1", "RE1", "erased", {"by": "a"}, at=AT.astimezone(timezone(timedelta(hours=9)))
    )
    access_log.record("XD1", "RE2", "played", {"by": "x"}, at=AT)
    assert [event["by"] for event in access_log.events("XD1", "RE1")] == ["a", "b", "c"]
    assert next(access_log.events("XD1", "RE1")) == {
        "at": AT.isoformat(),
        "event": "erased",
        "by": "a",
    }


def test_two_events_of_one_moment_are_two(directory: DirectoryStore) -> None:
    access_log = AccessLog(directory)
    for number in range(5):
        access_log.record("XD1", "RE1", "played", {"number": number}, at=AT)
    assert {event["number"] for event in access_log.events("XD1", "RE1")} == set(range(5))


def test_events_lie_where_the_contract_says(directory: DirectoryStore) -> None:
    AccessLog(directory).record("XD1", "RE1", "played", {}, at=AT)
    (key,) = (stat.key for stat in directory.list("audit/"))
    assert key.startswith("audit/XD1/RE1/20261121T120000.123456Z-")
    assert key.endswith(".json")


def test_another_tenants_access_log_cannot_be_named(directory: DirectoryStore) -> None:
    with pytest.raises(NotStored):
        list(AccessLog(directory).events("XD1/RE1", "RE2"))
    with pytest.raises(NotStored):
        AccessLog(directory).record("XD1", "../XD2/RE1", "played", {}, at=AT)
