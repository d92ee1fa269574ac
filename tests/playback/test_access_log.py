"""The access log: permissions before they are used, what was heard afterwards and together."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from addon.archive.access_log import AccessLog
from addon.archive.directory import DirectoryStore
from addon.errors import StoreUnavailable
from addon.playback import access_log as module
from addon.playback.access_log import Access, AccessLogWriter
from addon.playback.ranges import Range

TENANT, RECORDING = "XD" + "1" * 32, "RE" + "2" * 32
ACCESS = Access(
    TENANT, (RECORDING,), listener="agent9", right="link", address="192.0.2.7", grant="n1"
)


class Sometimes(AccessLog):
    """An access log over a store that may be away."""

    def __init__(self, store: DirectoryStore) -> None:
        super().__init__(store)
        self.away = False
        self.written = threading.Event()

    def record(self, *args: Any, **kwargs: Any) -> None:
        if self.away:
            raise StoreUnavailable("away")
        super().record(*args, **kwargs)
        self.written.set()


@pytest.fixture
def access_log(tmp_path) -> Sometimes:
    return Sometimes(DirectoryStore(tmp_path / "archive"))


@pytest.fixture
def writer(access_log) -> Iterator[AccessLogWriter]:
    writer = AccessLogWriter(access_log)
    yield writer
    writer.close()


def events(access_log: AccessLog, recording: str = RECORDING) -> list[dict[str, Any]]:
    return list(access_log.events(TENANT, recording))


def test_a_permission_is_on_record_before_it_is_given(writer, access_log):
    writer.granted(ACCESS, expires=1_800_000_000)
    (event,) = events(access_log)
    assert event.pop("at")
    assert event == {
        "event": "granted",
        "listener": "agent9",
        "right": "link",
        "address": "192.0.2.7",
        "purpose": "listen",
        "grant": "n1",
        "expires": 1_800_000_000,
    }


def test_a_permission_that_cannot_be_recorded_is_not_given(writer, access_log):
    access_log.away = True
    with pytest.raises(StoreUnavailable):
        writer.granted(ACCESS, expires=1)


def test_the_first_that_is_heard_is_written_by_itself(writer, access_log):
    writer.heard(ACCESS, [Range(0, 100)], 1000)
    assert access_log.written.wait(60)
    (event,) = events(access_log)
    assert (event["event"], event["ranges"], event["of_bytes"]) == ("heard", [[0, 100]], 1000)


def test_the_ranges_of_one_permission_are_one_event(writer, access_log):
    for start in (0, 100, 500, 550):
        writer.heard(ACCESS, [Range(start, start + 100)], 1000)
    writer.flush()
    (event,) = events(access_log)
    assert event["ranges"] == [[0, 200], [500, 650]]
    assert event["requests"] == 4


def test_who_goes_on_listening_is_written_again_later(access_log):
    with closing(AccessLogWriter(access_log, batch_s=3600)) as writer:
        writer.heard(ACCESS, [Range(0, 1)], 10)
        writer.flush()
        writer.heard(ACCESS, [Range(1, 2)], 10)
        writer._write_due()
        assert len(events(access_log)) == 1, "it waits for more of the same"
        writer.flush()
    assert [event["ranges"] for event in events(access_log)] == [[[0, 1]], [[1, 2]]]


def test_closed_it_has_written_everything_and_ended_its_thread_and_may_go_on(access_log):
    writer = AccessLogWriter(access_log)
    for number in (1, 2):
        writer.denied(ACCESS, f"reason {number}")
        thread = writer._thread
        assert thread is not None
        writer.close()
        assert not thread.is_alive()
        assert len(events(access_log)) == number


def test_two_listeners_are_two_events(writer, access_log):
    writer.heard(ACCESS, [Range(0, 1)], 10)
    writer.heard(Access(TENANT, (RECORDING,), "agent8", "link", "::1"), [Range(0, 1)], 10)
    writer.flush()
    assert {event["listener"] for event in events(access_log)} == {"agent9", "agent8"}


def test_a_call_is_in_the_access_log_of_each_part(writer, access_log):
    access = Access(TENANT, ("RE1", "RE2"), "x", "link", "::1", call_sid="CA1")
    writer.heard(access, [Range(0, 1)], 10)
    writer.flush()
    assert [events(access_log, name)[0]["call_sid"] for name in ("RE1", "RE2")] == ["CA1", "CA1"]


def test_nothing_heard_is_nothing_written(writer, access_log):
    writer.heard(ACCESS, [], 10)
    writer.flush()
    assert events(access_log) == []


def test_a_refusal_is_written_and_counted(writer, access_log):
    for _ in range(5):
        writer.denied(ACCESS, "this link has expired")
    writer.flush()
    (event,) = events(access_log)
    assert (event["event"], event["reason"], event["times"]) == (
        "denied",
        "this link has expired",
        5,
    )


def test_a_store_that_was_away_gets_it_later(writer, access_log):
    access_log.away = True
    writer.heard(ACCESS, [Range(0, 1)], 10)
    writer.flush()
    writer.heard(ACCESS, [Range(1, 2)], 10)
    access_log.away = False
    writer.flush()
    (event,) = events(access_log)
    assert (event["ranges"], event["requests"]) == ([[0, 2]], 2)


def test_memory_is_bounded_while_the_store_is_away(writer, access_log, monkeypatch):
    monkeypatch.setattr(module, "MAX_DENIALS", 3)
    access_log.away = True
    for number in range(10):
        writer.denied(ACCESS, f"reason {number}")
    access_log.away = False
    writer.flush()
    assert len(events(access_log)) == 3


def test_refusals_never_push_out_a_hearing(writer, access_log, monkeypatch):
    monkeypatch.setattr(module, "MAX_DENIALS", 3)
    monkeypatch.setattr(module, "MAX_WAITING", 3)
    access_log.away = True
    for number in range(10):
        writer.denied(ACCESS, f"reason {number}")
    access_log.away = False
    writer.begin(ACCESS)
    writer.heard(ACCESS, [Range(0, 1)], 10)
    writer.flush()
    assert [event["event"] for event in events(access_log)].count("heard") == 1


def test_a_hearing_begins_once_on_record_and_not_without_it(writer, access_log):
    access_log.away = True
    with pytest.raises(StoreUnavailable, match="not played"):
        writer.begin(ACCESS)
    access_log.away = False
    for _ in range(3):
        writer.begin(ACCESS)
    assert [event["event"] for event in events(access_log)] == ["began"]


def test_no_hearing_begins_while_too_many_wait(writer, access_log, monkeypatch):
    monkeypatch.setattr(module, "MAX_WAITING", 1)
    writer.begin(ACCESS)
    access_log.away = True
    writer.heard(ACCESS, [Range(0, 1)], 10)
    with pytest.raises(StoreUnavailable, match="too many events wait"):
        writer.begin(ACCESS)
    access_log.away = False
    writer.flush()
    writer.begin(ACCESS)


def test_the_seconds_that_were_sent_are_told(writer, access_log):
    writer.heard(ACCESS, [Range(0, 250)], 1000, 60.0)
    writer.flush()
    assert events(access_log)[0]["seconds"] == 15.0


def test_what_a_player_reports_is_an_event_of_its_own_in_seconds(writer, access_log):
    for stop in (1500, 4000):
        writer.played(ACCESS, [Range(500, stop)], 60_000, 60.0)
    writer.flush()
    (event,) = events(access_log)
    assert (event["event"], event["ranges_seconds"]) == ("played", [[0.5, 4.0]])
    assert (event["seconds"], event["reports"]) == (3.5, 2)


def test_an_event_names_a_bounded_number_of_ranges(writer, access_log):
    writer.heard(ACCESS, [Range(n, n + 1) for n in range(0, 1000, 2)], 1000)
    writer.flush()
    assert len(events(access_log)[0]["ranges"]) == module.MAX_RANGES
