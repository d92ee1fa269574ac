"""A result as a table."""

import pytest

from addon.commands.analysis_table import table
from tests.analysis.calls import converse, passed, wav


@pytest.fixture(scope="module")
def document():
    return passed(wav(converse(30, 1).samples))[0].as_result()


def row(text, label):
    return next(line for line in text.splitlines() if line.strip().startswith(label))


def test_parties_side_by_side(document):
    text = table("call.wav", document)
    customer, agent = document["participants"]
    assert row(text, "customer").split() == ["customer", "agent"]
    assert f"{customer['talk_seconds']:.1f} s" in row(text, "talks")
    assert f"{agent['talk_seconds']:.1f} s" in row(text, "talks")
    assert row(text, "turns").split()[1:] == [str(customer["turns"]), str(agent["turns"])]


def test_the_first_line_names_the_file(document):
    first = table("some/call.wav", document).splitlines()[0]
    assert first == "some/call.wav: 0:30.0, wav (pcm_s16le), 8000 Hz"


@pytest.mark.parametrize(
    ("seconds", "clock"), [(3.682, "0:03.7"), (75, "1:15.0"), (4000, "1:06:40.0")]
)
def test_lengths_read_like_a_clock(document, seconds, clock):
    changed = document | {"audio": document["audio"] | {"duration_seconds": seconds}}
    assert f": {clock}, " in table("x", changed)


def test_what_is_unknown_is_a_dash():
    mono = passed(wav(converse(10, 1).samples[:1]))[0].as_result()
    text = table("mono.wav", mono)
    assert row(text, "turns").split() == ["turns", "-"]
    assert row(text, "answers after").split()[-1] == "-"
    assert "both at once" not in text


def test_flags_and_warnings_are_said_only_where_there_are_any(document):
    assert "flags" not in table("x", document) and "warning" not in table("x", document)
    changed = document | {
        "flags": ["truncated", "clipped"],
        "warnings": ["The file ends early."],
    }
    text = table("x", changed)
    assert row(text, "flags").endswith("truncated, clipped")
    assert row(text, "warning").endswith("The file ends early.")


def test_the_redaction_says_what_is_muted_and_what_is_not(document):
    assert row(table("x", document), "redaction").split() == ["redaction", "complete"]
    heard = {"status": "complete", "intervals": [[1.0, 2.5]], "reasons": ["dtmf"]}
    coverage = {
        "dtmf": {"found": 4, "muted": 4},
        "spoken_number": {"found": None, "muted": None},
    }
    text = table("x", document | {"redaction": heard | {"coverage": coverage}})
    assert row(text, "redaction").endswith("complete, 1.5 s muted (dtmf)")
    kept = {"status": "incomplete", "intervals": [], "reasons": []}
    coverage["dtmf"] = {"found": 4, "muted": 0}
    text = table("x", document | {"redaction": kept | {"coverage": coverage}})
    assert row(text, "redaction").endswith("incomplete, 0 of 4 muted (dtmf)")


def test_words_or_the_reason_why_there_are_none(document):
    without = {**document, "transcript": None, "transcript_reason": "There was no time."}
    assert row(table("x", without), "transcript").split(maxsplit=1)[1] == "none. There was no time."
    sentence = {"start_seconds": 61.25, "role": "agent", "transcript": "How can I help you?"}
    transcript = {"engine": "test", "sentences": [sentence]}
    text = table("x", {**document, "transcript": transcript})
    assert row(text, "transcript").split(maxsplit=1)[1] == "1 sentences, test"
    assert row(text, "1:01.2").split(maxsplit=2)[1:] == ["agent", "How can I help you?"]
    assert "transcript" not in table("x", document)


def test_what_rules_found_is_a_row_each(document):
    found = {"title": "Refund", "party": "customer", "status": "found", "intervals": [[3, 4]]}
    missing = {"title": "Notice", "party": "agent", "status": "missing", "intervals": []}
    text = table("x", document | {"categories": [found, missing]})
    assert [line.split(maxsplit=1)[1] for line in text.splitlines() if "rule  " in line] == [
        "Refund: customer at 0:03.0",
        "Notice: missing (agent)",
    ]
    assert "rule  " not in table("x", document)
