from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.twilio.insights import RecordingMedia, with_measures, with_media

STARTED = datetime(2026, 3, 4, 10, 15, 30, tzinfo=UTC)


def url(recording: str, host: str = "play.example.net") -> str:
    return f"https://{host}/flex/playback?recording_sid={recording}"


def media(recording: str = "RE1", **more: Any) -> RecordingMedia:
    return RecordingMedia(recording, url(recording), **more)


def test_an_item_is_as_insights_reads_it() -> None:
    full = media(started_at=STARTED, channels=("customer", "agent"), title="Main call")
    assert full.item() == {
        "type": "VoiceRecording",
        "url_provider": url("RE1"),
        "start_time": 1772619330000,
        "channels": ["customer", "others"],
        "title": "Main call",
    }
    assert media().item() == {"type": "VoiceRecording", "url_provider": url("RE1")}


def test_an_empty_task_gets_a_list_of_one() -> None:
    assert with_media({}, media()) == {"conversations": {"media": [media().item()]}}


def test_neighbours_stay_as_they_are_and_where_they_are() -> None:
    theirs = [
        {"type": "ChatTranscript", "sid": "CH1"},
        {"type": "VoiceRecording", "url_provider": "https://other.example/rec?recording_sid=RE1"},
        {"type": "VoiceRecording", "url": "https://x.example/RE1.mp3"},
        "nonsense",
    ]
    before = {
        "conversations": {"media": [theirs[0], media().item(), *theirs[1:]], "hang_up_by": "agent"},
        "other": {"media": [1]},
    }
    after = with_media(before, media(title="new"))
    assert after["conversations"]["media"] == [theirs[0], media(title="new").item(), *theirs[1:]]
    assert after["conversations"]["hang_up_by"] == "agent"
    assert after["other"] == {"media": [1]}


def test_a_recording_is_known_again_when_our_host_has_changed() -> None:
    old = {"conversations": {"media": [{"url_provider": url("RE1", "old.example")}]}}
    assert with_media(old, media())["conversations"]["media"] == [media().item()]


def test_doubles_of_our_own_are_folded() -> None:
    double = {"conversations": {"media": [media().item(), {"type": "Raw"}, media().item()]}}
    assert with_media(double, media())["conversations"]["media"] == [
        media().item(),
        {"type": "Raw"},
    ]


def test_another_recording_of_ours_is_a_neighbour() -> None:
    both = with_media(with_media({}, media("RE1")), media("RE2"))
    assert both["conversations"]["media"] == [media("RE1").item(), media("RE2").item()]


def test_a_reservation_has_a_list_of_its_own() -> None:
    before = {"reservation_attributes": {"WR1": {"a": 1}, "WR2": {"media": [{"type": "Raw"}]}}}
    after = with_media(before, media(), reservation_sid="WR2")
    assert after["reservation_attributes"] == {
        "WR1": {"a": 1},
        "WR2": {"media": [{"type": "Raw"}, media().item()]},
    }
    assert "conversations" not in after


def test_the_older_link_is_written_only_where_asked_and_where_nobody_has() -> None:
    assert "segment_link" not in with_media({}, media())["conversations"]
    assert with_media({}, media(), segment_link=True)["conversations"]["segment_link"] == url("RE1")
    theirs = {"conversations": {"segment_link": "https://theirs.example"}}
    kept = with_media(theirs, media(), segment_link=True)["conversations"]["segment_link"]
    assert kept == "https://theirs.example"


def test_measures_and_labels_are_set_beside_what_is_there() -> None:
    before = {"conversations": {"conversation_measure_1": 9, "conversation_measure_3": 5}}
    after = with_measures(before, {"conversation_measure_1": 12.5, "conversation_attribute_1": "x"})
    assert after["conversations"] == {
        "conversation_measure_1": 12.5,
        "conversation_measure_3": 5,
        "conversation_attribute_1": "x",
    }
    assert with_measures(before, {}) == before
    own = with_measures(before, {"conversation_measure_1": 1.0}, reservation_sid="WR1")
    assert own["reservation_attributes"] == {"WR1": {"conversation_measure_1": 1.0}}
    assert own["conversations"] == before["conversations"]
    assert with_measures({}, {"conversation_measure_1": 0.0}) == {
        "conversations": {"conversation_measure_1": 0.0}
    }


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)
trees = st.fixed_dictionaries(
    {},
    optional={
        "conversations": json_values,
        "media": json_values,
        "reservation_attributes": json_values,
    },
)


@given(trees)
def test_any_tree_is_merged_twice_like_once_and_never_changed_in_place(
    tree: dict[str, Any],
) -> None:
    before = copy.deepcopy(tree)
    once = with_media(tree, media(), segment_link=True)
    assert tree == before
    assert with_media(once, media(), segment_link=True) == once
    assert {k: v for k, v in once.items() if k != "conversations"} == {
        k: v for k, v in before.items() if k != "conversations"
    }


@pytest.mark.parametrize(
    "other",
    [
        None,
        "x",
        {},
        {"url_provider": 7},
        {"url_provider": "http://["},
        {"url_provider": url("RE2")},
    ],
)
def test_what_is_not_this_recordings_is_told_apart(other: object) -> None:
    assert not media().is_about(other)
