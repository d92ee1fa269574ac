"""A row follows from manifest and analysis alone; what is not known is null."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from addon.catalogue.row import EPOCH_S, MAX_WORDS, first_id, row_of
from addon.catalogue.search_tokens import Tokens
from addon.catalogue.tables import FIGURES
from tests.catalogue.recordings import MONO, document, manifest

MADE = Tokens(b"k" * 32)


def test_figures_are_the_results():
    values = row_of(MADE, manifest(), document(longest_silence_seconds=7.5)).values
    assert values["longest_silence_seconds"] == 7.5
    assert values["duration_seconds"] == 30.0
    assert (values["interruptions"], values["customer_interruptions"]) == (2, 2)
    assert values["elapsed_per_duration"] == 0.014
    assert values["state"] == "analysed"
    assert values["agent_sentiment"] is None


def test_a_sentiment_is_that_of_its_party():
    made = document("hello there")
    made["result"]["transcript"]["sentiment"] = [{"role": "agent", "compound": -0.25}]
    values = row_of(MADE, manifest(), made).values
    assert (values["agent_sentiment"], values["customer_sentiment"]) == (-0.25, None)


def test_with_one_channel_what_needs_two_is_not_known():
    values = row_of(MADE, manifest(channels=1), MONO).values
    assert values["silence_seconds"] == 6.87
    assert all(values[name] is None for name in ("crosstalk_seconds", "interruptions"))


@pytest.mark.parametrize(
    ("made", "changes", "code", "state", "kept"),
    [
        (None, {}, None, "unknown", None),
        (None, {"analysis": None}, None, "failed", None),
        (None, {"analysis": None}, 64401, "failed", 64401),
        ({"status": "failed", "code": 64402, "result": None}, {}, None, "failed", 64402),
    ],
)
def test_failed_and_unknown_are_two_things_and_neither_has_figures(
    made, changes, code, state, kept
):
    values = row_of(MADE, manifest(**changes), made, code=code).values
    assert (values["state"], values["code"]) == (state, kept)
    assert {values[name] for name in FIGURES if name != "duration_seconds"} == {None}


@pytest.mark.parametrize(
    "made",
    [
        {"result": {"conversation": [], "participants": {}, "flags": "x", "categories": None}},
        {"result": {"transcript": {"sentences": [None, {}]}, "timing": 3, "participants": [1]}},
        {"result": {"conversation": {"silence_seconds": "7", "hold": True}}, "call": "no"},
        {"result": {"flags": None}, "call": {"from": 5, "agent": None, "direction": "sideways"}},
    ],
)
def test_what_another_release_wrote_otherwise_is_not_known(made):
    values = row_of(MADE, manifest(), made).values
    assert values["silence_seconds"] is None
    assert values["direction"] is None
    assert values["agent"] is None


def test_a_text_that_is_no_text_fails_nothing():
    call = {"agent": "\ud800", "from": "\ud800", "task_sid": "x" * 500}
    row = row_of(MADE, manifest(), document("\ud800bcd", call))
    assert "xxx" not in row.values["sids"]


def test_ids_order_as_the_recordings_were_made():
    ids = [row_of(MADE, manifest(number), None).values["id"] for number in range(9)]
    assert ids == sorted(ids)
    assert first_id(datetime.fromtimestamp(EPOCH_S - 5, UTC)) == 0
    assert max(ids) < 2**63


def test_the_task_of_a_call_is_found_as_its_sids_are():
    values = row_of(MADE, manifest(1), document(call={"task_sid": "WT" + "A" * 32})).values
    assert "wt" + "a" * 32 in values["sids"].split()


def test_the_words_of_one_recording_are_limited():
    many = " ".join(
        f"{chr(97 + n // 676 % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n % 26)}" for n in range(9000)
    )
    assert len(row_of(MADE, manifest(), document(many)).tokens) <= MAX_WORDS
