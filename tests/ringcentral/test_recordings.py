"""A recording's entry: its id kept plain, its address taken from RingCentral alone."""

from __future__ import annotations

import pytest

from addon.errors import Forbidden, NotFound, RingCentralUnavailable
from addon.ringcentral.recordings import Recording, checked_id, recording
from tests.ringcentral.standin import PUBLIC, says


def test_an_entry_says_where_and_how_long(api, caller, standin):
    stored = standin.record(1, duration=37)
    found = recording(api, caller, stored.id)
    assert (found.id, found.duration) == (stored.id, 37.0)
    assert found.content_uri.endswith(f"/recording/{stored.id}/content")
    assert Recording.from_json(found.to_json()) == found


def test_what_somebody_may_not_hear_and_what_is_not_there(api, caller, standin):
    standin.record(1, people={"somebody-else"})
    with pytest.raises(Forbidden):
        recording(api, caller, "5001")
    with pytest.raises(NotFound):
        recording(api, caller, "5002")


@pytest.mark.parametrize(
    "text", ["", "..", "a/b", "1?x=2", "%2e", "1#", "é", "-1", "1" * 65, "1 2", "1\n", "~"]
)
def test_an_impossible_id_is_never_asked_for(api, caller, standin, text):
    with pytest.raises(NotFound):
        recording(api, caller, text)
    assert standin.host.requests == []


def test_ids_are_left_as_they_are():
    assert checked_id("17546438231040") == "17546438231040"


@pytest.mark.parametrize("document", [{}, {"contentUri": 7}, {"contentUri": None}])
def test_an_entry_without_an_address_is_no_use(api, caller, standin, document):
    standin.trouble[f"{PUBLIC}/recording/1"] = [says(200, document)]
    with pytest.raises(RingCentralUnavailable):
        recording(api, caller, "1")


def test_a_duration_may_be_missing(api, caller, standin):
    standin.trouble[f"{PUBLIC}/recording/1"] = [says(200, {"contentUri": "u", "duration": "x"})]
    assert recording(api, caller, "1").duration is None
