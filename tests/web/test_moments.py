"""Moments of a result: which there are, what they are called, and where the longest silence is."""

from __future__ import annotations

from typing import Any

import pytest

from addon.web import moments
from addon.web.moments import Moment


def result(**more: Any) -> dict[str, Any]:
    return {"audio": {"duration_seconds": 60.0}, "participants": [], "segments": [], **more}


def test_interruptions_silences_hold_and_muted_places_are_moments_in_the_order_of_time():
    found = moments.moments(
        result(
            participants=[{"role": "agent", "interruptions": {"intervals": [[5, 6]]}}],
            conversation={
                "non_talk": {"intervals": [[10, 15], [20, 40]]},
                "hold": {"intervals": [[20.5, 39.5]]},
            },
            redaction={"intervals": [[2, 3]], "reasons": ["dtmf"]},
            categories=[
                {"title": "Refund", "party": "customer", "intervals": [[50, 51]], "text": ["x"]}
            ],
        )
    )
    assert found == [
        Moment("muted", "Muted: key tones", 2, 3),
        Moment("interruption", "Agent interrupts", 5, 6),
        Moment("silence", "Silence", 10, 15),
        Moment("hold", "On hold", 20.5, 39.5),
        Moment("category", "Refund (Customer)", 50, 51),
    ]
    assert [kind for kind, _, _ in moments.by_kind(found)] == list(moments.NAMES)[:5]


def test_a_spoken_number_that_was_muted_is_not_called_a_tone():
    spoken = result(redaction={"intervals": [[2, 3]], "reasons": ["spoken_number"]})
    assert moments.moments(spoken)[0].title == "Muted: a spoken number"
    assert moments.muted_kinds(spoken) == "a spoken number"


def test_of_several_kinds_no_place_is_said_to_be_of_one():
    several = result(
        redaction={"intervals": [[2, 3]], "reasons": ["dtmf", "spoken_number", "new_kind"]}
    )
    assert moments.moments(several)[0].title == "Muted"
    assert moments.muted_kinds(several) == "key tones, a spoken number and new kind"


@pytest.mark.parametrize("empty", [{}, {"conversation": None, "redaction": None}])
def test_a_result_of_another_release_has_no_moments_and_no_error(empty):
    assert moments.moments(empty) == []
    assert moments.longest_silence(empty) is None
    assert moments.muted_kinds(empty) is None


@pytest.mark.parametrize(
    ("segments", "length", "place"),
    [
        ([(1, 10), (12, 20), (30, 58)], 10.0, (20, 30)),
        ([(15, 60)], 15.0, (0, 15)),
        ([(0, 30)], 30.0, (30, 60)),
        ([(0, 30), (5, 10)], 30.0, (30, 60)),
        ([(0, 30)], 4.0, None),
    ],
)
def test_the_longest_silence_is_found_where_the_segments_leave_it(segments, length, place):
    given = result(
        segments=[{"start_seconds": a, "end_seconds": b} for a, b in segments],
        conversation={"longest_silence_seconds": length},
    )
    assert moments.longest_silence(given) == place
