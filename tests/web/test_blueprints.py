"""Every address of the application leads to exactly one view."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from werkzeug.routing import Map, Rule

from addon.web.docs import PAGES

SAMPLES = {
    "filename": "player.css",
    "name": "dual",
    "page": "result",
    "recording_id": "RE" + "2c" * 16,
    "call_sid": "CA" + "1b" * 16,
    "token": "a.b",
    "version": "0123456789ab",
    "install": "XD" + "3d" * 16,
    "endpoint_id": "whk_" + "4e" * 12,
    "note_id": "20261126T142127.182431Z-2bce6846",
    "event_id": "evt_" + "5f" * 12,
}
"""A value for each variable part of a rule."""


def claimed_twice(url_map: Map) -> set[tuple[str, str]]:
    """Method and pattern that more than one endpoint has; names of variables do not count.

    One endpoint may have a pattern twice, with and without a final slash.
    """
    endpoints: dict[tuple[str, str], set[str]] = {}
    for rule in url_map.iter_rules():
        pattern = re.sub(r"<(?:(\w+):)?\w+>", r"<\1>", rule.rule).rstrip("/")
        for method in rule.methods or ():
            if method not in ("HEAD", "OPTIONS"):
                endpoints.setdefault((method, pattern), set()).add(str(rule.endpoint))
    return {claim for claim, names in endpoints.items() if len(names) > 1}


def shadowed(url_map: Map, endpoint: str, values: dict[str, str], method: str = "GET") -> bool:
    """Whether the address that is built for an endpoint is answered by another one."""
    adapter = url_map.bind("localhost")
    return adapter.match(adapter.build(endpoint, values), method=method)[0] != endpoint


def test_no_two_views_claim_one_address(app: Flask):
    assert claimed_twice(app.url_map) == set()


def test_every_view_answers_at_the_address_that_is_built_for_it(app: Flask):
    for rule in app.url_map.iter_rules():
        values = {**{name: SAMPLES[name] for name in rule.arguments}, **(rule.defaults or {})}
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            assert not shadowed(app.url_map, rule.endpoint, values, method), rule


def test_every_page_of_the_documentation_is_reached(app: Flask):
    """A fixed address of another blueprint would take a page's place without any error."""
    assert [page for page in PAGES if shadowed(app.url_map, "docs.show", {"page": page})] == []


@pytest.mark.parametrize("pattern", ["/docs/<page>", "/docs/<other>", "/docs/<page>/"])
def test_a_pattern_of_two_views_is_noticed(pattern):
    rules = [
        Rule("/docs/<page>", endpoint="one", methods=["GET"]),
        Rule(pattern, endpoint="two", methods=["GET"]),
    ]
    assert claimed_twice(Map(rules)) == {("GET", "/docs/<>")}


def test_a_page_behind_a_fixed_address_is_noticed():
    rules = [Rule("/docs/<page>", endpoint="docs.show"), Rule("/docs/api", endpoint="reference")]
    assert shadowed(Map(rules), "docs.show", {"page": "api"})
