"""Entries of a view: from the catalogue, and without it as far as the store's index goes."""

from __future__ import annotations

from typing import Any

from addon.errors import CatalogueUnavailable
from addon.factory import create_app
from tests.web.people import context_of
from tests.web.test_lists import at, catalogue, catalogued, shown
from tests.web.test_pages import allow, put

__all__ = ["catalogued"]  # a fixture


def test_without_the_catalogue_the_list_goes_on_and_says_so(catalogued, monkeypatch):
    name = catalogue(catalogued)

    def away(*_: Any, **__: Any) -> None:
        raise CatalogueUnavailable("the catalogue does not answer (OperationalError)")

    for method in ("page", "totals", "status"):
        monkeypatch.setattr(context_of(catalogued).catalogue, method, away)
    page = at(catalogued).get("/recordings")
    assert page.status_code == 200 and shown(page.text) == [name]
    assert "The catalogue cannot be asked just now" in page.text
    assert 'id="day"' in page.text and "hold_seconds_over" not in page.text
    assert at(catalogued).get("/recordings.csv").status_code == 503
    overview = at(catalogued).get("/overview")
    assert overview.status_code == 200 and "The catalogue cannot be asked" in overview.text


def test_while_the_catalogue_is_being_made_the_whole_list_is_shown_without_it(settings):
    app = create_app(settings.replace(catalogue_key=b"k" * 32))
    allow(app)
    missing, found = put(context_of(app).archive), catalogue(app, 1)
    page = at(app).get("/recordings").text
    assert "The catalogue is being made" in page and set(shown(page)) == {missing, found}
    page = at(app).get("/recordings?agent=Ada").text
    assert "The catalogue is being made" in page and shown(page) == [found]


def test_without_the_catalogue_a_search_finds_nothing_rather_than_everything(app):
    allow(app)
    put(context_of(app).archive)
    page = at(app).get("/recordings?q=RE22").text
    assert shown(page) == [] and "The catalogue cannot be asked" in page
