"""Genuine invocations of a deployed server, and how long they take."""

from __future__ import annotations

import time

from tests.calls import wav
from tests.conftest import ACCOUNT, PUBLIC_URL
from tests.web import requests as send
from tests.web.serving import Served

SHAPES = [send.url_only(), send.first_sample(wav(1.0)), send.first_sample(wav(20.0))]
"""A URL, an upload held in memory, and one that is spooled."""

ROUNDS = 12

RESETS = 1
"""Connections of a run that may be reset. Where other work keeps this client from sending its head,
it looks like a stranger that holds a place in silence, and the oldest of these goes first."""


def invoke(server: Served, shape: send.Shape, **more: str) -> tuple[int, float]:
    """A genuine invocation: its status and how long it took."""
    headers = {
        "X-Twilio-VendorAccountSid": ACCOUNT,
        "X-Twilio-AddOnInstallSid": send.INSTALL,
        "X-Twilio-RequestSid": send.new_sid(),
        "X-Twilio-Signature": send.signature(PUBLIC_URL + shape.path, shape.signed),
        "Content-Type": shape.content_type,
        **more,
    }
    began = time.monotonic()
    connection = server.connect()
    try:
        connection.request("POST", shape.path, shape.body, headers)
        return connection.getresponse().status, time.monotonic() - began
    finally:
        connection.close()


def accepted_throughout(server: Served, **more: str) -> list[float]:
    """Genuine invocations of all shapes, each accepted; their times."""
    answers, resets = [], 0
    for shape in SHAPES * ROUNDS:
        try:
            answers.append(invoke(server, shape, **more))
        except ConnectionResetError:
            resets += 1
            answers.append(invoke(server, shape, **more))
    assert resets <= RESETS
    assert {status for status, _ in answers} == {202}
    return [seconds for _, seconds in answers]
