"""Pages have their headers, and every error of theirs is a page or a way to sign in."""

from __future__ import annotations

import re

import pytest
from flask import Blueprint

from addon.errors import AddonError, NotPlayable, Tampered, Unauthenticated, Unavailable
from addon.web import page_responses
from tests.web.people import Browser


@pytest.fixture
def failing(app):
    """Asks a page that raises what it is told to."""
    raised: list[Exception] = []
    pages = Blueprint("failing", __name__)

    @pages.route("/fail", methods=["GET", "POST"])
    def fail():
        raise raised[0]

    page_responses.apply(pages)
    app.register_blueprint(pages)

    def ask(error: Exception, method: str = "GET", **headers: str):
        raised[:] = [error]
        return app.test_client().open("/fail?a=b", method=method, headers=headers)

    return ask


def test_a_page_lets_nothing_in_from_elsewhere_and_each_has_a_nonce_of_its_own(failing):
    first, second = failing(Tampered("x")), failing(Tampered("x"))
    assert "default-src 'none'" in first.headers["Content-Security-Policy"]
    assert first.headers["Content-Security-Policy"] != second.headers["Content-Security-Policy"]
    assert first.headers["Cache-Control"] == "no-store"
    for name, value in page_responses.HEADERS.items():
        assert first.headers[name] == value


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Tampered("x"), 502),
        (NotPlayable("x"), 422),
        (Unavailable("x"), 503),
        (AddonError("x"), 503),
    ],
)
def test_an_error_is_a_page_with_its_status(failing, error, status):
    answer = failing(error)
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    assert f"code {error.code}" in answer.text


def test_an_unavailable_service_tells_nothing_of_itself_but_when_to_come_back(failing):
    for error in (Unavailable("redis at 10.0.0.1"), RuntimeError("redis at 10.0.0.1")):
        answer = failing(error)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert "10.0.0.1" not in answer.text


def test_who_is_not_signed_in_is_led_there_and_back(failing):
    answer = failing(Unauthenticated("x"))
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login?next=/fail%3Fa%3Db")


@pytest.mark.parametrize("method", ["POST"])
def test_a_form_that_was_sent_is_not_sent_on(failing, method):
    assert failing(Unauthenticated("x"), method).status_code == 401


@pytest.mark.parametrize("destination", ["empty", "audio", "script"])
def test_a_script_or_a_player_is_told_401_and_led_nowhere(failing, destination):
    answer = failing(Unauthenticated("x"), **{"Sec-Fetch-Dest": destination})
    assert answer.status_code == 401


BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Dest": "document"}


@pytest.mark.parametrize("address", ["/nothing", "/recordings/a/b/c", "/docs/a/b", "/wp-login.php"])
def test_a_wrong_address_is_a_page_for_a_person_and_a_problem_for_a_program(app, address):
    page = app.test_client().get(address, headers=BROWSER)
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert "There is nothing at this address." in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert app.test_client().get(address).mimetype == "application/problem+json"


@pytest.mark.parametrize("address", ["/api/v1/nothing", "/api/v1/recordings", "/flex/nothing"])
def test_an_address_for_programs_answers_problems_whoever_asks(app, address):
    assert app.test_client().get(address, headers=BROWSER).mimetype == "application/problem+json"


def test_a_wrong_method_on_a_page_is_a_page_that_says_which_it_takes(app):
    answer = app.test_client().post("/recordings", headers=BROWSER)
    assert (answer.status_code, answer.mimetype) == (405, "text/html")
    assert "GET" in answer.headers["Allow"]
    assert "This address does not take this method." in answer.text


def test_an_error_page_keeps_the_search_and_the_account_of_who_is_signed_in(app):
    browser = Browser(app).signed_in()
    for address in ("/recordings/REnone", "/nothing"):
        page = browser.get(address, headers=BROWSER)
        assert page.status_code == 404
        assert 'role="search"' in page.text
        assert 'action="/logout"' in page.text
    stranger = app.test_client().get("/nothing", headers=BROWSER)
    assert 'role="search"' not in stranger.text


FORMS = [
    "/logout",
    "/time-zone",
    "/recordings/search",
    "/recordings/views",
    "/recordings/RE1/notes",
    "/recordings/RE1/notes/n1",
    "/recordings/RE1/clip",
    "/recordings/RE1/played",
    "/calls/CA1/clip",
    "/calls/CA1/played",
    "/webhooks/XD1/whk_1/evt_1/send",
    "/ringcentral/sign-out",
]


@pytest.mark.parametrize("address", FORMS)
def test_a_form_that_another_site_sends_is_refused(app, address):
    browser = Browser(app).signed_in()
    for foreign in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        answer = browser.post(address, headers={**BROWSER, **foreign})
        assert answer.status_code == 403
        assert "This was not sent from a page of this service" in answer.text


def test_every_form_of_the_pages_is_among_them(app):
    programs = ("/api/", "/flex/", "/recording-analysis", "/ringcentral/webhook")
    posted = {
        re.sub(r"<\w+>", "<>", rule.rule)
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and not rule.rule.startswith(programs)
    }
    assert posted == {re.sub(r"\b(RE1|CA1|XD1|whk_1|evt_1|n1)\b", "<>", one) for one in FORMS}
