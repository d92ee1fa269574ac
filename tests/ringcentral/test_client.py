"""The room put together: people's sessions, the service account, and few questions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from addon.errors import (
    Forbidden,
    NotFound,
    RingCentralUnavailable,
    SettingsError,
    Unauthenticated,
)
from addon.ringcentral.client import RingCentral
from addon.ringcentral.oauth import Tokens
from addon.settings import Settings
from tests.ringcentral.standin import SERVICE_USER, says

NAME = "b2" * 32


@pytest.fixture
def session(client, standin):
    """Somebody who is signed in."""
    standin.access["access-0"] = (standin.person, 2e9)
    standin.refresh["refresh-0"] = standin.person
    client.tokens.keep(NAME, Tokens("access-0", "refresh-0", 2e9, standin.person), 1000)
    return NAME


def expire(client, standin):
    """The access token ends, here and there; the refresh token goes on."""
    tokens = client.tokens.find(NAME)
    client.tokens.keep(NAME, replace(tokens, expires_at=0), 1000)
    standin.expire()


def test_a_person_is_the_user_who_signed_in(client, session, standin):
    assert client.person(session).user == standin.person


def test_a_session_without_tokens_is_refused(client):
    with pytest.raises(Unauthenticated):
        client.person(NAME)


def test_a_recording_and_its_sound_are_two_requests(client, session, standin):
    stored = standin.record(1)
    for _ in range(3):
        assert client.recording(session, stored.id).id == stored.id
    content = client.content(session, stored.id)
    assert b"".join(content.read(0, content.length)) == stored.audio
    later = client.content(session, stored.id)
    assert later.length == len(stored.audio)
    assert len(standin.asked(stored.id)) == 1
    assert len(standin.asked("/content")) == 1


def test_what_one_session_knows_no_other_does(client, session, standin):
    stored = standin.record(1)
    client.recording(session, stored.id)
    standin.access["other"] = ("other", 2e9)
    client.tokens.keep("other", Tokens("other", None, 2e9, "other"), 100)
    with pytest.raises(Forbidden):
        client.recording("other", stored.id)


def test_every_byte_is_for_the_token_to_decide(client, session, standin):
    stored = standin.record(1)
    content = client.content(session, stored.id)
    content.close()
    stored.people.clear()
    with pytest.raises(Forbidden):
        list(client.content(session, stored.id).read(0, 10))


def test_an_impossible_id_is_nothing(client, session):
    with pytest.raises(NotFound):
        client.content(session, "../x")


def test_an_ended_token_is_renewed_once_for_everybody(client, session, standin):
    expire(client, standin)
    with ThreadPoolExecutor(8) as pool:
        callers = list(pool.map(lambda _: client.person(session), range(16)))
    assert len({caller.token for caller in callers}) == 1
    assert len(standin.asked("/token")) == 1
    assert standin.used == {"refresh-0"}


def test_renewals_follow_one_another(client, session, standin):
    for number in range(1, 4):
        expire(client, standin)
        client.person(session)
        assert len(standin.asked("/token")) == number


def test_a_renewal_that_is_refused_ends_the_session(client, session, standin):
    expire(client, standin)
    standin.refresh.clear()
    with pytest.raises(Unauthenticated):
        client.person(session)
    assert client.tokens.find(session) is None


def test_signing_out_ends_it_here_and_there(client, session, standin):
    client.sign_out(session)
    assert standin.asked("/revoke")[0].body == b"token=refresh-0"
    with pytest.raises(Unauthenticated):
        client.person(session)


def test_signing_out_does_not_wait_for_ringcentral(client, session, standin):
    standin.host.otherwise = lambda _request: (_ for _ in ()).throw(OSError)
    client.sign_out(session)
    assert client.tokens.find(session) is None


def test_the_service_account_signs_in_once_for_all(client, standin, rc_settings, redis_server):
    assert client.service_account().user == SERVICE_USER
    again = RingCentral(rc_settings, redis_server)
    with ThreadPoolExecutor(4) as pool:
        assert len({pool.submit(again.service_account).result().token for _ in range(4)}) == 1
    assert len(standin.asked("/token")) == 1


def test_a_platform_that_asks_for_patience_gets_it(client, standin):
    standin.trouble["/restapi/oauth/token"] = [says(429, **{"Retry-After": "50"})]
    for _ in range(3):
        with pytest.raises(RingCentralUnavailable) as raised:
            client.service_account()
        assert 49 < raised.value.retry_after <= 50
    assert len(standin.asked("/token")) == 1


def test_a_jwt_that_is_refused_is_not_tried_without_end(client, standin):
    standin.trouble["/restapi/oauth/token"] = [says(400) for _ in range(20)]
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            client.service_account()
    with pytest.raises(RingCentralUnavailable):
        client.service_account()
    assert len(standin.asked("/token")) == 5


def test_what_is_not_set_is_named(rc_settings, redis_server):
    with pytest.raises(SettingsError, match="RINGCENTRAL_JWT"):
        RingCentral(rc_settings.replace(ringcentral_jwt=None), redis_server).service_account()
    with pytest.raises(SettingsError, match="RINGCENTRAL_CLIENT_ID"):
        RingCentral(rc_settings.replace(ringcentral_client_id=None), redis_server)
    with pytest.raises(SettingsError, match="INTAKE_KEY"):
        RingCentral(rc_settings.replace(playback_secrets=(), intake_key=()), redis_server)


def test_a_service_account_without_an_app_stops_the_start():
    with pytest.raises(SettingsError, match="RINGCENTRAL_CLIENT_ID"):
        Settings.load({"RINGCENTRAL_JWT": "x"})


def test_nothing_in_redis_can_be_read(client, session, standin, redis_server):
    stored = standin.record(1)
    client.content(session, stored.id).close()
    client.service_account()
    everything = b"".join(redis_server.dump(key) or b"" for key in redis_server.keys("*"))
    tokens = client.tokens.find(session)
    for secret in (tokens.access, tokens.refresh, *standin.access, *standin.refresh):
        assert secret.encode() not in everything
