"""Clauses about requests and their first answers: shapes, errors, sizes, bad senders."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from urllib3.exceptions import HTTPError

from addon.commands.conformance import evidence
from addon.commands.conformance.clause import Clause
from addon.commands.conformance.recordings import silence
from addon.commands.conformance.trial import Failed, NotTried, Trial
from addon.commands.marketplace import Exchange
from addon.commands.sending import Mode, Prepared, send

HOPELESS = (
    ("application/json", b"{"),
    ("application/json", b"[]"),
    ("application/x-www-form-urlencoded", b"%ff%00=%zz"),
    ("multipart/form-data", b"no boundary"),
    ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\n"),
    ("text/plain", b"no form"),
)
"""Bodies that no second try makes better, each signed by its hash."""

PIECES = 16


def _by_bytes(trial: Trial) -> None:
    exchange = trial.exchange()
    trial.accepted(trial.request(exchange, mode=trial.shape("multipart")))
    _whole(trial, exchange)


def _by_address(trial: Trial) -> None:
    _fetched(trial, "url")


def _as_json(trial: Trial) -> None:
    _fetched(trial, "json")


def _fetched(trial: Trial, mode: Mode) -> None:
    exchange = trial.exchange()
    trial.accepted(trial.request(exchange, mode=trial.shape(mode)))
    try:
        _whole(trial, exchange)
        if not exchange.fetches:
            raise Failed("a result came, but the audio was never fetched")
    except Failed:
        if exchange.fetches or trial.plan.must_call:
            raise
        raise NotTried(
            f"the audio at {trial.market.media_origin} was not asked for: the service may not be "
            "allowed to fetch there"
        ) from None


def _whole(trial: Trial, exchange: Exchange) -> None:
    result = trial.result(exchange)
    if not result.body:
        raise Failed("the result is empty")


def _no_body(trial: Trial) -> None:
    answer = trial.accepted(trial.request(trial.exchange()))
    if answer.status != 202:
        raise Failed(f"it was answered {answer.status} instead of 202")
    if answer.body:
        raise Failed(f"the 202 has a body of {len(answer.body)} bytes")


def _without_audio(trial: Trial) -> None:
    exchange = trial.exchange()
    callback = {trial.market.names["callback"]: f"{trial.market.origin}/callback/{exchange.sid}"}
    form = trial.shaper.prepared(trial.plan.to, "url", callback, b"", "")
    headers = {**trial.request(exchange).headers, **form.headers}
    answer = trial.send(Prepared(form.url, headers, form.body))
    if not 200 <= answer.status < 300:
        raise Failed(f"a request without audio was answered {answer.status} instead of 2xx")


def _no_audio_in_it(trial: Trial) -> None:
    exchange = trial.exchange(b"this is no recording " * 50)
    answer = trial.accepted(trial.request(exchange))
    if answer.status == 202:
        trial.result(exchange)


def _hopeless(trial: Trial) -> None:
    for kind, body in HOPELESS:
        exchange = trial.exchange()
        hashed = trial.shaper.hashed(trial.plan.to, kind, body)
        headers = {**trial.request(exchange).headers, **hashed.headers}
        answer = trial.send(Prepared(hashed.url, headers, hashed.body))
        if answer.status >= 500:
            raise Failed(f"{kind} that is malformed was answered {answer.status}: sent for ever")


def _usual_size(trial: Trial) -> None:
    exchange = trial.exchange(silence(trial.plan.large_bytes))
    trial.accepted(trial.request(exchange))
    trial.result(exchange, 2 * trial.plan.patience_s)


def _too_large(trial: Trial) -> None:
    if trial.plan.size_limit is None:
        raise NotTried("the service's limit is not known (--size-limit)")
    trial.shape("multipart")
    exchange = trial.exchange(silence(trial.plan.size_limit))
    answer = trial.send(trial.request(exchange, mode="multipart"))
    if not 200 <= answer.status < 300:
        raise Failed(f"too large an upload was answered {answer.status} instead of 2xx")


def _slow(trial: Trial) -> None:
    exchange = trial.exchange()
    request = trial.request(exchange)

    def slowly() -> Iterator[bytes]:
        for piece in _pieces(request.body):
            trial.market.pause(trial.plan.slow_s / PIECES)
            yield piece

    trial.accepted(request, pieces=slowly)
    trial.result(exchange)


def _broken(trial: Trial) -> None:
    exchange = trial.exchange()
    request = trial.request(exchange)
    trial.evidence += [evidence.of_request(request), "[the first half of it, then the end]"]
    with suppress(HTTPError, ConnectionAbortedError):
        send(request, pieces=_half(request.body), ca=trial.plan.ca)
    if trial.settle(lambda: bool(exchange.posts)):
        raise Failed("a result came for half of a request")
    trial.accepted(request)
    trial.once(exchange)


def _half(body: bytes) -> Iterator[bytes]:
    yield body[: len(body) // 2]
    raise ConnectionAbortedError


def _pieces(body: bytes) -> list[bytes]:
    size = len(body) // PIECES + 1
    return [body[at : at + size] for at in range(0, len(body), size)]


CLAUSES = (
    Clause(
        "shape-multipart",
        "a recording sent as bytes in a multipart form gets a result",
        "spec/protocol 1.4",
        _by_bytes,
    ),
    Clause(
        "shape-url",
        "a recording sent as an address in a form is fetched and gets a result",
        "spec/protocol 1.10",
        _by_address,
    ),
    Clause(
        "shape-json",
        "a recording sent as an address in JSON with bodySHA256 gets a result",
        "spec/protocol 3.1",
        _as_json,
    ),
    Clause(
        "answer-202",
        "an accepted request is answered 202 without a body",
        "spec/protocol 1.5",
        _no_body,
    ),
    Clause(
        "answer-2xx-for-business-errors",
        "a genuine request without audio is answered 2xx: a 4xx counts against the SLA",
        "spec/protocol 1.5",
        _without_audio,
    ),
    Clause(
        "answer-unreadable-audio",
        "bytes that are no recording are answered 2xx, and the failure is reported",
        "spec/protocol 1.5",
        _no_audio_in_it,
    ),
    Clause(
        "answer-5xx-only-to-retry",
        "what can never succeed is answered without a 5xx, which would be sent again",
        "spec/protocol 1.5",
        _hopeless,
    ),
    Clause(
        "size-usual",
        "a recording of twelve megabytes is accepted and gets a result",
        "spec/protocol 1.4",
        _usual_size,
        alone=True,
    ),
    Clause(
        "size-limit",
        "an upload above the service's limit is answered 2xx, never 413",
        "spec/protocol 1.4",
        _too_large,
    ),
    Clause("sender-slow", "an upload that comes slowly is accepted", "spec/protocol 1.4", _slow),
    Clause(
        "sender-broken",
        "an upload that broke off gives nothing; sent again whole it gives one result",
        "spec/protocol 1.5",
        _broken,
    ),
)
