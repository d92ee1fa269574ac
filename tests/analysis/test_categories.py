"""What rules find in a result: who, when, how often; and missing and unknown apart from each."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from addon.analysis import Options
from addon.analysis.categories import categories_of
from addon.analysis.rules import NO_RULES, open_rules, read_rules
from tests.analysis.calls import converse, passed, wav
from tests.analysis.dirty_transcriber import DIRTY, DirtyTranscriber, Mistakes, spoken_call
from tests.analysis.spoken import result
from tests.analysis.test_transcription import NUMBER, Scripted


@pytest.fixture
def found(tmp_path):
    """The categories of a result by one rule, `x`, with these fields."""

    def find(fields, document):
        path = tmp_path / "rules.toml"
        path.write_text(f"[x]\n{fields}")
        return categories_of(read_rules(path), document)

    return find


def listed(categories):
    """Status, party and starts of each category."""
    return [
        (each["status"], each["party"], [start for start, _ in each["intervals"]])
        for each in categories.as_result()["categories"]
    ]


REFUND = 'phrases = ["refund", "money back"]\n'


def test_each_party_that_says_it_is_a_finding_with_its_places(found):
    document = result(
        ("customer", 10, "I want a refund. My money back!"),
        ("agent", 20, "A refund? Fine."),
        ("customer", 30, "a refund"),
    )
    categories = found(REFUND, document)
    assert listed(categories) == [
        ("found", "customer", [11.05, 11.75, 30.35]),
        ("found", "agent", [20.35]),
    ]
    first = categories.as_result()["categories"][0]
    assert first["text"] == ["refund.", "money back!", "refund"]
    assert (first["rule"], first["title"], first["required"]) == ("x", "X", False)
    assert listed(found(REFUND + 'party = "agent"', document)) == [("found", "agent", [20.35])]


def test_a_rule_that_is_not_required_and_not_met_is_not_listed(found):
    assert found(REFUND, result(("agent", 1, "hello"))).as_result() == {"categories": []}


def test_what_had_to_be_said_and_was_not_is_a_finding(found):
    must = 'phrases = ["this call is recorded"]\nparty = "agent"\nrequired = true\n'
    document = result(("agent", 1, "hello"), ("customer", 5, "this call is recorded"))
    [category] = found(must, document).as_result()["categories"]
    assert category == {
        "rule": "x",
        "title": "X",
        "required": True,
        "status": "missing",
        "party": "agent",
        "intervals": [],
        "text": [],
    }
    anybody = must.replace('party = "agent"\n', "")
    assert listed(found(anybody, result(("agent", 1, "hello")))) == [("missing", "any", [])]
    said = result(("agent", 1, "Hello, this call is recorded"))
    assert listed(found(must, said)) == [("found", "agent", [1.35])]


def test_said_too_late_is_not_said(found):
    rule = 'phrases = ["this call is recorded"]\nrequired = true\nfirst_seconds = 30'
    late, early = (result(("agent", at, "this call is recorded")) for at in (30.0, 29.9))
    assert listed(found(rule, late)) == [("missing", "any", [])]
    assert listed(found(rule, early)) == [("found", "agent", [29.9])]


def test_the_last_seconds_and_the_first(found):
    said = [("agent", at, "goodbye now") for at in (5, 50, 119)]
    rule = 'phrases = ["goodbye"]\n'
    assert listed(found(rule + "last_seconds = 10", result(*said))) == [("found", "agent", [119])]
    both = rule + "first_seconds = 10\nlast_seconds = 10"
    assert listed(found(both, result(*said))) == [("found", "agent", [5, 119])]


def test_near_in_seconds_is_near_anybody(found):
    rule = 'phrases = ["refund"]\nnear = ["manager"]\nwithin_seconds = 4'
    document = result(
        ("customer", 10, "refund"), ("agent", 13, "my manager"), ("customer", 30, "refund")
    )
    assert listed(found(rule, document)) == [("found", "customer", [10])]


def test_near_in_words_is_near_the_same_party(found):
    rule = 'phrases = ["refund"]\nnear = ["manager"]\nwithin_words = 3'
    near = result(
        ("customer", 10, "a refund says the one manager"),
        ("customer", 60, "well then a new refund"),
    )
    assert listed(found(rule, near)) == [("found", "customer", [10.35])]
    far = result(("customer", 10, "a refund so says the one manager"), ("agent", 12, "manager"))
    assert listed(found(rule, far)) == []


def test_a_phrase_is_not_near_itself(found):
    rule = 'phrases = ["refund"]\nnear = ["refund"]\nwithin_seconds = 5'
    assert listed(found(rule, result(("customer", 10, "refund")))) == []
    twice = result(("customer", 10, "refund, refund"))
    assert listed(found(rule, twice)) == [("found", "customer", [10, 10.35])]


def test_without_a_transcript_there_are_no_categories_but_a_reason(found):
    slow = "Left out: it would not have been ready before the result's deadline."
    document = result(("agent", 1, "hello")) | {"transcript": None, "transcript_reason": slow}
    assert found(REFUND, document).as_result() == {
        "categories": None,
        "categories_reason": f"There is no transcript. {slow}",
    }
    del document["transcript"], document["transcript_reason"]
    reason = found(REFUND, document).as_result()["categories_reason"]
    assert reason == "There is no transcript. No transcriber is configured."
    assert found(REFUND, document).flags == []


def test_without_rules_there_are_no_categories_but_a_reason():
    document = result(("agent", 1, "hello"))
    assert categories_of(NO_RULES, document).as_result() == {
        "categories": None,
        "categories_reason": "No rules are configured.",
    }


def test_a_rule_of_another_language_is_unknown(found):
    rule = REFUND + 'language = "en"'
    document = result(("agent", 1, "hola, un refund"))
    document["transcript"]["language"] = "es"
    both = rule + '\n[y]\nphrases = ["hola"]\nlanguage = "es"'
    first, second = found(both, document).as_result()["categories"]
    assert (first["status"], first["party"], first["intervals"]) == ("unknown", "any", [])
    assert first["reason"] == "The rule is for 'en', and the transcript is in 'es'."
    assert (second["rule"], second["status"]) == ("y", "found")
    document["transcript"]["language"] = "en"
    assert [each[0] for each in listed(found(both, document))] == ["found", "unknown"]


def test_where_all_rules_are_of_another_language_nobody_looked(found):
    document = result(("agent", 1, "ein refund"))
    document["transcript"]["language"] = "de"
    assert found(REFUND + 'language = "en"', document).as_result() == {
        "categories": None,
        "categories_reason": "All rules are for other languages than 'de'.",
    }


def test_a_party_that_was_not_understood_may_have_said_it(found):
    rule = 'phrases = ["this call is recorded"]\nparty = "agent"\nrequired = true'
    document = result(("customer", 1, "hello"))
    document["participants"][1]["talk_seconds"] = 20.0
    assert listed(found(rule, document)) == [("unknown", "agent", [])]
    document["participants"][1]["talk_seconds"] = 0.0
    assert listed(found(rule, document)) == [("missing", "agent", [])]


def test_where_parties_cannot_be_told_apart_a_partys_rule_looks_at_all_words(found):
    document = result(("mixed", 1, "this call is recorded"))
    rule = 'phrases = ["this call is recorded"]\nparty = "agent"\nrequired = true'
    assert listed(found(rule, document)) == [("found", "mixed", [1])]


@pytest.mark.parametrize(
    ("fields", "said", "flags"),
    [
        ("flag = true", "a refund", ["rule:x"]),
        ("flag = true", "hello", []),
        ("flag = true\nrequired = true", "a refund", []),
        ("flag = true\nrequired = true", "hello", ["rule:x"]),
        ("", "a refund", []),
    ],
)
def test_a_rule_may_raise_a_flag(found, fields, said, flags):
    document = result(("agent", 1, said), ("customer", 5, said))
    assert found(REFUND + fields, document).flags == flags


def test_words_that_the_archive_has_muted_are_left_out(found):
    redaction = {"status": "complete", "intervals": [[10.2, 10.4]], "reasons": ["dtmf"]}
    document = result(("customer", 10, "refund"), ("customer", 20, "refund"), redaction=redaction)
    [category] = found(REFUND, document).as_result()["categories"]
    assert category["text"] == [None, "refund"]


def test_a_redacted_number_is_in_no_category_whatever_the_rules_look_for(tmp_path):
    path = tmp_path / "rules.toml"
    path.write_text('[x]\nphrases = ["four one one one", "one one one one", "redacted"]')
    options = Options(transcriber=Scripted(f"well {NUMBER} thanks"), rules=read_rules(path))
    report, _ = passed(wav(converse(40, 1).samples), options)
    document = report.as_result()
    assert "[redacted]" in json.dumps(document["transcript"])
    assert document["categories"] == []


def test_the_pass_over_a_recording_looks_for_them_after_redaction():
    script = "Hi. This call is being recorded for quality. I want to speak to a super visor."
    options = Options(transcriber=Scripted(script), rules=open_rules("starter"))
    report, _ = passed(wav(converse(20, 1).samples), options)
    document = report.as_result()
    by_rule = {each["rule"]: each for each in document["categories"]}
    assert by_rule["recording_notice"]["party"] == "agent"
    assert by_rule["escalation"]["party"] == "customer"
    assert "rule:escalation" in document["flags"]
    assert (
        categories_of(open_rules("starter"), document).as_result()["categories"]
        == (document["categories"])
    )


HEARD, WORDS = spoken_call(
    (1, 1.0, "Good morning this calls being accorded for quality."),
    (0, 6.0, "I'd like to cancel my subscribtion and I want my money bag."),
    (1, 12.0, "I am sorry. One moment please."),
    (0, 15.0, "No I want to speak to a super visor I want a refund"),
    (1, 22.0, "Some one will call you beck"),
    seconds=26,
)
"""A call as a recogniser hears it, words torn apart, joined and wrong; the double adds more."""


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    "mistakes",
    [Mistakes(early=0.3), replace(DIRTY, missed=0.0), Mistakes(early=0.2, repeats=8)],
    ids=["early", "dirty", "repeating"],
)
def test_what_was_said_is_found_across_the_mistakes_of_a_transcriber(mistakes, seed):
    transcriber = DirtyTranscriber(HEARD, WORDS, mistakes, seed=seed)
    options = Options(transcriber=transcriber, rules=open_rules("starter"))
    document = passed(wav(HEARD), options)[0].as_result()
    found = {
        (each["rule"], each["party"]): [start for start, _ in each["intervals"]]
        for each in document["categories"]
    }
    assert {rule for rule, _ in found} == {
        *("recording_notice", "cancellation", "refund", "escalation", "callback_promised"),
    }
    for key, truth in {
        ("recording_notice", "agent"): [1.6],
        ("cancellation", "customer"): [6.3],
        ("escalation", "customer"): [15.9],
        ("refund", "customer"): [18.6],
        ("callback_promised", "agent"): [22.0],
    }.items():
        assert found[key] == [pytest.approx(at, abs=0.9) for at in truth], key
