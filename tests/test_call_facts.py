"""Facts of a call: read from sources as dirty as the world, and back out of a stored analysis."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from addon import call_facts
from addon.call_facts import NAMES, NOT_ASKED, NOT_KEPT, NOT_SAID, WITHHELD, Absent
from addon.settings import Settings

NOON = datetime(2026, 11, 2, 13, 0, tzinfo=timezone(timedelta(hours=1)))
TASK = "WT" + "0a" * 16
SAID = {
    "from": "+1 (415) 867-5309",
    "to": "client:alice",
    "direction": "outbound-dial",
    "agent": " Ada\nLovelace ",
    "queue": "Billing",
    "outcome": "Resolved",
    "task_sid": TASK,
    "started_at": NOON,
    "duration_seconds": "61",
}


def test_what_a_source_says_is_kept_in_one_form():
    assert call_facts.gathered(NAMES, SAID) == {
        "from": "+14158675309",
        "to": "client:alice",
        "direction": "outbound",
        "agent": "Ada Lovelace",
        "queue": "Billing",
        "outcome": "Resolved",
        "task_sid": TASK,
        "started_at": "2026-11-02T12:00:00.000+00:00",
        "duration_seconds": 61.0,
    }


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("+14158675309", "+14158675309"),
        (" 14158675309", "+14158675309"),
        ("+49 30 / 901-820", "+4930901820"),
        ("0151 23456789", "015123456789"),
        (" 015123456789", "015123456789"),
        ("112", "112"),
        ("client:alice_40example_2Eorg", "client:alice_40example_2Eorg"),
        ("sip:alice@pbx.example.com;transport=udp", "sip:alice@pbx.example.com"),
        ("<sips:+1415@pbx.example.com>", "sips:+1415@pbx.example.com"),
        ("", None),
        ("<html>", None),
        ("9" * 40, None),
        (4158675309, None),
        (["+14158675309"], None),
        (None, None),
        ("anonymous", Absent(WITHHELD)),
        ("Restricted", Absent(WITHHELD)),
        ("+266696687", Absent(WITHHELD)),
        ("sip:anonymous@anonymous.invalid", Absent(WITHHELD)),
    ],
)
def test_a_party_is_a_number_an_address_or_nothing(raw, kept):
    assert call_facts.party(raw) == kept


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("direction", "sideways"),
        ("direction", 1),
        ("agent", " \n\x00 "),
        ("agent", {"name": "Ada"}),
        ("task_sid", "WT../../x"),
        ("started_at", "noon"),
        ("started_at", NOON.replace(tzinfo=None)),
        ("duration_seconds", "-1"),
        ("duration_seconds", "nan"),
        ("duration_seconds", "soon"),
        ("duration_seconds", True),
        ("duration_seconds", None),
    ],
)
def test_a_value_of_another_form_counts_as_not_said(name, raw):
    facts = call_facts.gathered(NAMES, {name: raw})
    assert (facts[name], facts[f"{name}_reason"]) == (None, NOT_SAID)


def test_the_first_source_that_says_something_is_believed():
    facts = call_facts.gathered(NAMES, {"agent": ""}, {"agent": "Ada"}, {"agent": "Bob"})
    assert facts["agent"] == "Ada"
    assert "agent_reason" not in facts


def test_a_null_names_why_each_source_had_nothing():
    one, two = call_facts.all_absent("No task.", "from"), call_facts.all_absent("No call.")
    assert call_facts.gathered(NAMES, one, two)["from_reason"] == "No task. No call."
    assert call_facts.gathered(NAMES, two, two)["to_reason"] == "No call."


def test_a_name_has_a_sensible_length():
    assert len(call_facts.named("a" * 10_000)) == call_facts.MAX_LENGTH


def test_what_the_setting_leaves_out_is_null_for_that_reason():
    kept = Settings(call_facts="agent, queue").call_facts
    facts = call_facts.gathered(kept, SAID)
    assert (facts["agent"], facts["queue"]) == ("Ada Lovelace", "Billing")
    for name in set(NAMES) - {"agent", "queue"}:
        assert (facts[name], facts[f"{name}_reason"]) == (None, NOT_KEPT)


def test_all_are_kept_where_nothing_is_set():
    assert Settings().call_facts == NAMES
    assert Settings(call_facts="off").call_facts == ()


def test_a_stored_analysis_gives_its_facts_back():
    facts = call_facts.gathered(NAMES, SAID, {})
    assert call_facts.facts_of({"result": None, "call": facts}) == facts


@pytest.mark.parametrize("document", [None, {}, {"call": None}, {"call": []}])
def test_a_recording_of_before_has_none_and_says_so(document):
    facts = call_facts.facts_of(document)
    for name in NAMES:
        assert (facts[name], facts[f"{name}_reason"]) == (None, NOT_ASKED)


def test_facts_of_another_release_are_read_as_far_as_they_are_understood():
    call = {"from": "+1415", "agent": {"name": "Ada"}, "mood": "good", "duration_seconds": True}
    facts = call_facts.facts_of({"call": call})
    assert facts["from"] == "+1415"
    assert (facts["agent"], facts["duration_seconds"]) == (None, None)
    assert "mood" not in facts


def test_every_reader_takes_what_it_has_made_and_an_absence():
    assert set(call_facts.READERS) == set(NAMES)
    for name, read in call_facts.READERS.items():
        made = read(SAID[name])
        assert name == "started_at" or read(made) == made
        assert read(Absent("Why.")) == Absent("Why.")


def test_a_moment_is_in_utc():
    assert call_facts.moment(NOON) == NOON.astimezone(UTC).isoformat(timespec="milliseconds")
