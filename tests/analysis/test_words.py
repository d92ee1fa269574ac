"""Hints are read from the texts of two settings."""

import pytest

from addon.analysis.words import Hints


@pytest.mark.parametrize(
    ("language", "vocabulary", "hints"),
    [
        ("auto", "", Hints()),
        ("de", "parcel desk; Robinson;", Hints("de", ("parcel desk", "Robinson"))),
    ],
)
def test_hints_of_settings(language, vocabulary, hints):
    assert Hints.of(language, vocabulary) == hints
