"""What the player draws, out of results of every shape."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from addon.web import player_data
from addon.web.player_data import Turn
from tests.analysis import calls


def result(*segments: tuple[str, float, float], **more: Any) -> dict[str, Any]:
    roles = ["customer", "agent"]
    return {
        "audio": {"duration_seconds": 20.0},
        "participants": [{"channel": n, "role": role} for n, role in enumerate(roles)],
        "segments": [
            {"channel": roles.index(role), "role": role, "start_seconds": a, "end_seconds": b}
            for role, a, b in segments
        ],
        **more,
    }


def test_the_agent_is_on_top():
    assert player_data.roles(result()) == ["agent", "customer"]


def test_short_pauses_do_not_end_a_turn():
    found = player_data.turns(
        result(("agent", 0, 1), ("agent", 2.5, 3), ("agent", 5.5, 6), ("customer", 6, 7))
    )
    assert found == [Turn("agent", 0, 3), Turn("agent", 5.5, 6), Turn("customer", 6, 7)]


def test_another_party_ends_a_turn():
    found = player_data.turns(result(("agent", 0, 1), ("customer", 1.1, 1.5), ("agent", 1.6, 2)))
    assert [turn.role for turn in found] == ["agent", "customer", "agent"]


def test_a_transcript_brings_the_words():
    sentences = [
        {"role": "agent", "start_seconds": 0.5, "end_seconds": 1.5, "transcript": "Hello."},
    ]
    found = player_data.turns(result(transcript={"sentences": sentences}))
    assert found == [Turn("agent", 0.5, 1.5, "Hello.")]


def test_both_at_once_is_where_both_speak():
    document = player_data.document(
        result(("agent", 0, 5), ("customer", 1, 2), ("customer", 4, 7), ("agent", 6, 8))
    )
    assert document["events"]["both"] == [(1, 2), (4, 5), (6, 7)]


intervals = st.lists(st.integers(0, 60), unique=True, max_size=20).map(
    lambda edges: list(zip(sorted(edges)[::2], sorted(edges)[1::2], strict=False))
)


@given(agent=intervals, customer=intervals)
def test_overlaps_agree_with_counting_seconds(agent, customer):
    segments = [("agent", *one) for one in agent] + [("customer", *one) for one in customer]
    found = player_data.document(result(*sorted(segments, key=lambda one: one[1])))["events"][
        "both"
    ]

    def seconds(spans):
        return {second for start, end in spans for second in range(start, end)}

    assert seconds(found) == seconds(agent) & seconds(customer)


def test_an_empty_result_is_an_empty_player():
    document = player_data.document({})
    assert (document["lanes"], document["turns"], document["peaks"]) == ([], [], None)


def test_peaks_are_the_loudest_of_each_pixel_in_the_order_of_lanes():
    waveform = {"channels": 2, "data": [-3, 5, -50, 20, 0, 1, -1, 0]}
    found = player_data.peaks(result(waveform=waveform))
    assert found == [[50, 1], [5, 1]]


def test_channels_without_a_party_of_their_own_are_one_lane():
    mixed = {
        "participants": [{"channel": 0, "role": "mixed"}],
        "waveform": {"channels": 3, "data": [-3, 5, -50, 20, 0, 1, -1, 0, -9, 9, -2, 2]},
    }
    assert player_data.peaks(mixed) == [[50, 9]]


def test_a_real_analysis_fits():
    from addon.analysis import Options

    report, _ = calls.passed(calls.wav(calls.converse(12, 3).samples), Options(waveform=True))
    document = player_data.document(report.as_result())
    assert document["duration"] == 12.0
    assert [lane["role"] for lane in document["lanes"]] == ["agent", "customer"]
    assert all(len(lane) == len(document["peaks"][0]) > 300 for lane in document["peaks"])
    assert all(0 <= peak <= 128 for lane in document["peaks"] for peak in lane)
    assert document["turns"]


def test_a_rules_finding_has_its_places_and_a_missing_one_has_none():
    found = {"title": "Refund", "party": "customer", "status": "found"}
    categories = [
        found | {"intervals": [[1.5, 2.0], [4.0, 4.5]], "text": ["a refund", None]},
        {"title": "Notice", "party": "any", "status": "missing", "intervals": [], "text": []},
    ]
    first, second = player_data.rule_findings(result(categories=categories)) or ()
    assert (first.label, first.places) == ("Customer", [(1.5, "a refund"), (4.0, None)])
    assert (second.label, second.status, second.places) == ("Anybody", "missing", [])


def test_where_nobody_looked_there_are_no_findings():
    assert player_data.rule_findings(result()) is None
    assert player_data.rule_findings(result(categories=None)) is None
    assert player_data.rule_findings(result(categories=[])) == []
