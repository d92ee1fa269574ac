"""The site for installing developers says what the code does: fields, codes, examples, limits."""

from __future__ import annotations

import json
import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import jsonschema
import pytest
from flask import Flask

from addon.errors import AddonError
from addon.factory import create_app
from addon.web import docs, reference
from tests.web import examples
from tests.web.people import Browser

ADDRESSES = [f"/docs/{page}" if page else "/docs" for page in docs.PAGES]
ABSTRACT = {"AddonError"}
"""Never raised itself: it has no page."""


@pytest.fixture(scope="module")
def made() -> dict[str, dict[str, Any]]:
    """Every example made again by the present code."""
    recordings = examples.recordings()
    return {name: examples.document(recordings[name]) for name in docs.EXAMPLES}


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app)


class Text(HTMLParser):
    """A page's text, and the ids and addresses in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text, self.ids, self.links = "", set(), set()
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        if found.get("id"):
            self.ids.add(found["id"])
        if tag == "a" and found.get("href"):
            self.links.add(found["href"])

    def handle_data(self, data: str) -> None:
        self.text += data.replace("\u200b", "")


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_page_is_there_for_everybody(browser, address):
    page = browser.get(address)
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert not re.search(r'\sstyle=|<script(?! type="module" src="/static/)', page.text)


def test_every_link_within_the_site_leads_somewhere(browser):
    pages = {address: Text(browser.get(address).text) for address in ADDRESSES}
    for page in pages.values():
        for link in page.links:
            target, _, anchor = link.partition("#")
            if target in pages:
                assert not anchor or anchor in pages[target].ids, link
            elif target.startswith("/docs"):
                assert browser.get(target).status_code == 200, link


@pytest.mark.parametrize("address", ["/docs/x", "/docs/../app.py", "/docs/examples/x.json"])
def test_what_is_not_there_is_not_found(browser, address):
    assert browser.get(address).status_code == 404


def test_every_field_of_the_result_is_documented(browser):
    text = Text(browser.get("/docs/result").text).text
    missing = [field.path for field in reference.fields(docs.schema()) if field.path not in text]
    assert missing == []


def paths(document: Any, path: str = "") -> set[str]:
    """Every path of a document, as the reference writes them."""
    if isinstance(document, list):
        return {found for one in document for found in paths(one, f"{path}[]")}
    if not isinstance(document, dict):
        return set()
    own = {f"{path}.{name}".lstrip(".") for name in document}
    inner = (paths(value, f"{path}.{name}".lstrip(".")) for name, value in document.items())
    return own.union(*inner)


@pytest.mark.parametrize("name", docs.EXAMPLES)
def test_every_field_that_the_code_answers_with_is_documented(made, name):
    known = {field.path for field in reference.fields(docs.schema())}
    answered = {path.removesuffix("_reason") for path in paths(made[name])}
    assert answered <= known


def test_every_error_code_is_documented_once_with_a_remedy(browser):
    kinds = [kind for kind in reference.family(AddonError) if kind.__name__ not in ABSTRACT]
    listed = [kind for table in reference.CODES for kind in table.kinds]
    assert sorted(map(str, listed)) == sorted(map(str, kinds))
    page = Text(browser.get("/docs/errors").text)
    for kind in listed:
        assert str(kind.code) in page.text and kind.__name__ in page.ids
        assert reference.meaning(kind) and kind.remedy
        assert kind.remedy.replace("`", "") in page.text


@pytest.mark.parametrize("name", docs.EXAMPLES)
def test_an_example_is_valid_under_the_schema(name):
    jsonschema.validate(docs.example(name), docs.schema())


@pytest.mark.parametrize("name", docs.EXAMPLES)
def test_an_example_is_what_the_code_answers(made, name):
    """To the figure, but for the last digits, which differ between processors.

    Where this fails, the analysis has changed: `python -m tests.web.examples` makes them again.
    """
    assert alike(docs.example(name), json.loads(json.dumps(made[name])))


def alike(kept: Any, fresh: Any) -> bool:
    if isinstance(kept, dict):
        same = isinstance(fresh, dict) and kept.keys() == fresh.keys()
        return same and all(alike(kept[key], fresh[key]) for key in kept)
    if isinstance(kept, list):
        same = isinstance(fresh, list) and len(kept) == len(fresh)
        return same and all(map(alike, kept, fresh))
    if isinstance(kept, float) and isinstance(fresh, float):
        return abs(kept - fresh) <= 0.051
    return type(kept) is type(fresh) and (kept == fresh or is_hash(kept, fresh))


def is_hash(*texts: Any) -> bool:
    return all(re.fullmatch("[0-9a-f]{64}", str(text)) for text in texts)


def test_the_examples_show_what_they_are_there_for():
    told = {name: docs.example(name) for name in docs.EXAMPLES}
    assert [p["role"] for p in told["dual"]["result"]["participants"]] == ["customer", "agent"]
    assert told["mono"]["result"]["conversation"]["crosstalk_seconds_reason"]
    assert "one_sided" in told["one-sided"]["result"]["flags"]
    assert "no_speech" in told["silent"]["result"]["flags"]
    assert told["unreadable"]["status"] == "failed" and told["unreadable"]["code"] == 64401


def test_an_example_on_the_page_is_the_example(browser):
    page = unescape(browser.get("/docs/examples").text)
    for name in docs.EXAMPLES:
        text = json.dumps(docs.example(name)["request_sid"])
        assert text in page
        assert browser.get(f"/docs/examples/{name}.json").json == docs.example(name)


def test_the_schema_is_served_for_validators(browser):
    answer = browser.get("/docs/result.schema.json")
    assert answer.mimetype == "application/schema+json"
    assert json.loads(answer.text) == docs.schema()


def test_the_limits_are_those_of_this_deployment(browser):
    text = Text(browser.get("/docs/limits").text).text
    assert "512 MiB" in text and "15 minutes" in text


def test_the_handling_of_data_is_that_of_this_deployment(browser):
    assert "sets no retention" in browser.get("/docs/data").text


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("on", "says that digits may remain."),
        ("required", "nobody can play or download it here"),
        ("off", "this deployment has the muting switched off"),
    ],
)
def test_the_data_page_says_what_becomes_of_key_tones(settings, value, said):
    app = create_app(settings.replace(redact_dtmf=value))
    assert said in Browser(app).get("/docs/data").text


def test_json_is_coloured_without_changing_it():
    document = {"a": [1.5, 2], "b": 'with "quotes" & <tags>', "c": None, "d": {"e": -0.5}}
    markup = str(docs.coloured(document))
    assert json.loads(unescape(re.sub(r"</?i[^>]*>", "", markup))) == document
    assert '<i class="k">' in markup and "<tags>" not in markup


def test_names_in_sentences_are_code():
    assert docs.marked("Where `a<b` is, <i>") == "Where <code>a&lt;b</code> is, &lt;i&gt;"
