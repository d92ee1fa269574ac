"""A grant is given for what may be heard, and never without being on record."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from addon.errors import InvalidParameter, NotStored, StoreUnavailable, Withheld
from addon.factory import create_app
from addon.playback.access_log import Access
from addon.playback.clips import Clip
from addon.web.grants import grant_to
from tests.playback.sounds import CALL, RECORDING, TENANT, archived, file_of
from tests.web.playing import access_log, inside

ACCESS = Access(TENANT, (RECORDING,), listener="a@b.c", right="page", address="192.0.2.1")


@pytest.fixture
def app(app):
    archived(inside(app).archive, file_of(8000), duration_seconds=60.0)
    return app


def granted(app, access=ACCESS, **options):
    with app.app_context():
        return grant_to(access, **options)


def test_a_grant_is_for_the_recording_and_on_record(app):
    grant = granted(app)
    assert (grant.recording_id, grant.call_sid, grant.listener) == (RECORDING, None, "a@b.c")
    (event,) = access_log(app)
    assert (event["event"], event["grant"], event["right"]) == ("granted", grant.nonce, "page")
    assert event["expires"] == grant.expires


def test_it_lives_as_long_as_the_recording_can_be_heard_or_as_it_was_asked(app):
    by_length, asked = granted(app), granted(app, lifetime_s=100)
    ttl = inside(app).settings.playback_ttl_s
    assert ttl + 60 - 5 <= by_length.expires - asked.expires + 100 <= ttl + 60 + 5


def test_a_grant_to_listen_lasts_to_the_end_of_what_it_plays_and_a_download_as_asked(app):
    call = Access(TENANT, (RECORDING,), "a", right="x", address="x", call_sid=CALL)
    clip = Clip.of(10, 12)
    now = time.time()
    for access, options, seconds in (
        (ACCESS, {}, 60),
        (call, {}, 60),
        (ACCESS, {"clip": clip}, 2),
        (ACCESS, {"longest_s": 30}, 30),
        (replace(ACCESS, purpose="download"), {}, 1),
    ):
        grant = granted(app, access, lifetime_s=1, **options)
        assert now + seconds - 1 <= grant.expires <= time.time() + seconds


def test_a_clip_is_on_record_with_its_times_and_one_behind_the_end_is_refused(app):
    assert granted(app, clip=Clip.of(10, 12)).clip == Clip.of(10, 12)
    assert access_log(app)[0]["clip_seconds"] == [10, 12]
    with pytest.raises(InvalidParameter, match="ends before it"):
        granted(app, clip=Clip.of(60, 70))


def test_one_for_a_call_names_no_recording(app):
    access = Access(TENANT, (RECORDING,), "a", right="x", address="x", call_sid=CALL)
    grant = granted(app, access)
    assert (grant.recording_id, grant.call_sid) == (None, CALL)


def test_a_grant_that_cannot_be_recorded_is_not_given(app, monkeypatch):
    def away(*_args: object, **_kwargs: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(inside(app).store, "put", away)
    with pytest.raises(StoreUnavailable):
        granted(app)


def test_what_is_not_there_is_not_granted(app):
    with pytest.raises(NotStored):
        granted(app, Access(TENANT, ("REnone",), "a", right="x", address="x"))


def test_what_is_withheld_is_refused_and_the_refusal_is_on_record(app):
    strict = create_app(inside(app).settings.replace(redact_dtmf="required"))
    with pytest.raises(Withheld):
        granted(strict)
    (event,) = access_log(strict)
    assert event["event"] == "denied"
