from __future__ import annotations

from datetime import UTC, datetime

import pytest

from addon.twilio.invocation import Invocation
from addon.twilio.uniqueness import belongs_to_one_request

SID = "XR" + "5" * 32


def bound(callback: str = "", audio_url: str = "", values: tuple[str, ...] = ()) -> bool:
    invocation = Invocation(
        request_sid=SID, received_at=datetime.now(UTC), callback=callback, audio_url=audio_url
    )
    return belongs_to_one_request(invocation, (callback, audio_url, *values))


@pytest.mark.parametrize(
    "callback",
    [
        f"https://marketplace.twilio.com/v1/cb/{SID}",
        "https://marketplace.twilio.com/v1/cb/MR" + "6" * 32,
        "https://marketplace.twilio.com/cb?t=4f6e1a90b7c84d21",
        "https://marketplace.twilio.com/cb/4f6e1a90-b7c8-4d21-9e0f-0123456789ab/x",
    ],
)
def test_a_callback_with_a_requests_sid_or_a_token_is_one_requests(callback: str) -> None:
    assert bound(callback)


@pytest.mark.parametrize(
    "callback",
    [
        "",
        "https://x.twilio.com/cb",
        "https://marketplace.example.com/v1/cb/XRabc?x=1",
        "http://127.0.0.1:9000/callback",
        "https://4f6e1a90b7c84d21.example.com/cb",
        "https://example.com/webhooks/recordinganalysisresults/v2",
        "https://example.com/twilio-recording-analysis-2026-results",
        "https://example.com/accounts/AC" + "0a" * 16 + "/cb?install=XD" + "3" * 32,
    ],
)
def test_a_callback_that_may_be_always_the_same_is_not(callback: str) -> None:
    assert not bound(callback)


def test_a_field_with_the_requests_sid_is_enough() -> None:
    assert bound(values=("de", SID))
    assert not bound(values=("de", "RE" + "4" * 32))


def test_a_temporary_url_is_one_requests_where_it_has_a_token() -> None:
    assert bound(audio_url="https://media.twilio.com/temporary/4f6e1a90b7c84d21?k=1")
    assert not bound(audio_url="https://media.twilio.com/temporary/abc?k=1")


def test_a_short_request_sid_that_stands_in_an_address_by_chance_binds_nothing() -> None:
    invocation = Invocation(
        request_sid="cb", received_at=datetime.now(UTC), callback="https://a.example/cb"
    )
    assert not belongs_to_one_request(invocation, (invocation.callback,))
