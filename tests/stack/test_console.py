"""What people and machines read."""

import io
import json
import os
import re
from typing import Any

import pytest

from addon.stack.console import Console


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


def records(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_machine_gets_a_childs_json_with_its_name(out: io.StringIO) -> None:
    line = '{"event": "accepted", "level": "info", "request_sid": "MR1"}'
    Console(out, readable=False).pass_on("web", line)
    assert records(out) == [
        {"process": "web", "event": "accepted", "level": "info", "request_sid": "MR1"}
    ]


@pytest.mark.parametrize("line", ["plain words", '{"half":', '{"no": "event"}', "[1, 2]", "{}"])
def test_a_machine_gets_any_other_line_as_an_event(out: io.StringIO, line: str) -> None:
    Console(out, readable=False).pass_on("redis", line)
    (record,) = records(out)
    assert (record["process"], record["event"], record["level"]) == ("redis", line, "info")


def test_people_get_the_name_the_event_and_its_facts(out: io.StringIO) -> None:
    line = '{"event": "accepted", "level": "warning", "timestamp": "x", "request_sid": "MR1"}'
    Console(out, readable=True).pass_on("web", line)
    text = out.getvalue()
    assert re.match(r"\x1b\[2m\d\d:\d\d:\d\d web     \|", text)
    assert "\x1b[33maccepted" in text
    assert "request_sid=MR1" in text
    assert "timestamp" not in text


@pytest.mark.parametrize("readable", [True, False])
def test_a_line_that_was_passed_on_twice_keeps_its_first_name(
    out: io.StringIO, readable: bool
) -> None:
    Console(out, readable=readable).pass_on("serve", '{"process": "redis", "event": "hello"}')
    assert "redis" in out.getvalue()
    assert "serve" not in out.getvalue()


def test_people_get_a_traceback_on_lines_of_its_own(out: io.StringIO) -> None:
    record = {"event": "failed", "level": "error", "exception": "Traceback\n  ValueError"}
    Console(out, readable=True).pass_on("workers", json.dumps(record))
    assert out.getvalue().splitlines()[1:] == ["Traceback", "  ValueError"]


def test_an_empty_line_says_nothing(out: io.StringIO) -> None:
    Console(out, readable=True).pass_on("web", "  ")
    assert out.getvalue() == ""


def test_the_supervisors_own_words_carry_facts_and_a_time(out: io.StringIO) -> None:
    Console(out, readable=False).say("Ready", data_dir="/var/addon")
    (record,) = records(out)
    assert record.pop("timestamp").endswith("+00:00")
    assert record == {
        "process": "serve",
        "level": "info",
        "event": "Ready",
        "data_dir": "/var/addon",
    }


def test_it_goes_on_when_nobody_reads_any_more() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as out:
        console = Console(out, readable=False)
        assert console.is_read
        for _ in range(2):
            console.say("Ready")
            assert not console.is_read
