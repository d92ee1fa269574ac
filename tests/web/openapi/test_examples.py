"""The examples of /openapi.json: valid, of the present code, and beside every answer."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from addon.settings import Settings
from tests.web.documented import API
from tests.web.openapi import examples
from tests.web.test_docs import paths

ANSWERS = [
    (operation["operationId"], operation["responses"][status]["content"]["application/json"])
    for path, methods in API["paths"].items()
    for operation in methods.values()
    for status in ("200", "201")
    if path.startswith("/api/")
    and "application/json" in operation["responses"].get(status, {}).get("content", {})
]


@pytest.mark.parametrize(("name", "content"), ANSWERS, ids=[name for name, _ in ANSWERS])
def test_an_answer_has_an_example_that_is_valid(name: str, content: dict[str, Any]):
    schema = content["schema"] | {"components": API["components"]}
    Draft202012Validator(schema).validate(content["example"])


def test_the_examples_are_what_the_code_answers(settings: Settings, redis_server: object):
    made = examples.answers(settings)
    known = examples.stored()
    assert set(made) == set(known)
    for name, document in made.items():
        assert paths(document) == paths(known[name]), name


def test_no_example_has_a_working_secret_or_link():
    text = examples.FILE.read_text()
    for word in ("whsec_", "/media/"):
        for following in text.split(word)[1:]:
            assert (word + following).startswith((examples.SECRET, "/media/" + examples.LINK))
