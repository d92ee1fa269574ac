"""The call resource through the official client: our way out, our credentials, our errors."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from addon.errors import TwilioUnavailable
from addon.twilio import calls
from tests.outbound.loopback import Answer
from tests.twilio.standin import ACCOUNT, CREDENTIALS, error, says, sid

CALL = sid("CA", 1)
PATH = f"/2010-04-01/Accounts/{ACCOUNT}/Calls/{CALL}.json"


def test_a_call_is_read_at_the_base_that_is_set_with_our_credentials(twilio, monkeypatch):
    monkeypatch.setenv("TWILIO_REGION", "elsewhere")
    twilio.calls[CALL] = {
        "from": "+14158675309",
        "to": "client:alice",
        "direction": "outbound-api",
        "start_time": "Wed, 04 Mar 2026 10:15:30 +0000",
        "duration": "61",
        "a_field_of_tomorrow": [1],
    }
    assert calls.fetch(twilio.rest(), CALL) == calls.CallResource(
        "+14158675309",
        "client:alice",
        "outbound-api",
        datetime(2026, 3, 4, 10, 15, 30, tzinfo=UTC),
        "61",
    )
    (asked,) = twilio.host.requests
    assert (asked.path, asked.authorization) == (PATH, CREDENTIALS[0].header)


def test_a_call_that_twilio_does_not_know_is_none(twilio):
    assert calls.fetch(twilio.rest(), CALL) is None


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (error(429, 20429), "429"),
        (error(503, 0), "503"),
        (error(401, 20003), "401, code 20003"),
        (Answer(200, b"<html>Welcome</html>", {"Content-Type": "text/html"}), "JSON"),
        (Answer(200, b"[1]", {"Content-Type": "application/json"}), "JSON"),
        (says(200, {"start_time": 12}), "no call"),
        (Answer(302, b"", {"Location": "http://127.0.0.1:1/"}), "redirects"),
    ],
)
def test_another_answer_is_an_error_of_ours(twilio, answer, reason):
    twilio.trouble[PATH] = [answer]
    with pytest.raises(TwilioUnavailable, match=reason) as caught:
        calls.fetch(twilio.rest(), CALL)
    assert CALL not in str(caught.value)
