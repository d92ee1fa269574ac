"""The suite against an add-on that keeps every clause, and against those that break one each."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from addon.commands.conformance.clause import Finding
from addon.commands.conformance.suite import CLAUSES, conform, tried
from addon.commands.conformance.trial import Plan, Run
from addon.commands.marketplace import Marketplace
from tests.commands.conformance.double import CREDENTIALS, LIMIT, TOKEN, Double
from tests.commands.conformance.spoilt import (
    AUDIO_SECONDS,
    SPOILT,
    Forgets,
    Sample,
    SendsNoCredentials,
)

SCHEMA = {"type": "object", "required": ["status"]}

PLAN = Plan(
    "",
    audio_seconds=AUDIO_SECONDS,
    patience_s=30.0,
    settle_s=3.0,
    slow_s=0.4,
    large_bytes=LIMIT * 3 // 4,
    size_limit=LIMIT,
    result_limit=4000,
    schema=SCHEMA,
    must_call=True,
)
NOTHING_COMES_S = 1.0
"""Patience where a result is expected not to come."""


@pytest.fixture(scope="module")
def market() -> Iterator[Marketplace]:
    with Marketplace("AC" + 32 * "1", TOKEN, credentials=":".join(CREDENTIALS)) as market:
        yield market


def findings(market: Marketplace, double: Double, plan: Plan) -> dict[str, Finding]:
    with double.running():
        found = conform(Run(replace(plan, to=double.url), market))
    return {finding.clause.name: finding for finding in found}


@pytest.fixture(scope="module")
def spoilt(market: Marketplace) -> dict[str, Finding]:
    """The finding of each clause about the add-on that breaks it, all at once."""

    def found(name: str) -> Finding:
        clause = next(clause for clause in CLAUSES if clause.name == name)
        double, reason = SPOILT[name]
        patience = NOTHING_COMES_S if reason == "no result" else PLAN.patience_s
        with double().running() as running:
            plan = replace(PLAN, to=running.url, patience_s=patience)
            return tried(Run(plan, market), clause)

    with ThreadPoolExecutor(len(SPOILT)) as pool:
        return dict(zip(SPOILT, pool.map(found, SPOILT), strict=True))


def test_an_add_on_that_keeps_every_clause_passes_them_all(market: Marketplace) -> None:
    found = findings(market, Double(), replace(PLAN, settle_s=0.1))
    assert {name: each.reason for name, each in found.items() if each.result != "pass"} == {}
    assert list(found) == [clause.name for clause in CLAUSES]


def test_every_clause_has_an_add_on_that_breaks_it() -> None:
    assert set(SPOILT) == {clause.name for clause in CLAUSES}


@pytest.mark.parametrize("name", SPOILT)
def test_a_clause_that_is_broken_fails_and_says_how(spoilt: dict[str, Finding], name: str) -> None:
    finding = spoilt[name]
    assert (finding.result, SPOILT[name][1] in finding.reason) == ("fail", True), finding
    assert any(line.startswith("> POST") for line in finding.evidence)


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
    market.was_reached = False
    found = findings(market, Forgets(), plan)
    not_tried = {name for name, each in found.items() if each.result == "not tried"}
    tried_all_the_same = {name for name in found if name.startswith(("signature-", "answer-2"))}
    assert not_tried.isdisjoint(tried_all_the_same)
    assert {each.result for name, each in found.items() if name not in not_tried} == {"pass"}
    assert not_tried >= {"callback-once", "repeat-in-turn", "result-json", "time-10"}
    assert "--callback-address" in found["callback-once"].reason


def test_credentials_that_nobody_agreed_on_are_not_expected() -> None:
    clause = next(clause for clause in CLAUSES if clause.name == "callback-credentials")
    with Marketplace("AC" + 32 * "1", TOKEN) as market, SendsNoCredentials().running() as double:
        finding = tried(Run(replace(PLAN, to=double.url), market), clause)
    assert (finding.result, "CALLBACK_CREDENTIALS" in finding.reason) == ("not tried", True)


def test_shapes_that_the_service_does_not_take_are_not_tried(market: Marketplace) -> None:
    plan = replace(PLAN, modes=("url",), settle_s=0.1)
    found = findings(market, Double(), plan)
    assert {name for name, each in found.items() if each.result != "pass"} == {
        "shape-multipart",
        "shape-json",
        "signature-body-hash",
        "size-limit",
    }
