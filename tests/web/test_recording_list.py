"""The list newest first, over days with gaps, several installs and pages of any size."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from addon.archive.archive import Archive
from addon.archive.names import day_key
from addon.archive.opening import open_store
from addon.errors import NotFound
from addon.web.recording_list import Position, RecordingList

ONE, TWO = "XD" + "1" * 32, "XD" + "2" * 32
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


class Counted:
    """A store that counts how often it is listed."""

    def __init__(self, store) -> None:
        self._store = store
        self.lists = 0

    def list(self, prefix, *, after=None):
        self.lists += 1
        return self._store.list(prefix, after=after)

    def __getattr__(self, name):
        return getattr(self._store, name)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(Counted(open_store(tmp_path.as_uri())))


def put(archive: Archive, at: datetime, tenant: str = ONE) -> str:
    """An index entry, which is all that the listing reads; returns its id."""
    name = f"RE{at:%Y%m%d%H%M%S}{tenant[-1]}"
    archive.store.put(day_key(tenant, at, name), (), if_absent=False)
    return name


def walked(listing: RecordingList, limit: int) -> list[str]:
    """Every page until the end, as ids."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = listing.newest(cursor, limit)
        assert len(page.entries) <= limit
        found += [entry.recording_id for entry in page.entries]
        cursor = page.cursor
        if cursor is None:
            return found


def test_the_latest_comes_first(archive):
    names = [put(archive, NOON + timedelta(hours=hours)) for hours in (0, 1, -30, -31, 2)]
    assert walked(RecordingList(archive, [ONE]), 10) == sorted(names, reverse=True)


@pytest.mark.parametrize("key", ["2026-03-04/!/x", "2026-03-04/!", "20260304/x-RE1", "é"])
def test_a_foreign_key_hides_no_day(archive, key):
    names = [put(archive, NOON + timedelta(days=days)) for days in range(-1, 3)]
    path = archive.store.root / "days" / ONE / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    assert walked(RecordingList(archive, [ONE]), 10) == names[::-1]


def test_installs_are_merged_by_time(archive):
    first = put(archive, NOON, ONE)
    second = put(archive, NOON + timedelta(minutes=1), TWO)
    third = put(archive, NOON + timedelta(minutes=2), ONE)
    assert walked(RecordingList(archive, [ONE, TWO]), 1) == [third, second, first]


def test_an_install_that_was_not_named_is_not_listed(archive):
    put(archive, NOON, TWO)
    assert walked(RecordingList(archive, [ONE]), 10) == []


def test_nothing_at_all(archive):
    page = RecordingList(archive, [ONE, TWO]).newest(None, 10)
    assert (page.entries, page.cursor) == ([], None)


def test_nobodys_installs(archive):
    assert RecordingList(archive, []).newest(None, 10).cursor is None


def test_a_gap_of_years_costs_a_few_requests(archive):
    old = put(archive, NOON - timedelta(days=3000))
    assert walked(RecordingList(archive, [ONE]), 10) == [old]
    assert archive.store.lists < 60


def test_a_busy_today_costs_hardly_anything(archive):
    put(archive, datetime.now(UTC))
    RecordingList(archive, [ONE]).newest(None, 1)
    assert archive.store.lists < 40


def test_a_recording_of_tomorrow_is_listed_too(archive):
    """Clocks differ, and a day begins earlier elsewhere."""
    name = put(archive, datetime.now(UTC) + timedelta(hours=5))
    assert walked(RecordingList(archive, [ONE]), 10) == [name]


def test_one_day(archive):
    names = [put(archive, NOON + timedelta(hours=hour)) for hour in range(5)]
    put(archive, NOON + timedelta(days=1))
    listing = RecordingList(archive, [ONE])
    first = listing.of_day(date(2026, 3, 4), None, 3)
    rest = listing.of_day(date(2026, 3, 4), first.cursor, 3)
    shown = [entry.recording_id for page in (first, rest) for entry in page.entries]
    assert shown == names[::-1] and rest.cursor is None


def test_one_call(archive):
    for tenant, name in ((ONE, "RE1"), (TWO, "RE2")):
        archive.store.put(f"calls/{tenant}/CA1/{name}", ())
    page = RecordingList(archive, [ONE]).of_call("CA1")
    assert [entry.recording_id for entry in page.entries] == ["RE1"]


def test_a_cursor_survives_its_text():
    position = Position(date(2026, 3, 4), "120000-RE1", ONE)
    assert Position.parse(str(position)) == position


@pytest.mark.parametrize("text", ["x", "2026-13-01/a/b", "/", "2026-3-4/a/b"])
def test_a_cursor_that_is_none_is_refused(text):
    with pytest.raises(NotFound):
        Position.parse(text)


@given(
    days=st.lists(st.tuples(st.integers(0, 400), st.sampled_from([ONE, TWO])), max_size=12),
    limit=st.integers(1, 5),
)
@hypothesis_settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_the_gaps_every_recording_is_listed_once(
    tmp_path_factory: pytest.TempPathFactory, days: Sequence[tuple[int, str]], limit: int
):
    archive = Archive(open_store(tmp_path_factory.mktemp("archive").as_uri()))
    names = {put(archive, NOON - timedelta(days=day), tenant) for day, tenant in days}
    found = walked(RecordingList(archive, [ONE, TWO]), limit)
    assert sorted(found) == sorted(names)
    assert [name[2:16] for name in found] == sorted((name[2:16] for name in names), reverse=True)
