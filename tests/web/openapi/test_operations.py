"""One declaration of an operation: its query is checked, and the view is called with the values."""

from __future__ import annotations

import inspect
from typing import Annotated

import pytest
from flask import Flask
from pydantic import Field

from addon.errors import InvalidParameter
from addon.web.openapi.operations import Answer, Operation, parameters

Few = Annotated[int, Field(ge=1, le=3, description="A few.")]


@Operation("count", "Tests", {200: Answer("The number.", int)})
def count(name: str, *, few: Few = 2, more: Few | None = None, required: str):
    return {"found": [name, few, more, required]}


def asked(query: str):
    with Flask(__name__).test_request_context(f"/?{query}"):
        return count(name="a")


def found(query: str):
    return asked(query).get_json()["found"]


def test_a_view_gets_what_was_asked_for_and_its_own_defaults_else():
    assert found("required=x") == ["a", 2, None, "x"]
    assert found("required=x&few=1&more=3&unknown=9") == ["a", 1, 3, "x"]


def test_a_document_is_json_that_no_cache_may_keep():
    answer = asked("required=x")
    assert (answer.mimetype, answer.headers["Cache-Control"]) == ("application/json", "no-store")


def test_of_a_repeated_parameter_the_first_counts():
    assert found("required=x&few=1&few=3") == ["a", 1, None, "x"]


@pytest.mark.parametrize("query", ["few=0", "few=4", "few=x", "few=", "more=None", "more=1.5"])
def test_a_fault_names_its_parameter_and_repeats_nothing_of_its_value(query):
    with pytest.raises(InvalidParameter) as caught:
        asked(f"required=secret&{query}")
    name, _, value = query.partition("=")
    assert caught.value.message.startswith(f"{name}: ")
    assert "secret" not in caught.value.message
    assert not value or f"{value}'" not in caught.value.message


def test_a_parameter_without_a_default_has_to_be_given():
    with pytest.raises(InvalidParameter, match=r"^required: "):
        asked("few=1")


def test_the_description_has_the_limits_that_are_checked():
    schema = parameters(count, inspect.Parameter.KEYWORD_ONLY).model_json_schema()
    few = schema["properties"]["few"]
    assert (few["minimum"], few["maximum"], few["default"]) == (1, 3, 2)
    assert schema["required"] == ["required"]


def test_the_path_is_described_apart_from_the_query():
    schema = parameters(count, inspect.Parameter.POSITIONAL_OR_KEYWORD).model_json_schema()
    assert list(schema["properties"]) == ["name"]
