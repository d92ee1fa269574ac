"""Chips: each condition in words, and a link that leaves it out."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from addon.catalogue.filters import NONE, Filter, Range
from addon.web.list_chips import chips, in_words
from addon.web.list_view import ListView
from tests.web.test_lists import at, catalogued

__all__ = ["catalogued"]  # a fixture


def test_every_chip_leaves_its_condition_out(catalogued):
    query = "period=30d&flag=low_snr&hold_seconds_over=20&agent=Ada"
    page = at(catalogued).get(f"/recordings?{query}").text
    chips = re.findall(r'class="filter-chip" href="([^"]+)"><span>([^<]+)', page)
    given = set(parse_qsl(query))
    left = {
        given_name: set(parse_qsl(urlsplit(href.replace("&amp;", "&")).query))
        for href, given_name in chips
    }
    assert {name: given - some for name, some in left.items()} == {
        "Last 30 days": {("period", "30d")},
        "Noisy": {("flag", "low_snr")},
        "Hold over 20 s": {("hold_seconds_over", "20")},
        "Agent Ada": {("agent", "Ada")},
    }


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        (Range("longest_silence_seconds", over=20.0), "Longest silence over 20 s"),
        (Range("interruptions", over=5.0, under=9.0), "Interruptions over 5 and under 9"),
        (Range("talk_ratio_agent", under=0.4), "Talk ratio, agent under 40 %"),
        (Range("elapsed_per_duration", over=3.0), "Elapsed per duration over 3"),
    ],
)
def test_limits_are_said_in_words(limits, text):
    assert in_words(limits) == text


def test_what_is_unknown_and_what_is_not_to_be_read_is_said():
    view = ListView(filter=Filter(agent=NONE, queue="~00000000000000ab"))
    assert [one.text for one in chips(view, [])] == ["Agent unknown", "Queue as chosen"]
