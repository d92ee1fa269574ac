"""The documents' shapes as /openapi.json has them."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator, ValidationError
from pydantic import TypeAdapter

from addon.web import schemas
from tests.web.documented import API

COMPONENTS = API["components"]["schemas"]


def test_fields_that_may_be_missing_are_not_required():
    assert COMPONENTS["Redaction"]["required"] == ["status"]
    assert "analysis_reason" not in COMPONENTS["AnalysedRecording"]["required"]
    assert COMPONENTS["Problem"]["required"] == ["type", "title", "status", "detail"]


def test_an_analysed_recording_has_every_field_of_a_recording():
    analysed = COMPONENTS["AnalysedRecording"]
    recording = TypeAdapter(schemas.Recording).json_schema()
    assert recording["properties"].keys() <= analysed["properties"].keys()
    assert set(analysed["required"]) - set(recording["required"]) == {
        "analysis",
        "call",
        "legal_hold",
    }


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (schemas.Seconds, [None, 0, 1.5], [-1, "1"]),
        (schemas.Time, [None, "2026-11-20T23:59:58.000+00:00"], [1]),
        (schemas.Hash, ["0a" * 32], ["0A" * 32, None]),
        (schemas.Id, ["RE1", "a.b-c_d"], ["", ".x", "x" * 65]),
    ],
)
def test_a_field_s_form_admits_what_it_should_and_nothing_else(kind, good, bad):
    validator = Draft202012Validator(TypeAdapter(kind).json_schema())
    for value in good:
        validator.validate(value)
    for value in bad:
        with pytest.raises(ValidationError):
            validator.validate(value)
