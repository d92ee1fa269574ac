"""Clauses about the result itself: its form, its schema, its time."""

from __future__ import annotations

import statistics
from typing import Any

from addon.commands.conformance.clause import Clause
from addon.commands.conformance.trial import Failed, NotTried, Trial
from addon.commands.marketplace import Callback

KINDS = ("application/json", "multipart/form-data")


def _json(trial: Trial) -> None:
    result = _result(trial)
    kind = result.content_type.partition(";")[0].strip().lower()
    if kind not in KINDS:
        raise Failed(f"the result is called {kind or 'nothing'}, not {' or '.join(KINDS)}")
    _document(result)


def _size(trial: Trial) -> None:
    if len(_result(trial).body) > trial.plan.result_limit:
        raise Failed(f"the result has more than {trial.plan.result_limit} bytes")


def _schema(trial: Trial) -> None:
    if trial.plan.schema is None:
        raise NotTried("no schema was given (--schema)")
    from jsonschema import Draft202012Validator

    document = _document(_result(trial))
    for error in Draft202012Validator(trial.plan.schema).iter_errors(document):
        raise Failed(f"the result is not valid: {error.message[:200]} at {error.json_path}")


def _result(trial: Trial) -> Callback:
    exchange = trial.exchange()
    trial.accepted(trial.request(exchange))
    return trial.result(exchange)


def _document(result: Callback) -> dict[str, Any]:
    try:
        document = result.document()
    except ValueError:
        raise Failed("the result is no JSON") from None
    if not isinstance(document, dict):
        raise Failed(f"the result is no JSON object but a {type(document).__name__}")
    return document


def _within_10(trial: Trial) -> None:
    if max(trial.run.paces(trial)) > 10:
        raise Failed("a result took more than 10 times the audio's length: Twilio fails it")


def _within_5(trial: Trial) -> None:
    longest = max(trial.run.paces(trial))
    if longest > 5:
        raise Failed(f"a result took {longest:.1f} times the audio's length, and 5 is recommended")


def _within_3(trial: Trial) -> None:
    median = statistics.median(trial.run.paces(trial))
    if median > 3:
        raise Failed(f"the median is {median:.1f} times the audio's length, and 3 is recommended")


CLAUSES = (
    Clause("result-json", "a result is a JSON object, and says so", "spec/protocol 1.8", _json),
    Clause("result-size", "a result has at most 100 MB", "spec/protocol 1.8", _size),
    Clause("result-schema", "a result is valid by its schema", "spec/interfaces 5", _schema),
    Clause(
        "time-10",
        "no result takes more than ten times the audio's length",
        "spec/protocol 1.8",
        _within_10,
        alone=True,
    ),
    Clause(
        "time-5",
        "no result of three takes more than five times the audio's length",
        "spec/protocol 1.8",
        _within_5,
        alone=True,
    ),
    Clause(
        "time-3",
        "the median of three results is below three times the audio's length",
        "spec/protocol 1.8",
        _within_3,
        alone=True,
    ),
)
