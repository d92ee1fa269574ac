from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from addon.archive import names
from addon.errors import NotStored

RECORDING = "RE1"


def test_names_are_those_of_the_contract() -> None:
    files = names.files("XD1", RECORDING)
    assert files.audio == "recordings/XD1/RE1/audio.esdk"
    assert files.analysis == "recordings/XD1/RE1/analysis.esdk"
    assert files.manifest == "recordings/XD1/RE1/manifest.json"
    assert names.calls_prefix("XD1", "CA1") == "calls/XD1/CA1/"
    assert names.days_prefix("XD1", date(2026, 1, 2)) == "days/XD1/2026-01-02/"


def test_a_day_is_utc_and_lists_in_the_order_of_time() -> None:
    tokyo = timezone(timedelta(hours=9))
    early = names.day_key("XD1", datetime(2026, 1, 2, 8, 59, tzinfo=tokyo), "RE9")
    late = names.day_key("XD1", datetime(2026, 1, 1, 23, 59, 59, tzinfo=UTC), "RE1")
    assert early == "days/XD1/2026-01-01/235900-RE9"
    assert early < late


def test_entries_are_read_back() -> None:
    key = names.day_key("XD1", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "a-b-c")
    entry = names.day_entry(key)
    assert entry == names.Entry("XD1", "a-b-c", key)
    assert names.day_of(entry) == date(2026, 1, 2)
    key = names.calls_prefix("XD1", "CA1") + "RE1"
    assert names.call_entry(key) == names.Entry("XD1", "RE1", key)
    assert names.recording_of(names.files("XD1", "RE1").audio) == ("XD1", "RE1")


@pytest.mark.parametrize(
    "key",
    [
        "days/",
        "days/XD1/",
        "days/XD1/2026-01-02/",
        "days/XD1/2026-01-02/030405-",
        "days/XD1/2026-01-02/030405-a b",
        "days/XD1/20260102/030405-RE1",
        "days/XD1/2026-13-02/030405-RE1",
        "days/a b/2026-01-02/030405-RE1",
        "days//2026-01-02/030405-RE1",
    ],
)
def test_a_key_that_we_would_not_write_is_no_entry(key: str) -> None:
    assert names.day_entry(key) is None


@pytest.mark.parametrize("key", ["ids/RE1/a b", "ids/RE1/", "ids/RE1/XD1/x"])
def test_an_id_under_no_tenant_is_no_entry(key: str) -> None:
    assert names.id_entry(key) is None


@pytest.mark.parametrize("key", ["calls/XD1/CA1/", "calls/XD1/CA1/a b", "calls/XD1/CA1"])
def test_a_call_without_a_recording_is_no_entry(key: str) -> None:
    assert names.call_entry(key) is None


@pytest.mark.parametrize(
    "wrong", ["", ".", "..", "a/b", "../XD2", "a b", "ä", "a\n", "~", "x" * 65, "-a", "a%2fb"]
)
def test_an_id_that_is_no_plain_name_is_nowhere(wrong: str) -> None:
    for call in (
        lambda: names.files(wrong, "RE1"),
        lambda: names.files("XD1", wrong),
        lambda: names.days_prefix(wrong),
        lambda: names.calls_prefix("XD1", wrong),
        lambda: names.ids_prefix(wrong),
        lambda: names.day_key("XD1", datetime(2026, 1, 1, tzinfo=UTC), wrong),
        lambda: names.behind("XD1", wrong),
    ):
        with pytest.raises(NotStored):
            call()


def test_a_listing_goes_on_behind_all_of_a_recording() -> None:
    behind = names.behind("XD1", "RE1")
    assert all(key < behind for key in names.files("XD1", "RE1"))
    assert behind < names.files("XD1", "RE10").audio or behind > names.files("XD1", "RE10").audio
    assert behind < names.files("XD1", "RE2").audio
