"""A file of rules is read as it is written, or refused with the line, the rule and the field."""

from __future__ import annotations

import pytest

from addon.analysis.phrases import Phrase
from addon.analysis.rules import (
    MAX_RULES,
    OFF,
    STARTER,
    check_rules,
    open_rules,
    read_rules,
    rules_or_trouble,
)
from addon.errors import SettingsError

WHOLE = """
# Ours.
[price_objection]
title = "Too expensive"
phrases = ["too expensive", "can't afford"]
party = "customer"
near = ["contract"]
within_words = 12
last_seconds = 30
similarity = 90
flag = true
language = "en"

[goodbye]
phrases = ["thank you for calling"]
party = "agent"
required = true
"""


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "rules.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_rule_has_what_its_table_says_and_defaults_for_the_rest(file):
    objection, goodbye = read_rules(file(WHOLE)).rules
    assert objection.title == "Too expensive"
    assert objection.phrases == (Phrase.of("too expensive"), Phrase.of("can't afford"))
    assert (objection.party, objection.similarity, objection.flag) == ("customer", 90, True)
    assert (objection.within_words, objection.last_seconds) == (12, 30.0)
    assert goodbye.title == "Goodbye" and goodbye.required and not goodbye.flag
    assert (goodbye.near, goodbye.first_seconds, goodbye.language) == ((), None, None)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('party = "customer"', 'party = "buyer"'), "line 6, rule price_objection, field party"),
        (("within_words = 12", "within_words = 0"), "line 8, rule price_objection, field within"),
        (("within_words = 12\n", ""), "line 7, rule price_objection, field near: needs either"),
        (('near = ["contract"]\n', ""), "field near: is missing"),
        (("last_seconds = 30", "last_seconds = -1"), "line 9, rule price_objection, field last"),
        (("similarity = 90", "similarity = 20"), "from 70 to 100"),
        (("flag = true", 'flag = "yes"'), "line 11, rule price_objection, field flag: must be"),
        (('language = "en"', 'language = "English"'), 'must be a language such as "en"'),
        (("[goodbye]", "[Goodbye]"), "line 14, rule Goodbye: needs a name of small letters"),
        (('phrases = ["thank you for calling"]', ""), "rule goodbye, field phrases: is missing"),
        (('["thank you for calling"]', "[]"), "line 15, rule goodbye, field phrases: must be a"),
        (('["thank you for calling"]', '["..."]'), "line 15, rule goodbye, field phrases"),
        (('["thank you for calling"]', f'["{"so " * 13}"]'), "texts of 1 to 12 words"),
        (("required = true", "require = true"), "line 17, rule goodbye, field require: is not"),
        (('title = "Too expensive"', 'title = ""'), "line 4, rule price_objection, field title"),
        (("# Ours.", "name = 3"), "rule name: is no table"),
        (("party =", "party"), "no TOML"),
        ((WHOLE, ""), "it has 0 rules, not 1 to"),
    ],
)
def test_an_error_is_a_sentence_with_its_place(file, change, said):
    assert change[0] in WHOLE
    with pytest.raises(SettingsError) as raised:
        read_rules(file(WHOLE.replace(*change)))
    assert raised.value.message.startswith("the rules of ")
    assert said in raised.value.message


def test_bounds_of_a_file(file, tmp_path):
    table = '[rule_{}]\nphrases = ["hello there"]\n'
    most = "".join(table.format(number) for number in range(MAX_RULES))
    assert len(read_rules(file(most)).rules) == MAX_RULES
    for text in (most + table.format("more"), "#" * (2 << 20)):
        with pytest.raises(SettingsError):
            read_rules(file(text))
    with pytest.raises(SettingsError, match="cannot be read"):
        read_rules(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="no TOML"):
        read_rules(tmp_path / "latin.toml")


def test_the_starter_set_is_what_people_know():
    names = [rule.name for rule in open_rules(STARTER).rules]
    assert names == [
        *("recording_notice", "verification", "complaint", "cancellation", "refund"),
        *("escalation", "callback_promised", "voicemail_greeting"),
    ]
    assert all(rule.language == "en" for rule in open_rules(STARTER).rules)


def test_off_looks_for_nothing_and_says_so():
    assert open_rules(OFF).rules == ()
    assert open_rules(OFF).trouble == "Rules are switched off."


def test_a_job_goes_on_without_rules_where_their_file_is_wrong(file):
    path = str(file("[x]"))
    check_rules({"": STARTER, "XD1": OFF}, in_flex=["refund"])
    with pytest.raises(SettingsError, match="no file of RULES has: refunds"):
        check_rules({"": STARTER, "XD1": OFF}, in_flex=["refund", "refunds"])
    with pytest.raises(SettingsError):
        check_rules({"": STARTER, "XD1": path})
    assert rules_or_trouble(path).rules == ()
    assert rules_or_trouble(path).trouble == "The file that RULES names cannot be used."
    assert rules_or_trouble(STARTER) == open_rules(STARTER)
