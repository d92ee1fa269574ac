"""Times as people write them in the forms of the player's pages."""

from __future__ import annotations

import pytest

from addon.errors import InvalidParameter
from addon.web.player_pages import time_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("192", 192),
        ("3:12", 192),
        (" 3:12.5 ", 192.5),
        ("1:02:03", 3723),
        ("0", 0),
        ("90:00", 5400),
    ],
)
def test_a_time_is_read_as_seconds_or_as_a_clock(app, text, seconds):
    with app.test_request_context(query_string={"at": text}):
        assert time_of("at") == seconds


@pytest.mark.parametrize("text", ["", "x", "-1", "1:2:3:4", "1e3", "nan", "٣", ":1", "1.", "9" * 9])
def test_what_is_no_time_is_refused_and_named(app, text):
    with (
        app.test_request_context(query_string={"at": text}),
        pytest.raises(InvalidParameter, match="at: write a time"),
    ):
        time_of("at")
