"""The trail: permissions before they are used, what was heard afterwards and together."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from addon.archive.audit import Trail
from addon.archive.directory import DirectoryStore
from addon.errors import StoreUnavailable
from addon.playback import listening as module
from addon.playback.listening import Listening, Visit
from addon.playback.ranges import Range

TENANT, RECORDING = "XD" + "1" * 32, "RE" + "2" * 32
VISIT = Visit(
    TENANT, (RECORDING,), listener="agent9", right="link", address="192.0.2.7", grant="n1"
)


class Sometimes(Trail):
    """A trail over a store that may be away."""

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
def trail(tmp_path) -> Sometimes:
    return Sometimes(DirectoryStore(tmp_path / "archive"))


@pytest.fixture
def listening(trail) -> Iterator[Listening]:
    writing = Listening(trail)
    yield writing
    writing.close()


def events(trail: Trail, recording: str = RECORDING) -> list[dict[str, Any]]:
    return list(trail.events(TENANT, recording))


def test_a_permission_is_on_record_before_it_is_given(listening, trail):
    listening.granted(VISIT, expires=1_800_000_000)
    (event,) = events(trail)
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


def test_a_permission_that_cannot_be_recorded_is_not_given(listening, trail):
    trail.away = True
    with pytest.raises(StoreUnavailable):
        listening.granted(VISIT, expires=1)


def test_the_first_that_is_heard_is_written_by_itself(listening, trail):
    listening.heard(VISIT, [Range(0, 100)], 1000)
    assert trail.written.wait(60)
    (event,) = events(trail)
    assert (event["event"], event["ranges"], event["of_bytes"]) == ("heard", [[0, 100]], 1000)


def test_the_ranges_of_one_permission_are_one_event(listening, trail):
    for start in (0, 100, 500, 550):
        listening.heard(VISIT, [Range(start, start + 100)], 1000)
    listening.flush()
    (event,) = events(trail)
    assert event["ranges"] == [[0, 200], [500, 650]]
    assert event["requests"] == 4


def test_who_goes_on_listening_is_written_again_later(trail):
    with closing(Listening(trail, batch_s=3600)) as listening:
        listening.heard(VISIT, [Range(0, 1)], 10)
        listening.flush()
        listening.heard(VISIT, [Range(1, 2)], 10)
        listening._write_due()
        assert len(events(trail)) == 1, "it waits for more of the same"
        listening.flush()
    assert [event["ranges"] for event in events(trail)] == [[[0, 1]], [[1, 2]]]


def test_closed_it_has_written_everything_and_ended_its_thread_and_may_go_on(trail):
    listening = Listening(trail)
    for number in (1, 2):
        listening.denied(VISIT, f"reason {number}")
        thread = listening._thread
        assert thread is not None
        listening.close()
        assert not thread.is_alive()
        assert len(events(trail)) == number


def test_two_listeners_are_two_events(listening, trail):
    listening.heard(VISIT, [Range(0, 1)], 10)
    listening.heard(Visit(TENANT, (RECORDING,), "agent8", "link", "::1"), [Range(0, 1)], 10)
    listening.flush()
    assert {event["listener"] for event in events(trail)} == {"agent9", "agent8"}


def test_a_call_is_in_the_trail_of_each_part(listening, trail):
    visit = Visit(TENANT, ("RE1", "RE2"), "x", "link", "::1", call_sid="CA1")
    listening.heard(visit, [Range(0, 1)], 10)
    listening.flush()
    assert [events(trail, name)[0]["call_sid"] for name in ("RE1", "RE2")] == ["CA1", "CA1"]


def test_nothing_heard_is_nothing_written(listening, trail):
    listening.heard(VISIT, [], 10)
    listening.flush()
    assert events(trail) == []


def test_a_refusal_is_written_and_counted(listening, trail):
    for _ in range(5):
        listening.denied(VISIT, "this link has expired")
    listening.flush()
    (event,) = events(trail)
    assert (event["event"], event["reason"], event["times"]) == (
        "denied",
        "this link has expired",
        5,
    )


def test_a_store_that_was_away_gets_it_later(listening, trail):
    trail.away = True
    listening.heard(VISIT, [Range(0, 1)], 10)
    listening.flush()
    listening.heard(VISIT, [Range(1, 2)], 10)
    trail.away = False
    listening.flush()
    (event,) = events(trail)
    assert (event["ranges"], event["requests"]) == ([[0, 2]], 2)


def test_memory_is_bounded_while_the_store_is_away(listening, trail, monkeypatch):
    monkeypatch.setattr(module, "MAX_WAITING", 3)
    trail.away = True
    for number in range(10):
        listening.denied(VISIT, f"reason {number}")
    trail.away = False
    listening.flush()
    assert len(events(trail)) == 3


def test_an_event_names_a_bounded_number_of_ranges(listening, trail):
    listening.heard(VISIT, [Range(n, n + 1) for n in range(0, 1000, 2)], 1000)
    listening.flush()
    assert len(events(trail)[0]["ranges"]) == module.MAX_RANGES
