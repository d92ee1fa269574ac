"""Logs: JSON off a terminal, with the request's SID, and never with a secret."""

from __future__ import annotations

import io
import json
import logging

import pytest
import structlog

from addon import log


@pytest.fixture
def lines():
    written = io.StringIO()
    log.configure("info", terminal=False)
    log.clear()
    (handler,) = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    log.clear()
    structlog.reset_defaults()
    logging.getLogger().handlers = []


def test_a_line_is_json_and_carries_what_was_bound(lines):
    log.bind(request_sid="XR1")
    log.get("room").info("done", lane="express")
    (line,) = lines()
    assert (line["event"], line["request_sid"], line["lane"]) == ("done", "XR1", "express")
    assert (line["level"], line["logger"]) == ("info", "room")
    assert line["timestamp"].endswith("Z")


def test_what_was_bound_is_forgotten(lines):
    log.bind(request_sid="XR1")
    log.clear()
    log.get("room").info("done")
    assert "request_sid" not in lines()[0]


@pytest.mark.parametrize(
    "name",
    [
        "auth_token",
        "authorization",
        "password",
        "playback_secret",
        "api_key",
        "signature",
        "cookie",
    ],
)
def test_a_value_under_a_secret_name_is_hidden(lines, name):
    log.get("room").info("done", **{name: "very-secret"})
    assert lines()[0][name] == "[hidden]"


def test_the_query_of_a_url_is_hidden(lines):
    log.get("room").info("fetching https://a.example/x?sig=very-secret now", url="https://b/?k=v")
    (line,) = lines()
    assert "very-secret" not in json.dumps(line)
    assert line["event"] == "fetching https://a.example/x?[hidden] now"
    assert line["url"] == "https://b/?[hidden]"


def test_libraries_log_the_same_way(lines):
    logging.getLogger("some.library").warning("to https://a.example/?k=%s", "very-secret")
    (line,) = lines()
    assert line["logger"] == "some.library"
    assert "very-secret" not in json.dumps(line)


def test_chatty_libraries_are_quiet(lines):
    logging.getLogger("botocore").info("hello")
    logging.getLogger("urllib3").debug("hello")
    assert lines() == []


def test_an_exception_is_one_line(lines):
    try:
        raise ValueError("broken")
    except ValueError:
        log.get("room").exception("failed")
    (line,) = lines()
    assert "ValueError: broken" in line["exception"]


def test_a_terminal_gets_readable_lines(capsys):
    log.configure("info", terminal=True)
    log.get("room").info("done", lane="express")
    text = capsys.readouterr().err
    assert "done" in text and "express" in text and not text.startswith("{")
    structlog.reset_defaults()
    logging.getLogger().handlers = []
