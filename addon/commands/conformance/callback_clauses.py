"""Clauses about the result's way back: its address, credentials, and a callback in trouble."""

from __future__ import annotations

from addon.commands.conformance.clause import Clause
from addon.commands.conformance.trial import Failed, NotTried, Trial
from addon.commands.marketplace import Exchange, Reaction

QUERY = "?x=1&y=%2F%27a%20b&z="
"""Changes where somebody decodes the address and encodes it again."""


def _begun(trial: Trial, *reactions: Reaction) -> Exchange:
    exchange = trial.exchange(None, *reactions)
    trial.accepted(trial.request(exchange))
    return exchange


def _once(trial: Trial) -> None:
    trial.once(_begun(trial))


def _exact_address(trial: Trial) -> None:
    exchange = trial.exchange()
    address = f"{trial.market.origin}/callback/{exchange.sid}{QUERY}"
    trial.accepted(trial.request(exchange, fields={trial.market.names["callback"]: address}))
    result = trial.result(exchange)
    if not result.path.endswith(f"/callback/{exchange.sid}{QUERY}"):
        raise Failed(f"the result went to {result.path} instead of the address as it was given")


def _credentials(trial: Trial) -> None:
    result = trial.result(_begun(trial))
    sent = any(name.lower() == "authorization" for name in result.headers)
    if not result.authorised:
        kind = "another Basic auth than" if sent else "no Basic auth instead of"
        raise Failed(f"the result has {kind} the one that is expected")
    if not sent:
        raise NotTried(
            "no credentials were agreed for this callback (CALLBACK_CREDENTIALS), and those of the "
            "account belong to Twilio's own hosts alone"
        )


def _refused(trial: Trial) -> None:
    _delivered_at_last(trial, Reaction(401))


def _in_error(trial: Trial) -> None:
    _delivered_at_last(trial, Reaction(500), Reaction(503))


def _broken(trial: Trial) -> None:
    _delivered_at_last(trial, Reaction(None))


def _slow(trial: Trial) -> None:
    _delivered_at_last(trial, Reaction(delay_s=trial.plan.slow_s))


def _delivered_at_last(trial: Trial, *reactions: Reaction) -> None:
    trial.once(_begun(trial, *reactions))


def _redirect(trial: Trial) -> None:
    other = trial.exchange()
    elsewhere = Reaction(307, location=f"{trial.market.origin}/callback/{other.sid}")
    exchange = _begun(trial, elsewhere)
    if trial.run.silent:
        raise NotTried(trial.run.silent)
    if not trial.market.wait_for_post(exchange, trial.plan.patience_s):
        raise Failed(f"no result was posted within {trial.plan.patience_s:g} s")
    if trial.settle(lambda: bool(other.posts)):
        raise Failed("the result was sent to where a redirect led")


CLAUSES = (
    Clause("callback-once", "a result is delivered once", "spec/protocol 1.8", _once),
    Clause(
        "callback-address",
        "a result is posted to the callback exactly as given, query and all",
        "spec/protocol 1.8",
        _exact_address,
    ),
    Clause(
        "callback-credentials",
        "a result comes with the Basic auth that is expected",
        "spec/protocol 1.8",
        _credentials,
    ),
    Clause(
        "callback-401",
        "a result that is answered 401 comes again and is delivered once",
        "spec/protocol 1.8",
        _refused,
    ),
    Clause(
        "callback-5xx",
        "a result that is answered 500 and 503 comes again and is delivered once",
        "spec/protocol 1.8",
        _in_error,
    ),
    Clause(
        "callback-broken",
        "a result whose connection breaks comes again and is delivered once",
        "spec/protocol 1.8",
        _broken,
    ),
    Clause(
        "callback-slow",
        "a result that is answered slowly is delivered once",
        "spec/protocol 1.8",
        _slow,
    ),
    Clause(
        "callback-redirect",
        "no redirect of the callback is followed: the result would leave for elsewhere",
        "spec/protocol 1.8",
        _redirect,
    ),
)
