"""Clauses about X-Twilio-Signature: a request that Twilio did not sign so is refused."""

from __future__ import annotations

from dataclasses import replace

from addon.commands.conformance.clause import Clause
from addon.commands.conformance.trial import REFUSALS, Failed, Trial
from addon.commands.sending import SIGNATURE

REFUSED_OR_ERROR = (*REFUSALS, 200)
"""Answers to a form that was split anew: signed, so it may be a business error."""

FACTS = {"channels": "2", "duration": "6", "format": "audio/x-wav"}
RESPLIT = {"channels": "2", "duration": "6formataudio/x-wav"}
"""Signed alike: names and values are signed without anything between them."""


def _missing(trial: Trial) -> None:
    exchange = trial.exchange()
    trial.refused(trial.request(exchange).with_headers(X_Twilio_Signature=None))
    trial.nothing_came(exchange)


def _forged(trial: Trial) -> None:
    exchange = trial.exchange()
    trial.refused(trial.request(exchange, token="not-" + trial.market.auth_token))
    trial.nothing_came(exchange)


def _altered(trial: Trial) -> None:
    exchange, other = trial.exchange(), trial.exchange()
    genuine = trial.request(exchange, fields=FACTS)
    altered = trial.request(other, fields=FACTS)
    signature = genuine.headers[SIGNATURE]
    trial.refused(altered.with_headers(X_Twilio_Signature=signature))
    trial.nothing_came(exchange, other)


def _resplit(trial: Trial) -> None:
    exchange = trial.exchange()
    mode = trial.shape("multipart" if "multipart" in trial.plan.modes else "url")
    genuine = trial.request(exchange, mode=mode, fields=FACTS)
    resplit = trial.request(exchange, mode=mode, fields=RESPLIT)
    if resplit.headers[SIGNATURE] != genuine.headers[SIGNATURE]:
        raise Failed("the suite's own fields are not signed alike")
    answer = trial.refused(resplit, REFUSED_OR_ERROR)
    if answer.status == 200 and not answer.body:
        raise Failed("it was answered 200 without saying that anything is wrong")
    trial.nothing_came(exchange)


def _replayed(trial: Trial) -> None:
    exchange, other = trial.exchange(), trial.exchange()
    genuine = trial.request(exchange)
    trial.accepted(genuine)
    trial.refused(genuine.with_headers(X_Twilio_RequestSid=other.sid))
    if not trial.run.silent:
        trial.once(exchange)
    trial.nothing_came(other)


def _other_hash(trial: Trial) -> None:
    trial.shape("json")
    exchange = trial.exchange()
    genuine = trial.request(exchange, mode="json")
    trial.refused(replace(genuine, body=genuine.body.replace(b'"}', b'" }')))
    trial.nothing_came(exchange)


CLAUSES = (
    Clause(
        "signature-missing",
        "a request without a signature is refused, and nothing comes of it",
        "spec/protocol 1.5",
        _missing,
    ),
    Clause(
        "signature-forged",
        "a signature under another token is refused",
        "spec/protocol 3.1",
        _forged,
    ),
    Clause(
        "signature-altered",
        "a genuine signature does not cover another callback",
        "spec/protocol 3.1",
        _altered,
    ),
    Clause(
        "signature-resplit",
        "a signed form whose text was split into other fields is not accepted",
        "spec/protocol 3.1",
        _resplit,
    ),
    Clause(
        "signature-replayed",
        "an accepted signature is good for no other request SID",
        "spec/protocol 1.7",
        _replayed,
    ),
    Clause(
        "signature-body-hash",
        "a body that has not the bodySHA256 of the signed URL is refused",
        "spec/protocol 3.1",
        _other_hash,
    ),
)
