"""The permanent link to what RingCentral keeps: signing in, hearing, and being turned away."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from addon.errors import RingCentralUnavailable
from addon.factory import create_app
from addon.ringcentral.oauth import Tokens
from addon.web.ringcentral import CALLBACK
from addon.web.sessions import SESSION_S, hashed
from tests.outbound.conftest import other
from tests.outbound.loopback import Answer
from tests.ringcentral.conftest import rc_settings, standin
from tests.ringcentral.standin import PUBLIC, says
from tests.web.people import Browser, approved, context_of, cookies_set

__all__ = ["other", "rc_settings", "standin"]

AUDIO = b"RIFF\0\0\0\0WAVE" + os.urandom(99_992)
LINK = "/ringcentral/recordings/5001"
SOUND = f"{LINK}/audio"
PAGE = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
FETCH = {"Sec-Fetch-Dest": "audio", "Accept": "*/*"}


@pytest.fixture
def app(rc_settings, standin, redis_server):
    standin.redirect_uris = {rc_settings.public_url + CALLBACK}
    standin.record(1, audio=AUDIO)
    return create_app(rc_settings)


@pytest.fixture
def browser(app):
    return Browser(app)


@pytest.fixture
def listener(browser):
    """A browser that came through RingCentral's login."""
    begun = browser.get(LINK, headers=PAGE)
    assert browser.get(approved(begun.headers["Location"])).status_code == 302
    return browser


def session_of(listener):
    """The session's text, as the browser keeps it."""
    host = urlsplit(listener.origin).hostname
    return listener.client.get_cookie("__Host-ringcentral-session", domain=host).value


def test_a_link_leads_through_the_login_and_back(browser, standin):
    begun = browser.get(LINK, headers=PAGE)
    assert begun.status_code == 302
    target = urlsplit(begun.headers["Location"])
    asked = parse_qs(target.query)
    assert f"{target.scheme}://{target.netloc}" == standin.url
    assert asked["redirect_uri"] == ["https://hooks.example.net/ringcentral/callback"]
    assert asked["code_challenge_method"] == ["S256"]
    back = browser.get(approved(begun.headers["Location"]))
    assert (back.status_code, back.headers["Location"]) == (302, LINK)
    page = browser.get(LINK, headers=PAGE)
    assert page.status_code == 200
    assert f'src="{SOUND}"' in page.text
    assert "https://hooks.example.net" + LINK in page.text


def test_a_tool_without_a_page_is_sent_to_the_login_as_well(browser, standin):
    begun = browser.get(LINK)
    assert begun.headers["Location"].startswith(f"{standin.url}/restapi/oauth/authorize?")


def test_the_link_itself_plays_for_whoever_wants_no_page(listener):
    answer = listener.get(LINK, headers={"Accept": "*/*"})
    assert (answer.status_code, answer.content_type) == (200, "audio/x-wav")
    assert answer.data == AUDIO
    part = listener.get(LINK, headers=PAGE | {"Range": "bytes=1-2"})
    assert (part.status_code, part.data) == (206, AUDIO[1:3])


def test_cookies_are_strict(browser):
    begun = browser.get(LINK, headers=PAGE)
    back = browser.get(approved(begun.headers["Location"]))
    for cookie in cookies_set(begun) + cookies_set(back):
        assert cookie.startswith("__Host-ringcentral-")
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))


def test_no_token_reaches_the_browser(listener, standin):
    tokens = context_of(listener.app).ringcentral.tokens.find(hashed(session_of(listener)))
    for answer in (listener.get(LINK, headers=PAGE), listener.get(SOUND)):
        seen = f"{answer.headers}{answer.data!r}"
        assert tokens.access not in seen and tokens.refresh not in seen


def test_a_ringcentral_login_opens_nothing_of_our_own_archive(listener):
    assert listener.get("/recordings", headers=PAGE).headers["Location"].startswith("/login")


@pytest.mark.parametrize(
    ("asked", "status", "start", "stop"),
    [
        (None, 200, 0, 100_004),
        ("bytes=0-", 206, 0, 100_004),
        ("bytes=0-0", 206, 0, 1),
        ("bytes=500-999", 206, 500, 1000),
        ("bytes=100003-", 206, 100_003, 100_004),
        ("bytes=99999-200000", 206, 99_999, 100_004),
        ("bytes=-5", 206, 99_999, 100_004),
        ("bytes=-900000", 206, 0, 100_004),
        ("bytes=5-1", 200, 0, 100_004),
        ("chars=0-1", 200, 0, 100_004),
    ],
)
@pytest.mark.parametrize("ranged", [True, False], ids=["parts", "whole"])
def test_ranges_are_exact(listener, standin, asked, status, start, stop, ranged):
    standin.ranged = ranged
    headers = {"Range": asked} if asked else {}
    answer = listener.get(SOUND, headers=headers)
    assert answer.status_code == status
    assert answer.data == AUDIO[start:stop]
    assert answer.content_length == stop - start
    assert answer.headers["Accept-Ranges"] == "bytes"
    said = f"bytes {start}-{stop - 1}/100004" if status == 206 else None
    assert answer.headers.get("Content-Range") == said


def test_unasked_parts_become_a_whole(listener, standin):
    """Where RingCentral sends a 206 that covers less than was asked for, nothing is missing."""
    standin.longest_part = 30_000
    answer = listener.get(SOUND)
    assert (answer.status_code, answer.data) == (200, AUDIO)
    assert answer.content_length == len(AUDIO)


@pytest.mark.parametrize("asked", ["bytes=100004-", "bytes=200000-200001", "bytes=-0"])
def test_a_range_behind_the_end_is_416(listener, asked):
    answer = listener.get(SOUND, headers={"Range": asked})
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == "bytes */100004"


def test_several_ranges_come_in_one_answer(listener):
    answer = listener.get(SOUND, headers={"Range": "bytes=0-3,90000-90003"})
    assert answer.status_code == 206
    assert answer.content_type.startswith("multipart/byteranges")
    assert len(answer.data) == answer.content_length
    assert AUDIO[:4] in answer.data and AUDIO[90_000:90_004] in answer.data


def test_head_has_everything_but_the_body(listener, standin):
    answer = listener.client.head(SOUND, base_url=listener.origin)
    assert (answer.status_code, answer.content_length, answer.data) == (200, len(AUDIO), b"")
    assert answer.headers["ETag"] == listener.get(SOUND).headers["ETag"]


def test_if_range_holds_only_for_the_same_bytes(listener, standin):
    etag = listener.get(SOUND).headers["ETag"]
    same = listener.get(SOUND, headers={"Range": "bytes=0-9", "If-Range": etag})
    assert (same.status_code, same.data) == (206, AUDIO[:10])
    another = listener.get(SOUND, headers={"Range": "bytes=0-9", "If-Range": '"other"'})
    assert (another.status_code, another.data) == (200, AUDIO)


def test_sound_is_for_this_page_alone_and_kept_by_no_cache(listener):
    headers = listener.get(SOUND).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in headers


def test_a_player_without_a_session_is_told_so(browser):
    for url in (SOUND, LINK):
        answer = browser.get(url, headers=FETCH)
        assert answer.status_code == 401
        assert answer.content_type == "application/problem+json"


def test_a_page_after_the_session_ended_leads_to_the_login(listener, redis_server):
    redis_server.flushall()
    assert "/restapi/oauth/authorize" in listener.get(LINK, headers=PAGE).headers["Location"]
    assert listener.get(SOUND, headers=FETCH).status_code == 401


def age(listener, standin):
    """The access token ends."""
    store = context_of(listener.app).ringcentral.tokens
    name = hashed(session_of(listener))
    store.keep(name, replace(store.find(name), expires_at=0), SESSION_S)
    standin.expire()


def test_an_old_token_is_renewed_behind_the_listener(listener, standin):
    age(listener, standin)
    assert listener.get(SOUND).data == AUDIO
    assert len(standin.used) == 1


def test_many_requests_at_once_renew_once(listener, standin):
    age(listener, standin)
    cookie = {"Cookie": f"__Host-ringcentral-session={session_of(listener)}"}

    def play(_):
        client = listener.app.test_client(use_cookies=False)
        return client.get(LINK, base_url=listener.origin, headers=PAGE | cookie).status_code

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(play, range(6))) == {200}
    assert len(standin.used) == 1


def test_a_renewal_that_is_refused_leads_to_the_login(listener, standin):
    age(listener, standin)
    standin.refresh.clear()
    assert "/restapi/oauth/authorize" in listener.get(LINK, headers=PAGE).headers["Location"]


def test_a_token_that_is_refused_asks_to_sign_in_and_does_not_circle(listener, standin):
    standin.expire()
    page = listener.get(LINK, headers=PAGE)
    assert page.status_code == 401
    assert 'href="/ringcentral/sign-in?recording=5001"' in page.text
    assert listener.get(SOUND, headers=FETCH).status_code == 401
    again = listener.get("/ringcentral/sign-in?recording=5001")
    back = listener.get(approved(again.headers["Location"]))
    assert back.headers["Location"] == LINK
    assert listener.get(LINK, headers=PAGE).status_code == 200


def test_who_may_not_hear_it_is_told_so(listener, standin):
    standin.recordings["5001"].people = {"somebody-else"}
    page = listener.get(LINK, headers=PAGE)
    assert page.status_code == 403
    assert "Not allowed" in page.text
    assert listener.get(SOUND, headers=FETCH).status_code == 403


def test_what_is_not_there_is_not_found(listener):
    assert listener.get("/ringcentral/recordings/5999", headers=PAGE).status_code == 404
    assert listener.get("/ringcentral/recordings/5999/audio").status_code == 404


@pytest.mark.parametrize("name", ["%2e%2e", "a%2Fb", "x%3Fy", "x" * 65, "%C3%A9", "1%0a"])
def test_an_impossible_id_is_not_found_before_any_login(browser, standin, name):
    assert browser.get(f"/ringcentral/recordings/{name}", headers=PAGE).status_code == 404
    assert browser.get(f"/ringcentral/sign-in?recording={name}").status_code == 404
    assert standin.host.requests == []


def test_429_is_passed_on_with_its_patience(listener, standin):
    standin.trouble[f"{PUBLIC}/recording/5001"] = [says(429, **{"Retry-After": "77"})]
    page = listener.get(LINK, headers=PAGE)
    assert (page.status_code, page.headers["Retry-After"]) == (503, "77")
    assert "77 seconds" in page.text
    before = len(standin.host.requests)
    sound = listener.get(SOUND, headers=FETCH)
    assert sound.status_code == 503
    assert 70 < int(sound.headers["Retry-After"]) <= 77
    assert len(standin.host.requests) == before


def test_429_without_retry_after_is_half_a_minute_at_least(listener, standin):
    standin.trouble[f"{PUBLIC}/recording/5001"] = [says(429)]
    assert int(listener.get(LINK, headers=PAGE).headers["Retry-After"]) >= 30
    assert int(listener.get(SOUND).headers["Retry-After"]) >= 30


def test_the_limit_is_one_persons_and_not_one_browsers(listener, standin, app):
    """Ten in a minute: two browsers of the same person share them, another person has their own."""
    asked = 0
    for number in range(12):
        standin.record(100 + number)
        asked += listener.get(f"/ringcentral/recordings/{5100 + number}", headers=PAGE).status_code
    assert asked == 10 * 200 + 2 * 503
    twin = Browser(app)
    twin.get(approved(twin.get(LINK, headers=PAGE).headers["Location"]))
    assert twin.get(LINK, headers=PAGE).status_code == 503
    standin.person = "63002"
    standin.recordings["5001"].people.add("63002")
    stranger = Browser(app)
    stranger.get(approved(stranger.get(LINK, headers=PAGE).headers["Location"]))
    assert stranger.get(LINK, headers=PAGE).status_code == 200


def test_a_content_uri_elsewhere_is_never_followed(listener, standin, other):
    standin.recordings["5001"].content_uri = other.url("/content")
    assert listener.get(SOUND, headers=FETCH).status_code == 403
    assert other.requests == []


def test_a_recording_that_breaks_off_breaks_the_answer(listener, standin):
    path = "/restapi/v1.0/account/400123456/recording/5001/content"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: audio/x-wav\r\nContent-Length: 100004\r\n\r\n"
    standin.trouble[path] = [Answer(raw=lambda: iter([head, AUDIO[:99_000]]))]
    answer = listener.get(SOUND)
    assert answer.content_length == len(AUDIO)
    with pytest.raises(RingCentralUnavailable):
        _ = answer.data


@pytest.mark.parametrize(
    "answer",
    [
        says(500),
        Answer(200, b"<script>alert(1)</script>", {"Content-Type": "text/html"}),
        Answer(200, b"{}", {"Content-Type": "application/json"}),
        Answer(raw=lambda: iter([b"garbage"])),
    ],
)
def test_whatever_ringcentral_says_no_stranger_page_comes_through(listener, standin, answer):
    path = "/restapi/v1.0/account/400123456/recording/5001/content"
    standin.trouble[path] = [answer]
    sound = listener.get(SOUND, headers=FETCH)
    assert sound.status_code in (422, 503)
    assert sound.content_type == "application/problem+json"
    assert b"script" not in sound.data


# Forged and broken logins.


def returned(browser, **change):
    """The callback's address of a login that was begun here, changed; None leaves a part out."""
    url = approved(browser.get(LINK, headers=PAGE).headers["Location"])
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()} | change
    return CALLBACK, {name: value for name, value in query.items() if value is not None}


@pytest.mark.parametrize(
    "change", [{"state": "made-up"}, {"state": None}, {"state": ""}, {"code": None}, {"code": "x"}]
)
def test_an_answer_that_does_not_fit_signs_nobody_in(browser, change):
    path, query = returned(browser, **change)
    answer = browser.get(path, query_string=query)
    assert answer.status_code == 403
    assert not any("-session=" in cookie for cookie in cookies_set(answer))


def test_the_answer_to_another_browser_signs_nobody_in(browser, app):
    path, query = returned(browser)
    assert Browser(app).get(path, query_string=query).status_code == 403
    elsewhere = Browser(app)
    elsewhere.get(LINK, headers=PAGE)
    assert elsewhere.get(path, query_string=query).status_code == 403


def test_an_answer_works_once(browser):
    path, query = returned(browser)
    assert browser.get(path, query_string=query).status_code == 302
    assert browser.get(path, query_string=query).status_code == 403


def test_a_login_elsewhere_is_none_here(browser, app):
    """A sign-in begun at the OpenID Connect issuer is no sign-in at RingCentral."""
    _, query = returned(browser)
    assert browser.get("/login/callback", query_string=query).status_code == 403


def test_nobody_is_sent_to_another_site(browser):
    for wrong in ("https://evil.example", "//evil.example", "/\\evil.example", "5001/../../x"):
        assert (
            browser.get("/ringcentral/sign-in", query_string={"recording": wrong}).status_code
            == 404
        )
    path, query = returned(browser, to="https://evil.example", next="//evil.example")
    assert browser.get(path, query_string=query).headers["Location"] == LINK


def test_ringcentral_away_is_a_page_and_no_defect(browser, standin):
    path, query = returned(browser)
    standin.trouble["/restapi/oauth/token"] = [says(503)]
    answer = browser.get(path, query_string=query, headers=PAGE)
    assert answer.status_code == 503 and "Retry-After" in answer.headers


def test_signing_out_ends_the_session_and_the_tokens(listener, standin):
    text = session_of(listener)
    answer = listener.post("/ringcentral/sign-out")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/signed-out")
    assert standin.asked("/revoke")
    assert context_of(listener.app).ringcentral.tokens.find(hashed(text)) is None
    assert listener.get(SOUND, headers=FETCH).status_code == 401


def test_a_new_login_makes_a_new_session(listener):
    before = session_of(listener)
    again = listener.get("/ringcentral/sign-in?recording=5001")
    listener.get(approved(again.headers["Location"]))
    assert session_of(listener) != before
    assert context_of(listener.app).ringcentral.tokens.find(hashed(before)) is None


def test_a_made_up_session_is_none(browser, app):
    host = urlsplit(browser.origin).hostname
    browser.client.set_cookie("__Host-ringcentral-session", "x" * 43, domain=host, secure=True)
    assert browser.get(SOUND, headers=FETCH).status_code == 401


def test_pages_run_no_script_but_ours(listener):
    page = listener.get(LINK, headers=PAGE)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert not re.search(r"<script(?![^>]*\bsrc=)", page.text)
    assert not re.search(r"\son\w+=|style=", page.text)


def test_without_an_app_at_ringcentral_there_is_nothing_here(rc_settings, redis_server):
    browser = Browser(create_app(rc_settings.replace(ringcentral_client_id=None)))
    for path in (LINK, SOUND, CALLBACK, "/ringcentral/sign-in"):
        assert browser.get(path, headers=PAGE).status_code == 404


def test_without_a_secret_to_seal_with_nobody_signs_in(rc_settings, redis_server):
    browser = Browser(create_app(rc_settings.replace(playback_secrets=())))
    assert browser.get(LINK, headers=PAGE).status_code == 503
    assert browser.get(SOUND, headers=FETCH).status_code == 401


def test_redis_away_is_503(rc_settings, redis_server):
    browser = Browser(create_app(rc_settings.replace(redis_url="redis://127.0.0.1:1/0")))
    browser.client.set_cookie(
        "__Host-ringcentral-session", "text", domain="hooks.example.net", secure=True
    )
    assert browser.get(LINK, headers=PAGE).status_code == 503


def test_a_session_lives_no_longer_than_its_cookie(listener, redis_server):
    (key,) = redis_server.keys("ringcentral:tokens:*")
    assert 0 < redis_server.ttl(key) <= SESSION_S
    assert session_of(listener).encode() not in key
    tokens = Tokens.from_json(
        context_of(listener.app).ringcentral.tokens.find(hashed(session_of(listener))).to_json()
    )
    assert tokens.refresh
