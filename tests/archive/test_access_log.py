from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from addon.archive.access_log import AccessLog
from addon.archive.directory import DirectoryStore
from addon.archive.signed_documents import DocumentSigner
from addon.errors import NotStored
from addon.web.listeners import lines

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


def test_pages_are_newest_first_and_the_cursor_goes_on_with_older_ones(directory) -> None:
    access_log = AccessLog(directory)
    for number in range(5):
        access_log.record("XD1", "RE1", "noted", {"n": number}, at=AT + timedelta(seconds=number))
    first = access_log.page("XD1", "RE1", limit=3)
    second = access_log.page("XD1", "RE1", cursor=first.cursor, limit=3)
    assert [event["n"] for event in (*first.events, *second.events)] == [4, 3, 2, 1, 0]
    assert second.cursor is None
    assert access_log.page("XD1", "RE1", cursor="0", limit=3).events == []


BAD = [b"", b"junk", b"[]", b"{}", b'{"at": "x", "event": "heard"}', b'{"at": 1, "event": "heard"}']
FOREIGN = json.dumps({"at": AT.isoformat(), "event": "erased", "grant": [], "ranges": 1}).encode()


@pytest.mark.parametrize("content", [*BAD, FOREIGN])
def test_what_is_not_genuine_is_shown_with_its_trouble_and_decides_nothing(
    directory: DirectoryStore, content: bytes
) -> None:
    access_log = AccessLog(directory, DocumentSigner([b"k" * 32]))
    access_log.record("XD1", "RE1", "noted", {}, at=AT)
    directory.put("audit/XD1/RE1/20261121T120001.000000Z-00000000.json", [content])
    genuine, planted = access_log.events("XD1", "RE1")
    assert "trouble" not in genuine
    assert planted["trouble"]
    assert not access_log.has("XD1", "RE1", "erased")
    assert access_log.has("XD1", "RE1", "noted")
    assert lines([planted, genuine])[0].refused


def test_neither_the_link_nor_the_mac_is_shown(directory: DirectoryStore) -> None:
    access_log = AccessLog(directory, DocumentSigner([b"k" * 32]))
    access_log.record("XD1", "RE1", "noted", {"by": "a"}, at=AT)
    assert list(access_log.events("XD1", "RE1")) == [
        {"at": AT.isoformat(), "event": "noted", "by": "a"}
    ]
