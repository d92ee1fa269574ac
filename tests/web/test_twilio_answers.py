"""Twilio is told a status: 403 for a forgery, 503 for ours, and its own for what never succeeds."""

from __future__ import annotations

import pytest
from flask import Response
from werkzeug.exceptions import RequestEntityTooLarge

from addon.errors import Forged, InputMissing, NotFound, StoreUnavailable
from addon.web.context import context
from addon.web.twilio_answers import audience


@pytest.fixture
def marketplace(app):
    with app.test_request_context():
        yield audience(lambda error: Response(f"never: {error.code}", 200))


def test_what_can_never_succeed_is_answered_by_the_view(marketplace):
    answer = marketplace.answer(InputMissing("x"))
    assert (answer.status_code, answer.get_data()) == (200, b"never: 61003")


def test_a_forgery_is_403_without_a_body(marketplace):
    answer = marketplace.answer(Forged("x"))
    assert (answer.status_code, answer.get_data()) == (403, b"")


@pytest.mark.parametrize("error", [StoreUnavailable("x"), NotFound("x")])
def test_everything_else_is_503_so_that_twilio_asks_again(marketplace, error):
    answer = marketplace.answer(error)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


def test_also_what_nobody_foresaw_and_what_the_framework_refuses(marketplace):
    assert marketplace.answer_unforeseen(ValueError("x")).status_code == 503
    answer = marketplace.http(RequestEntityTooLarge())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


def test_every_refusal_is_counted_by_its_class(marketplace):
    marketplace.answer(Forged("x"))
    context().buffered_counters.flush()
    counted = context().counters.read()
    assert [value for name, value in counted.items() if "Forged" in str(name)] == [1]
