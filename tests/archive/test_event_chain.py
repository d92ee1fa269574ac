"""The chain of one process's events: numbers, links, and what the store refused."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from addon.archive.event_chain import FIELD, EventChain, Head


def sign(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()


def added(chain: EventChain, key: str) -> tuple[int, dict[str, Any]]:
    number, content = chain.add(key, {"event": key}, sign)
    return number, json.loads(content)[FIELD]


def test_each_event_names_the_one_before() -> None:
    chain = EventChain()
    links = []
    for key in ("a", "b", "c"):
        number, link = added(chain, key)
        chain.written(number)
        links.append(link)
    assert [link["number"] for link in links] == [1, 2, 3]
    assert [(link["before"] or {}).get("key") for link in links] == [None, "a", "b"]
    assert chain.head() == Head(links[0]["writer"], 3, ())


def test_the_last_event_that_was_refused_leaves_no_gap() -> None:
    chain = EventChain()
    chain.written(added(chain, "a")[0])
    for key in ("b", "c"):
        chain.refused(added(chain, key)[0])
    number, link = added(chain, "d")
    assert (number, link["before"]["key"]) == (2, "a")
    assert "unwritten" not in link


def test_one_that_was_refused_later_is_named_until_a_written_event_says_so() -> None:
    chain = EventChain()
    first, _ = added(chain, "a")
    chain.written(added(chain, "b")[0])
    chain.refused(first)
    assert chain.head() == Head(added(chain, "c")[1]["writer"], 2, (1,))
    number, link = added(chain, "d")
    assert link["unwritten"] == [1]
    chain.written(number)
    assert "unwritten" not in added(chain, "e")[1]


def test_the_head_covers_nothing_that_is_still_being_written() -> None:
    chain = EventChain()
    assert chain.head() is None
    first, link = added(chain, "a")
    chain.written(added(chain, "b")[0])
    assert chain.head() is None
    chain.written(first)
    assert chain.head() == Head(link["writer"], 2, ())


def test_a_forked_process_begins_a_chain_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = EventChain()
    number, before = added(chain, "a")
    chain.written(number)
    child = os.getpid() + 1
    monkeypatch.setattr(os, "getpid", lambda: child)
    number, after = added(chain, "b")
    assert number == 1
    assert after["writer"] != before["writer"]


def test_a_refused_event_that_a_later_one_names_holds_up_no_head() -> None:
    """The later one is written first: the one between is then the last that is under way."""
    chain = EventChain()
    first, between = added(chain, "a")[0], added(chain, "b")[0]
    chain.refused(first)
    last, link = added(chain, "c")
    assert link["unwritten"] == [first]
    chain.written(last)
    chain.written(between)
    assert chain.head() == Head(link["writer"], last, ())
