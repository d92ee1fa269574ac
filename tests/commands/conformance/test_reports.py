"""Findings as text, as JSON and as JUnit's XML."""

from __future__ import annotations

import json
from xml.etree import ElementTree

from addon.commands.conformance.clause import Clause, Finding
from addon.commands.conformance.reports import as_json, as_junit, line, text
from addon.commands.conformance.trial import Trial


def no_check(_trial: Trial) -> None:
    return


CLAUSE = Clause("a-clause", "something is demanded", "spec/protocol 1.5", no_check)
PASS = Finding(CLAUSE, "pass", "", 0.5, ("> POST x",))
FAIL = Finding(CLAUSE, "fail", "it answered \x00", 1.0, ("> POST y\nA: b", "< 500 \x1b"))
NOT_TRIED = Finding(CLAUSE, "not tried", "no schema", 0.0, ())


def test_a_failure_is_shown_with_demand_paragraph_and_proof() -> None:
    shown = text([PASS, FAIL, NOT_TRIED])
    assert "fail  a-clause: something is demanded (spec/protocol 1.5)\n  it answered" in shown
    assert "    > POST y\n    A: b\n    < 500" in shown
    assert shown.endswith("1 passed, 1 failed, 1 not tried")
    assert "POST x" not in shown


def test_nothing_tried_is_not_called_a_success() -> None:
    assert text([NOT_TRIED]).endswith("nothing is known")


def test_a_line_has_result_name_time_and_reason() -> None:
    assert line(PASS) == "pass       a-clause (0.5 s)"
    assert line(FAIL).startswith("fail       a-clause (1.0 s): it answered")


def test_clauses_that_were_not_tried_stand_together_under_the_reason() -> None:
    assert "not tried: no schema\n  a-clause, a-clause\n" in text([NOT_TRIED, PASS, NOT_TRIED])


def test_json_has_everything() -> None:
    document = json.loads(as_json([PASS, FAIL, NOT_TRIED], "https://x"))
    counts = (document["passed"], document["failed"], document["not_tried"])
    assert (document["to"], counts) == ("https://x", (1, 1, 1))
    assert document["clauses"][1] == {
        "name": "a-clause",
        "demand": "something is demanded",
        "cites": "spec/protocol 1.5",
        "result": "fail",
        "reason": "it answered \x00",
        "seconds": 1.0,
        "evidence": ["> POST y\nA: b", "< 500 \x1b"],
    }


def test_junit_counts_failures_and_what_was_skipped() -> None:
    suite = ElementTree.fromstring(as_junit([PASS, FAIL, NOT_TRIED], "https://x"))
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    passed, failed, skipped = suite.findall("testcase")
    failure = failed.find("failure")
    assert failure is not None and failure.text is not None and "> POST y" in failure.text
    assert skipped.find("skipped") is not None
    assert len(passed) == 0
