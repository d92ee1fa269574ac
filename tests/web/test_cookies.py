"""Cookies of people: as strict as the address allows, and each kind apart from the others."""

from __future__ import annotations

from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

from addon.web.cookies import Cookies


def request_with(cookie: str) -> Request:
    return Request(EnvironBuilder(headers={"Cookie": cookie}).get_environ())


def set_cookies(cookies: Cookies) -> list[str]:
    response = Response()
    cookies.remember_sign_in(response, "0123", "b")
    cookies.remember_session(response, "t")
    cookies.remember_sign_out(response, "o")
    cookies.ask_again(response, wanted=True)
    found = response.headers.getlist("Set-Cookie")
    assert len(found) == 4
    return found


def test_cookies_over_https_are_bound_to_the_host():
    for cookie in set_cookies(Cookies(secure=True)):
        assert cookie.startswith("__Host-recordings-")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
        assert "Domain" not in cookie


def test_cookies_over_http_are_as_strict_as_they_can_be():
    for cookie in set_cookies(Cookies(secure=False)):
        assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
        assert "Secure" not in cookie


def test_a_cookie_of_the_other_kind_is_not_read():
    request = request_with("recordings-session=t")
    assert Cookies(secure=True).session(request) is None
    assert Cookies(secure=False).session(request) == "t"


def test_forgetting_empties_the_cookie():
    response = Response()
    cookies = Cookies(secure=True)
    cookies.forget_session(response)
    cookies.forget_sign_in(response, "0123")
    cookies.forget_sign_out(response)
    cookies.ask_again(response, wanted=False)
    found = response.headers.getlist("Set-Cookie")
    assert len(found) == 4
    for cookie in found:
        assert "=;" in cookie and "Max-Age=0" in cookie


def test_every_sign_in_under_way_is_found_by_its_name():
    cookies = Cookies(secure=False)
    request = request_with(
        "recordings-sign-in-a=1; ringcentral-sign-in-b=2; recordings-sign-in-c=3"
    )
    assert dict(cookies.sign_ins(request)) == {"a": "1", "c": "3"}
    assert cookies.sign_in(request, "c") == "3"
    assert cookies.sign_in(request, "b") is None
