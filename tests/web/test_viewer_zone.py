"""The viewer's time zone: chosen, told by a script, or UTC."""

from __future__ import annotations

from datetime import UTC

import pytest
from flask import Flask

from addon.web.viewer_zone import name_of, zone_named, zone_names
from tests.web.people import Browser
from tests.web.test_pages import allow


def test_only_names_of_zones_are_zones():
    assert name_of(zone_named("Europe/Berlin")) == "Europe/Berlin"
    for name in ("", "../etc/passwd", "Nowhere/Else", "posix/Europe/Berlin", "x" * 9999):
        assert zone_named(name) is None
    assert "UTC" in zone_names() and name_of(UTC) == "UTC"


def test_a_zone_is_chosen_without_script_and_leads_back(app: Flask):
    allow(app)
    browser = Browser(app).signed_in()
    assert 'data-zone="UTC" data-zone-wanted' in browser.get("/recordings").text
    form = browser.get("/time-zone?next=/recordings?period=7d").text
    assert "<option>Asia/Kolkata</option>" in form and "<option selected>UTC</option>" in form
    sent = browser.post("/time-zone", data={"zone": "Asia/Kolkata", "next": "/recordings?x=1"})
    assert (sent.status_code, sent.headers["Location"]) == (303, "/recordings?x=1")
    page = browser.get("/recordings").text
    assert 'data-zone="Asia/Kolkata">' in page and "data-zone-wanted" not in page


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "\r\nSet-Cookie: x"])
def test_a_zone_that_nobody_knows_is_refused(app: Flask, zone):
    allow(app)
    assert Browser(app).signed_in().post("/time-zone", data={"zone": zone}).status_code == 404


def test_nobody_is_led_to_another_site(app: Flask):
    allow(app)
    browser = Browser(app).signed_in()
    sent = browser.post("/time-zone", data={"zone": "UTC", "next": "//evil.example"})
    assert sent.headers["Location"] == "/recordings"
