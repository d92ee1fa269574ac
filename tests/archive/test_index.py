from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from addon.archive import index
from addon.archive.archive import Archive
from addon.archive.directory import DirectoryStore
from addon.archive.store import Stat
from addon.errors import NotStored
from tests.archive.recordings import CALL, TENANT, archived

OTHER = "XD" + "9" * 32
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def filled(archive: Archive) -> Archive:
    for number in range(7):
        archived(
            archive,
            b"x",
            recording_id=f"RE{9 - number}",
            started_at=NOON + timedelta(hours=5 * number),
            call_sid=CALL if number % 2 else None,
        )
    archived(archive, b"x", tenant=OTHER, recording_id="RE5", started_at=NOON)
    return archive


def ids(page: index.Page) -> list[str]:
    return [entry.recording_id for entry in page.entries]


def test_all_of_a_tenant_come_in_the_order_of_time(filled: Archive) -> None:
    assert ids(filled.list(TENANT)) == ["RE9", "RE8", "RE7", "RE6", "RE5", "RE4", "RE3"]
    assert ids(filled.list(OTHER)) == ["RE5"]
    assert ids(filled.list("XD0")) == []


def test_a_day_is_listed_alone(filled: Archive) -> None:
    assert ids(filled.list(TENANT, day=date(2026, 5, 1))) == ["RE9", "RE8", "RE7"]
    assert ids(filled.list(TENANT, day=date(2026, 5, 2))) == ["RE6", "RE5", "RE4", "RE3"]
    assert ids(filled.list(TENANT, day=date(2026, 5, 3))) == []


def test_a_call_is_listed_alone(filled: Archive) -> None:
    assert ids(filled.list(TENANT, call_sid=CALL)) == ["RE4", "RE6", "RE8"]
    assert ids(filled.list(OTHER, call_sid="CA0")) == []


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8])
def test_pages_together_are_the_whole(filled: Archive, limit: int) -> None:
    for options in ({}, {"day": date(2026, 5, 2)}, {"call_sid": CALL}):
        whole = ids(filled.list(TENANT, **options))  # type: ignore[arg-type]
        found: list[str] = []
        cursor: str | None = None
        while True:
            page = filled.list(TENANT, cursor=cursor, limit=limit, **options)  # type: ignore[arg-type]
            assert len(page.entries) <= limit
            found += ids(page)
            cursor = page.cursor
            if cursor is None:
                break
        assert found == whole


@pytest.mark.parametrize("cursor", ["../../x", "a b", "\0", "x" * 600, "ä"])
def test_a_cursor_that_never_was_one_is_refused(filled: Archive, cursor: str) -> None:
    with pytest.raises(NotStored):
        filled.list(TENANT, cursor=cursor)


def test_an_id_is_found_without_a_scan(filled: Archive) -> None:
    assert filled.find("RE5") == (TENANT, OTHER)
    assert filled.find("RE9") == (TENANT,)
    assert filled.find("RE") == ()


def test_tenants_are_listed_at_a_request_each(filled: Archive) -> None:
    assert list(index.tenants(filled.store)) == [TENANT, OTHER]


def test_days_before_a_date_leave_later_ones_unread(filled: Archive) -> None:
    listed: list[str] = []

    class Counting(DirectoryStore):
        def list(self, prefix: str = "", *, after: str | None = None) -> Iterator[Stat]:
            for stat in super().list(prefix, after=after):
                listed.append(stat.key)
                yield stat

    assert isinstance(filled.store, DirectoryStore)
    found = list(index.before_day(Counting(filled.store.root), lambda _: date(2026, 5, 2)))
    assert [(entry.tenant, entry.recording_id) for entry in found] == [
        (TENANT, "RE9"),
        (TENANT, "RE8"),
        (TENANT, "RE7"),
        (OTHER, "RE5"),
    ]
    assert len(listed) == len(found) + 1


def test_entries_can_be_written_again_and_hold_nothing(filled: Archive) -> None:
    manifest = filled.manifest(TENANT, "RE8")
    index.write(filled.store, manifest)
    sizes = {filled.store.stat(key).size for key in index.keys_of(manifest)}  # type: ignore[union-attr]
    assert sizes == {0}
    index.remove(filled.store, manifest)
    assert "RE8" not in ids(filled.list(TENANT)) + ids(filled.list(TENANT, call_sid=CALL))
    assert filled.find("RE8") == ()
