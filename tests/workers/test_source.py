"""Where a Marketplace recording's bytes come from: the upload, or a host that is allowed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from addon.backoff import LONGEST_S
from addon.errors import SourceRefused, SourceUnavailable
from addon.requests.intake_store import IntakeRecord
from addon.twilio.invocation import Invocation
from tests.calls import wav
from tests.web.requests import INSTALL, new_sid
from workers.source import PARKED_S, TRIES, pause_after, recording

UPLOAD = IntakeRecord("marketplace", "", iter([b"up", b"load"]))


def invocation(url: str | None = None) -> Invocation:
    return Invocation(
        request_sid=new_sid(),
        received_at=datetime.now(UTC),
        install=INSTALL,
        has_audio=url is None,
        audio_url=url,
    )


def test_an_upload_comes_from_its_intake_record(settings):
    with recording(settings, UPLOAD, invocation(), 0) as blocks:
        assert b"".join(blocks) == b"upload"


def test_a_temporary_url_is_fetched(settings, market):
    exchange = market.exchange(wav(1.0))
    url = f"{market.origin}/media/{exchange.sid}"
    with recording(settings, UPLOAD, invocation(url), 0) as blocks:
        assert b"".join(blocks) == exchange.audio


def test_a_host_that_is_not_allowed_is_not_asked(settings, market):
    elsewhere = settings.replace(media_hosts=("https://media.example.com",))
    url = f"{market.origin}/media/{new_sid()}"
    with pytest.raises(SourceRefused), recording(elsewhere, UPLOAD, invocation(url), 0):
        pass


def test_what_is_not_there_yet_is_worth_another_try(settings, market):
    url = f"{market.origin}/media/{new_sid()}"
    with pytest.raises(SourceUnavailable), recording(settings, UPLOAD, invocation(url), 0):
        pass


@pytest.mark.parametrize(
    ("tries", "retry_after", "least", "most"),
    [
        (1, None, 0.5, 1.0),
        (20, None, LONGEST_S / 2, LONGEST_S),
        (TRIES + 1, None, PARKED_S / 2, PARKED_S),
        (1, 90.0, 90.0, 90.0),
        (1, 0.1, 0.5, 1.0),
    ],
)
def test_pauses_grow_to_a_limit_and_are_never_shorter_than_the_host_wants(
    tries, retry_after, least, most
):
    assert least <= pause_after(tries, retry_after) <= most
