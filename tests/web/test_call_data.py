"""Results of a call's recordings as one: moved to their places, and added up."""

from __future__ import annotations

from typing import Any

from addon.web import call_data, moments, player_data
from addon.web.call_data import Leg


def result(roles: tuple[str, ...] = ("customer", "agent"), **more: Any) -> dict[str, Any]:
    return {
        "audio": {"duration_seconds": 10.0, "channels": len(roles)},
        "participants": [
            {
                "channel": n,
                "role": role,
                "talk_seconds": 4.0,
                "interruptions": {"intervals": [[1, 2]]},
            }
            for n, role in enumerate(roles)
        ],
        "segments": [{"channel": 0, "role": roles[0], "start_seconds": 1.0, "end_seconds": 3.0}],
        "conversation": {"non_talk": {"intervals": [[4, 8]]}, "hold": {"intervals": []}},
        "redaction": {"intervals": [[3, 4]], "reasons": ["dtmf"]},
        **more,
    }


def test_everything_of_the_second_recording_lies_where_it_is_heard():
    found = call_data.merged([Leg(result(), 0, 10), Leg(result(), 12.5, 22.5)])
    assert found["audio"] == {"duration_seconds": 22.5, "channels": 2}
    assert [one["start_seconds"] for one in found["segments"]] == [1.0, 13.5]
    assert found["conversation"]["non_talk"]["intervals"] == [(4, 8), (16.5, 20.5)]
    assert found["redaction"]["intervals"] == [(3, 4), (15.5, 16.5)]
    agent = next(one for one in found["participants"] if one["role"] == "agent")
    assert agent["talk_seconds"] == 8.0
    assert agent["interruptions"]["intervals"] == [(1, 2), (13.5, 14.5)]
    kinds = [moment.kind for moment in moments.moments(found)]
    assert kinds.count("interruption") == 4 and kinds.count("silence") == 2


def test_words_are_moved_with_their_sentence():
    word = {"word": "Hello", "start_seconds": 1.0, "end_seconds": 1.5}
    sentence = {
        "role": "agent",
        "transcript": "Hello",
        "start_seconds": 1.0,
        "end_seconds": 1.5,
        "words": [word],
    }
    spoken = result(transcript={"sentences": [sentence]})
    found = call_data.merged([Leg(result(), 0, 10), Leg(spoken, 10, 20)])
    assert player_data.words(found) == [[(11.0, 11.5, "Hello")]]
    assert word["start_seconds"] == 1.0


def test_parties_are_parted_only_where_every_recording_has_them_on_the_same_channels():
    dual, swapped, mono = result(), result(("agent", "customer")), result(("mixed",))
    for second, channels in ((dual, 2), (swapped, 1), (mono, 1), ({}, 1)):
        found = call_data.merged([Leg(dual, 0, 10), Leg(second, 10, 20)])
        assert found["audio"]["channels"] == channels


def test_a_recording_without_a_result_leaves_its_stretch_empty():
    found = call_data.merged([Leg({}, 0, 10), Leg(result(), 10, 20)])
    assert found["audio"]["duration_seconds"] == 20
    assert [one["start_seconds"] for one in found["segments"]] == [11.0]
    assert call_data.peaks([Leg({}, 0, 10)], []) is None


def test_each_recordings_waveform_lies_in_its_place():
    waveform = {
        "channels": 2,
        "samples_per_pixel": 8000,
        "sample_rate": 8000,
        "data": [-1, 5, -2, 7] * 10,
    }
    drawn = result(waveform=waveform)
    legs = [Leg({}, 0, 10), Leg(drawn, 10, 20)]
    agent, customer = call_data.peaks(legs, ["agent", "customer"]) or []
    assert max(agent[:10]) == max(customer[:10]) == 0
    assert set(agent[10:20]) == {7} and set(customer[10:20]) == {5}
    assert call_data.peaks([Leg(drawn, 0, 10)], ["agent"]) == [[7] * 10 + [0]]


def test_a_call_of_nothing_is_no_error():
    assert call_data.merged([])["audio"]["duration_seconds"] == 0
