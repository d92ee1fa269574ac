"""The time of the last look: what somebody plants leaves no recording out."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from addon.archive.configured import control_signer
from addon.archive.prefixes import FLEX_RECONCILED, RINGCENTRAL_LOOKED
from addon.errors import UnreadableDocument
from workers.last_look import KIND, looked_until, record_look

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
KEY = f"{FLEX_RECONCILED}AC1.json"


def test_a_look_is_known_by_its_own_source_alone(services):
    assert looked_until(services, KEY) is None
    record_look(services, KEY, NOW)
    record_look(services, KEY, NOW + timedelta(hours=1))
    assert looked_until(services, KEY) == NOW + timedelta(hours=1)
    assert looked_until(services, RINGCENTRAL_LOOKED) is None


@pytest.mark.parametrize("kind", ["unsigned", "garbage", "empty", "moved", "another kind"])
def test_what_is_planted_counts_as_no_look_and_the_next_one_replaces_it(services, kind):
    later = {"version": 1, "until": (NOW + timedelta(days=99)).isoformat()}
    signer = control_signer(services.settings)
    content = {
        "unsigned": json.dumps(later).encode(),
        "garbage": b"\xff",
        "empty": b"",
        "moved": signer.sign(KIND, RINGCENTRAL_LOOKED, later),
        "another kind": signer.sign("outcome", KEY, later),
    }[kind]
    services.store.put(KEY, [content])
    assert looked_until(services, KEY) is None
    record_look(services, KEY, NOW)
    assert looked_until(services, KEY) == NOW


def test_a_look_of_a_newer_release_is_refused(services):
    content = control_signer(services.settings).sign(KIND, KEY, {"version": 2})
    services.store.put(KEY, [content])
    with pytest.raises(UnreadableDocument):
        looked_until(services, KEY)
