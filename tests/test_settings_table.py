"""The table of settings: every row explains itself, and secrets are marked."""

from __future__ import annotations

import re

import pytest

from addon.settings import Settings
from tests.settings_pages import EXAMPLE, rows


def test_every_setting_is_explained_in_whole_sentences():
    for row in rows():
        assert row.text.endswith("."), row.variable
        assert "|" not in row.text + row.default + row.example, row.variable


def test_every_variable_is_a_line_of_the_example():
    lines = re.findall(r"(?m)^# ([A-Z0-9_]+)=", EXAMPLE.read_text(encoding="utf-8"))
    own = [name for name in lines if not name.startswith("AWS_")]
    assert own == [name.upper() for name in Settings.model_fields]


@pytest.mark.parametrize(
    "word", ["TOKEN", "SECRET", "PRIVATE", "DSN", "JWT", "SIGNING", "CREDENTIAL"]
)
def test_what_is_called_a_secret_is_marked_as_one(word):
    assert {row.variable for row in rows() if word in row.variable and not row.secret} == set()
