"""Signing in with a real issuer over HTTP, with the local link, and out again."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from flask import Flask

from addon.factory import create_app
from addon.settings import Settings
from addon.web.local_sign_in import local_sign_in_link
from tests.web.issuer import CLIENT_ID, CLIENT_SECRET, Issuer
from tests.web.people import OWNER, Browser, approved, context_of, cookies_set

PAGE = "/recordings/RE" + "2" * 32
NAVIGATION = {"Sec-Fetch-Dest": "document"}


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as running:
        yield running


@pytest.fixture
def settings(settings: Settings, issuer: Issuer) -> Settings:
    return settings.replace(
        oidc_issuer=issuer.url,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET,
        oidc_allowed_domains=("example.org",),
    )


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app)


@pytest.fixture
def local(settings: Settings, redis_server: object) -> Browser:
    """A browser in front of a service without an issuer, on its own machine."""
    own = settings.replace(oidc_issuer=None, public_url="http://127.0.0.1:8080")
    return Browser(create_app(own))


def begin(browser: Browser, page: str = PAGE):
    """From a permanent link to the redirect that leads to the issuer."""
    sent = browser.get(page, headers=NAVIGATION)
    assert sent.status_code == 302
    return browser.get(sent.headers["Location"])


def test_a_permanent_link_leads_through_the_issuer_and_back(browser):
    begun = begin(browser, f"{PAGE}?install=XD1")
    back = browser.through_issuer(begun)
    assert (back.status_code, back.headers["Location"]) == (302, f"{PAGE}?install=XD1")
    assert browser.get("/recordings").status_code == 200


def test_the_request_to_the_issuer_is_complete(browser, issuer):
    target = urlsplit(begin(browser).headers["Location"])
    query = parse_qs(target.query)
    assert f"{target.scheme}://{target.netloc}{target.path}" == f"{issuer.url}/authorize"
    assert query["redirect_uri"] == [f"{browser.origin}/login/callback"]
    assert query["response_type"] == ["code"]
    assert {"state", "nonce", "code_challenge"} <= query.keys()


def test_the_session_cookie_is_strict(browser):
    cookies = cookies_set(browser.through_issuer(begin(browser)))
    session = next(cookie for cookie in cookies if "session=" in cookie)
    assert session.startswith("__Host-")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(session.split("; "))


def test_a_forged_state_is_refused(browser):
    url = approved(begin(browser).headers["Location"])
    query = {**dict(p.split("=") for p in urlsplit(url).query.split("&")), "state": "forged"}
    answer = browser.get(f"/login/callback?{urlencode(query)}")
    assert answer.status_code == 403
    assert not any("session=" in cookie for cookie in cookies_set(answer))


def test_an_answer_in_another_browser_is_refused(app, browser):
    url = approved(begin(browser).headers["Location"])
    assert Browser(app).get(url).status_code == 403


def test_another_browser_with_a_sign_in_of_its_own_is_refused(app, browser):
    other = Browser(app)
    begin(other)
    assert other.get(approved(begin(browser).headers["Location"])).status_code == 403


def test_an_answer_counts_once(browser):
    url = approved(begin(browser).headers["Location"])
    assert browser.get(url).status_code == 302
    assert browser.get(url).status_code == 403


def test_two_tabs_may_sign_in_at_once(browser):
    first, second = begin(browser), begin(browser, "/recordings?day=2026-03-04")
    assert browser.through_issuer(first).headers["Location"] == PAGE
    back = browser.through_issuer(second)
    assert back.headers["Location"] == "/recordings?day=2026-03-04"


@pytest.mark.parametrize("query", ["", "?state=", "?code=x", "?error=access_denied", "?state=%00"])
def test_a_callback_out_of_nowhere_is_refused(browser, query):
    assert browser.get(f"/login/callback{query}").status_code == 403


def test_a_flood_of_guesses_is_slowed_down(browser):
    answers = [browser.get("/login/local?token=guess").status_code for _ in range(61)]
    assert answers[:60] == [403] * 60 and answers[60] == 429


def test_a_person_who_declines_is_told_so(browser):
    begun = begin(browser)
    state = parse_qs(urlsplit(begun.headers["Location"]).query)["state"][0]
    answer = browser.get(f"/login/callback?error=access_denied&state={state}")
    assert answer.status_code == 403 and "not signed in" in answer.text


def test_a_person_without_rights_gets_no_session(browser, issuer):
    issuer.person["email"] = "sam@elsewhere.example"
    answer = browser.through_issuer(begin(browser))
    assert answer.status_code == 403
    assert not any("session=" in cookie for cookie in cookies_set(answer))


def test_a_right_that_is_lost_is_lost_at_once(browser, app):
    browser.through_issuer(begin(browser))
    context_of(app).settings = context_of(app).settings.replace(
        oidc_allowed_domains=("example.com",)
    )
    assert browser.get("/recordings").status_code == 403


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example", ""])
def test_nobody_is_sent_to_another_site(browser, to):
    begun = browser.get("/login?" + urlencode({"next": to}))
    assert browser.through_issuer(begun).headers["Location"] == "/recordings"


def test_an_issuer_that_is_away_is_a_page_that_says_so(browser, issuer):
    issuer.spoil["/.well-known/openid-configuration"] = lambda _: (500, {}, b"")
    answer = browser.get("/login")
    assert answer.status_code == 503 and "Retry-After" in answer.headers
    assert answer.mimetype == "text/html"


def test_without_redis_signing_in_waits(settings, issuer):
    away = Browser(create_app(settings.replace(redis_url="redis://127.0.0.1:9/0")))
    answer = away.through_issuer(away.get("/login"))
    assert answer.status_code == 503 and answer.mimetype == "text/html"


def test_without_secrets_nobody_is_signed_in(settings, issuer):
    without = Browser(create_app(settings.replace(playback_secrets=())))
    without.set_cookie("session", "text")
    for path in ("/login", "/recordings"):
        assert without.get(path).status_code == 503


def test_strangers_who_begin_to_sign_in_leave_redis_as_it_was(app, redis_server):
    Browser(app).get("/login")
    before = redis_server.dbsize()
    for _ in range(200):
        stranger = Browser(app)
        assert stranger.get(PAGE, headers=NAVIGATION).status_code == 302
        assert stranger.get("/login").status_code == 302
    assert redis_server.dbsize() == before


def test_an_issuer_of_another_name_ends_every_session(browser, app):
    browser.through_issuer(begin(browser))
    assert browser.get("/recordings").status_code == 200
    context = context_of(app)
    context.settings = context.settings.replace(oidc_issuer="https://new.example")
    del context.sessions
    answer = browser.get(PAGE, headers=NAVIGATION)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/login?next={PAGE}")


def test_without_redis_nobody_is_known(settings):
    away = Browser(create_app(settings.replace(redis_url="redis://127.0.0.1:9/0")))
    away.set_cookie("session", "text")
    assert away.get("/recordings").status_code == 503


def test_a_session_that_ended_leads_back_to_the_issuer(browser, app):
    browser.through_issuer(begin(browser))
    context_of(app).redis.flushall()
    answer = browser.get(PAGE, headers=NAVIGATION)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/login?next={PAGE}")


def test_a_script_without_a_session_is_told_and_not_sent_away(browser):
    answer = browser.get(f"{PAGE}/timeline", headers={"Sec-Fetch-Dest": "empty"})
    assert answer.status_code == 401


def test_signing_out_ends_the_session(browser, app):
    browser.signed_in({**OWNER, "iss": "x"})
    token = browser.client.get_cookie("__Host-recordings-session", "hooks.example.net").value
    answer = browser.post("/logout")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/signed-out")
    assert context_of(app).sessions.find(token) is None
    assert "signed out" in browser.get("/signed-out").text


def asked(begun) -> list[str]:
    return parse_qs(urlsplit(begun.headers["Location"]).query).get("prompt", [])


def test_the_next_person_at_a_shared_desk_is_asked_who_it_is(browser):
    browser.through_issuer(begin(browser))
    browser.post("/logout")
    begun = begin(browser)
    assert asked(begun) == ["login"]
    browser.through_issuer(begun)
    assert asked(browser.get("/login")) == []


@pytest.mark.parametrize("prompt", ["login", "select_account"])
def test_the_issuer_can_be_told_to_ask_every_time(settings, issuer, prompt):
    assert asked(Browser(create_app(settings.replace(oidc_prompt=prompt))).get("/login")) == [
        prompt
    ]


def test_signing_out_goes_on_to_the_issuer_and_comes_back(browser, issuer):
    issuer.ends_sessions = True
    browser.through_issuer(begin(browser))
    browser.post("/logout")
    page = browser.get("/signed-out")
    assert "Sign out at the identity provider too" in page.text
    away = browser.get("/logout/issuer")
    back = browser.get(approved(away.headers["Location"]))
    assert back.status_code == 200 and "from ending its own session" in back.text
    (query,) = issuer.signed_out
    assert query["id_token_hint"].count(".") == 2
    assert query["post_logout_redirect_uri"] == f"{browser.origin}/signed-out"
    assert "its own session" not in browser.get("/signed-out").text


def test_an_issuer_that_cannot_end_its_session_is_said_to(browser):
    browser.through_issuer(begin(browser))
    browser.post("/logout")
    page = browser.get("/signed-out").text
    assert "no way to end its own session" in page and "/logout/issuer" not in page
    assert browser.get("/logout/issuer").headers["Location"] == "/signed-out"


def test_an_issuer_that_does_not_answer_is_said_not_to(browser, issuer, app):
    browser.through_issuer(begin(browser))
    browser.post("/logout")
    del context_of(app).provider
    issuer.spoil["/.well-known/openid-configuration"] = lambda _: (500, {}, b"")
    page = browser.get("/signed-out")
    assert page.status_code == 200 and "did not answer" in page.text


def test_nobody_is_told_of_a_sign_out_that_was_not(browser, issuer):
    """A stranger's link cannot make the page say it, nor lead through us to the issuer."""
    issuer.ends_sessions = True
    assert "session" not in browser.get("/signed-out?state=forged").text
    browser.set_cookie("sign-out", "forged")
    assert "session" not in browser.get("/signed-out?state=forged").text
    assert browser.get("/logout/issuer").headers["Location"] == "/signed-out"
    browser.through_issuer(begin(browser))
    browser.post("/logout")
    assert "has sent you back" not in browser.get("/signed-out?state=forged").text


def test_a_long_token_is_no_hint_and_signing_out_goes_on_without(browser, issuer):
    issuer.ends_sessions = True
    issuer.person["groups"] = ["supervisor"] * 400
    browser.through_issuer(begin(browser))
    browser.post("/logout")
    location = browser.get("/logout/issuer").headers["Location"]
    assert location.startswith(f"{issuer.url}/end") and "id_token_hint" not in location


def test_an_owner_who_signs_out_hears_nothing_of_an_issuer(local):
    local.get(local_sign_in_link(context_of(local.app).settings))
    local.post("/logout")
    assert "identity provider" not in local.get("/signed-out").text


def test_signing_out_takes_a_click(browser):
    assert browser.get("/logout").status_code == 405


def test_signing_out_twice_is_no_error(browser):
    assert browser.post("/logout").status_code == 303


def test_signing_in_again_ends_the_session_before(browser, app):
    browser.through_issuer(begin(browser))
    first = browser.client.get_cookie("__Host-recordings-session", "hooks.example.net").value
    browser.through_issuer(browser.get("/login"))
    assert context_of(app).sessions.find(first) is None


def test_a_local_link_is_worth_nothing_where_an_issuer_is_set(browser):
    assert browser.get("/login/local?token=x").status_code == 403


def test_the_owner_signs_in_with_the_printed_link(local):
    link = local_sign_in_link(context_of(local.app).settings, "/recordings?day=2026-03-04")
    answer = local.get(link)
    assert answer.headers["Location"] == "/recordings?day=2026-03-04"
    assert local.get("/recordings").status_code == 200
    assert local.get(link).status_code == 403


def test_the_printed_link_does_not_work_through_a_proxy(local):
    link = local_sign_in_link(context_of(local.app).settings)
    assert local.get(link, headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 403


def test_the_printed_link_does_not_work_from_another_machine(local):
    link = local_sign_in_link(context_of(local.app).settings)
    outside = {"REMOTE_ADDR": "192.0.2.7"}
    assert local.get(link, environ_overrides=outside).status_code == 403


def test_without_an_issuer_the_sign_in_page_says_what_to_do(local):
    page = local.get("/login")
    assert page.status_code == 200 and "flask sign-in" in page.text


def test_a_public_service_without_an_issuer_lets_nobody_in(settings):
    public = Browser(create_app(settings.replace(oidc_issuer=None)))
    page = public.get("/login")
    assert page.status_code == 200 and "OIDC_ISSUER" in page.text
    assert public.get("/login/local?token=x").status_code == 403
