"""Clauses about a request SID that comes again: one job, one result, the same answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from addon.commands.conformance.clause import Clause
from addon.commands.conformance.trial import Trial

REPEATS = 3
AT_ONCE = 8


def _in_turn(trial: Trial) -> None:
    exchange = trial.exchange()
    for _ in range(REPEATS):
        trial.accepted(trial.request(exchange))
    trial.once(exchange)


def _at_once(trial: Trial) -> None:
    exchange = trial.exchange()
    requests = [trial.request(exchange) for _ in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(trial.accepted, requests))
    trial.once(exchange)


def _after_the_result(trial: Trial) -> None:
    exchange = trial.exchange()
    trial.accepted(trial.request(exchange))
    # Only once the service has done all that follows a result, it may have forgotten the request.
    trial.once(exchange)
    trial.accepted(trial.request(exchange))
    trial.once(exchange)


CLAUSES = (
    Clause(
        "repeat-in-turn",
        "a request SID that is sent three times is accepted each time and gets one result",
        "spec/protocol 1.7",
        _in_turn,
    ),
    Clause(
        "repeat-at-once",
        "a request SID that is sent eight times at once gets one result",
        "spec/protocol 1.7",
        _at_once,
    ),
    Clause(
        "repeat-after-result",
        "a request SID that is sent again after its result is accepted, and gets no second one",
        "spec/protocol 1.7",
        _after_the_result,
    ),
)
