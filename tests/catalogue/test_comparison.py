"""The comparison finds what is missing and what is too much, and takes what is new for neither."""

from __future__ import annotations

import pytest

from addon.catalogue import Filter, Sort
from addon.catalogue.comparison import Comparison
from tests.archive.recordings import RECORDING, TENANT, archived, facts
from tests.catalogue.recordings import contents, document, put


@pytest.fixture
def archive(services):
    return services.archive


def compared(archive, catalogue, most: int = 100) -> Comparison:
    comparison = Comparison(archive, catalogue, {facts().request_sid: 64401}.get)
    assert comparison.run(most) is (comparison.added < most)
    return comparison


def state(catalogue) -> list[tuple[str, str, int | None]]:
    page = catalogue.page(Filter(), Sort(), None, 100, [TENANT])
    return [(one.recording_id, one.state, one.code) for one in page.recordings]


def test_what_is_missing_comes_without_figures(archive, catalogue):
    archived(archive, b"x", analysis=document())
    archived(archive, b"x", recording_id="REfailed")
    assert compared(archive, catalogue).added == 2
    assert sorted(state(catalogue)) == [
        (RECORDING, "unknown", None),
        ("REfailed", "failed", 64401),
    ]
    assert catalogue.status([TENANT]).compared_at is not None
    assert compared(archive, catalogue).added == 0


def test_what_has_no_manifest_goes_of_every_day_and_install(archive, catalogue):
    archived(archive, b"x", analysis=document())
    put(catalogue, 1)
    put(catalogue, 5, TENANT)
    comparison = compared(archive, catalogue)
    assert (comparison.added, comparison.removed) == (1, 2)
    assert len(contents(catalogue)["recordings"]) == 1


def test_a_recording_that_is_there_without_its_entry_stays(archive, catalogue):
    """Its entries are just being written: the manifest comes first."""
    made = archived(archive, b"x", analysis=document())
    catalogue.write([catalogue.row(made, document())])
    for prefix in ("days/", "ids/", "calls/"):
        for stat in list(archive.store.list(prefix)):
            archive.store.delete(stat.key)
    assert compared(archive, catalogue).removed == 0


def test_no_more_are_added_at_a_time_than_was_said(archive, catalogue):
    for number in range(3):
        archived(archive, b"x", recording_id=f"RE{number}", analysis=document())
    comparison = Comparison(archive, catalogue, lambda _: None)
    assert comparison.run(2) is False
    assert comparison.added == 2
    assert catalogue.status([TENANT]).compared_at is None


def test_a_planted_entry_adds_nothing(archive, catalogue):
    archived(archive, b"x", analysis=document())
    archive.store.put(f"days/{TENANT}/2026-11-20/000000-REplanted", ())
    assert compared(archive, catalogue).added == 1
