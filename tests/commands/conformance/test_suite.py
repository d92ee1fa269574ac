"""The whole suite against an add-on that keeps every clause, the known sample, and a deaf one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from addon.commands.conformance.suite import CLAUSES
from addon.commands.marketplace import Marketplace
from tests.commands.conformance.double import Double
from tests.commands.conformance.spoilt import SPOILT, Forgets, Sample
from tests.commands.conformance.trials import PLAN, findings, stand_in


@pytest.fixture(scope="module")
def market() -> Iterator[Marketplace]:
    with stand_in() as market:
        yield market


def test_an_add_on_that_keeps_every_clause_passes_them_all(market: Marketplace) -> None:
    found = findings(market, Double(), replace(PLAN, settle_s=0.1))
    assert {name: each.reason for name, each in found.items() if each.result != "pass"} == {}
    assert list(found) == [clause.name for clause in CLAUSES]


def test_every_clause_has_an_add_on_that_breaks_it() -> None:
    assert set(SPOILT) == {clause.name for clause in CLAUSES}


def test_the_sample_that_only_logs_its_signatures_fails_where_it_should(
    market: Marketplace,
) -> None:
    found = findings(market, Sample(), replace(PLAN, patience_s=3.0))
    failed = {name for name, each in found.items() if each.result == "fail"}
    assert failed == {
        *(clause.name for clause in CLAUSES if clause.name.startswith(("signature-", "repeat-"))),
        "callback-401",
        "callback-5xx",
        "callback-broken",
    }


def test_without_a_callback_that_it_may_call_clauses_are_not_tried_and_say_why(
    market: Marketplace,
) -> None:
    plan = replace(PLAN, must_call=False, patience_s=0.2, settle_s=0.1)
    market.was_called = False
    found = findings(market, Forgets(), plan)
    not_tried = {name for name, each in found.items() if each.result == "not tried"}
    tried_all_the_same = {name for name in found if name.startswith(("signature-", "answer-2"))}
    assert not_tried.isdisjoint(tried_all_the_same)
    assert {each.result for name, each in found.items() if name not in not_tried} == {"pass"}
    assert not_tried >= {"callback-once", "repeat-in-turn", "result-json", "time-10"}
    assert "--callback-address" in found["callback-once"].reason


def test_shapes_that_the_service_does_not_take_are_not_tried(market: Marketplace) -> None:
    found = findings(market, Double(), replace(PLAN, modes=("url",), settle_s=0.1))
    assert {name for name, each in found.items() if each.result != "pass"} == {
        "shape-multipart",
        "shape-json",
        "signature-body-hash",
        "size-limit",
    }
