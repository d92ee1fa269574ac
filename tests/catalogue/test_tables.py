"""The tables hold figures under the result's own names, and nothing else that is named so."""

from __future__ import annotations

import json
from pathlib import Path

from addon.catalogue.tables import FIGURES, SECONDS, recordings

SCHEMA = json.loads(Path("docs/result.schema.json").read_text(encoding="utf-8"))


def test_seconds_and_ratios_are_named_as_in_the_result():
    text = json.dumps(SCHEMA)
    own = {"hold_seconds", "interruptions", "agent_interruptions", "customer_interruptions"}
    own |= {"agent_sentiment", "customer_sentiment"}
    assert [name for name in FIGURES if name not in own and f'"{name}"' not in text] == []
    assert all(name.endswith("_seconds") for name in SECONDS)


def test_every_figure_may_be_unknown():
    assert all(recordings.c[name].nullable for name in FIGURES)
