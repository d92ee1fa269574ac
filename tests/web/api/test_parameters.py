"""The API's parameters: the forms that are taken, and only those."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from addon.web.api import parameters
from addon.web.api.parameters import MAX_CURSOR, MAX_LIMIT, MAX_REASON, opaque


def parsed(kind: Any, text: str) -> Any:
    return TypeAdapter(kind).validate_strings(text)


@pytest.mark.parametrize("text", ["1", "50", "007", str(MAX_LIMIT)])
def test_a_whole_number_within_its_limits_is_taken(text):
    assert parsed(parameters.Limit, text) == int(text)


@pytest.mark.parametrize(
    "text",
    ["", "0", "-1", "+1", " 1", "1_0", "1.0", "1e1", "x", "٣", str(MAX_LIMIT + 1), "9" * 5000],
)
def test_any_other_number_is_refused(text):
    with pytest.raises(ValidationError):
        parsed(parameters.Limit, text)


def test_a_day_is_an_iso_date():
    assert parsed(parameters.Day, "2026-11-20") == date(2026, 11, 20)


@pytest.mark.parametrize(
    "text",
    ["", "20261120", "2026-11-31", "2026-W47-5", "86400", "2026-11-20T00:00:00", "٢٠٢٦-11-20"],
)
def test_anything_but_a_day_is_refused(text):
    with pytest.raises(ValidationError):
        parsed(parameters.Day, text)


@pytest.mark.parametrize("position", ["2026-11-20/a", "XD1/2026-11-20/b", "x" * 300])
def test_a_cursor_comes_back_as_the_position_it_was_made_of(position):
    cursor = opaque(position)
    assert cursor is not None
    assert "/" not in cursor
    assert parsed(parameters.Cursor, cursor) == position


def test_the_last_page_has_no_cursor_and_an_empty_one_is_the_beginning():
    assert opaque(None) is None
    assert parsed(parameters.Cursor, "") == ""


@pytest.mark.parametrize("text", ["é", "a", "=", "a b=", "/w==", "A" * (MAX_CURSOR + 4)])
def test_a_cursor_that_this_api_did_not_give_is_refused(text):
    with pytest.raises(ValidationError):
        parsed(parameters.Cursor, text)


def test_a_reason_is_short_and_printable():
    assert parsed(parameters.Reason, "Löschung nach Art. 17") == "Löschung nach Art. 17"
    for text in ("x" * (MAX_REASON + 1), "a\nb", "\0"):
        with pytest.raises(ValidationError):
            parsed(parameters.Reason, text)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (parameters.LinkPurpose, "download", "steal"),
        (parameters.Format, "mp3", "wav"),
        (parameters.Direct, "1", "yes"),
    ],
)
def test_a_choice_is_one_of_its_words(kind, good, bad):
    assert parsed(kind, good) == good
    with pytest.raises(ValidationError):
        parsed(kind, bad)
