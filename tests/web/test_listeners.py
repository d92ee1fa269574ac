"""The access log as sentences."""

from __future__ import annotations

from typing import Any

import pytest

from addon.web.listeners import lines

AT = "2026-03-04T15:42:00+00:00"


def event(kind: str, **facts: Any) -> dict[str, Any]:
    return {"at": AT, "event": kind, "listener": "sam@example.org", **facts}


def heard(ranges: list[list[int]], **facts: Any) -> dict[str, Any]:
    return event("heard", ranges=ranges, of_bytes=1000, **facts)


@pytest.mark.parametrize(
    ("happened", "text"),
    [
        (heard([[0, 340]]), "listened; 34 % was sent"),
        (heard([[0, 100], [900, 1000]]), "listened; 20 % was sent"),
        (heard([[0, 4]]), "listened; under 1 % was sent"),
        (heard([[0, 1000]], purpose="download"), "downloaded"),
        (event("granted"), "was given a link"),
        (event("denied", reason="the link expired"), "was refused: the link expired"),
        (event("reencrypted"), "reencrypted"),
    ],
)
def test_each_kind_of_event_is_a_sentence(happened, text):
    (line,) = lines([happened])
    assert (line.who, line.what, line.at) == ("sam@example.org", text, AT)
    assert line.refused is (happened["event"] == "denied")


def test_a_link_that_was_used_is_one_line():
    found = lines([heard([[0, 1000]], grant="a"), event("granted", grant="a")])
    assert [line.what for line in found] == [
        "listened; 100 % was sent; what was played is not reported"
    ]


def test_what_a_player_reported_stands_beside_what_was_sent():
    played = event("played", grant="a", seconds=12.5)
    found = lines([played, heard([[0, 500]], grant="a", seconds=30.0), event("began", grant="a")])
    assert [line.what for line in found] == [
        "played 12.5 s, as the player reports",
        "listened; 50 % was sent (30 s)",
    ]


def test_an_event_that_is_not_genuine_is_a_line_with_its_trouble():
    (line,) = lines([{"at": AT, "event": "unreadable", "trouble": "it is malformed"}])
    assert (line.refused, "it is malformed" in line.what) == (True, True)


def test_a_link_that_was_not_used_is_told():
    found = lines([heard([[0, 1000]], grant="a"), event("granted", grant="b")])
    assert len(found) == 2


def test_an_operators_event_names_the_operator():
    (line,) = lines([{"at": AT, "event": "erased", "by": "operator"}])
    assert line.who == "operator"
    assert lines([{"at": AT, "event": "erased"}])[0].who == "somebody"
