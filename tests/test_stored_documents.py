"""Documents of other releases: what can be read is read, and the rest is a clear error."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from addon import stored_documents
from addon.errors import Tampered, UnreadableDocument


@dataclass(frozen=True)
class Thing:
    name: str
    size: int = 1


def test_unknown_fields_are_left_out_and_missing_ones_have_their_default():
    assert stored_documents.instance(Thing, {"name": "a", "later": [1]}, "thing") == Thing("a")


def test_a_field_that_nothing_can_replace_is_named():
    with pytest.raises(UnreadableDocument, match=r"thing.*'name'"):
        stored_documents.instance(Thing, {"size": 2}, "thing")


@pytest.mark.parametrize("document", [{}, {"version": 1}, {"version": 2}])
def test_versions_up_to_the_newest_known_are_read(document):
    stored_documents.check_version(document, "thing", 2)


@pytest.mark.parametrize("version", [3, 0, -1, "1", None, True, 1.0])
def test_another_version_is_an_error_of_its_own(version):
    with pytest.raises(UnreadableDocument, match="version") as caught:
        stored_documents.check_version({"version": version}, "thing", 2)
    assert not isinstance(caught.value, Tampered)
    assert "newest release" in caught.value.remedy


@pytest.mark.parametrize("text", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_is_unreadable(text):
    with pytest.raises(UnreadableDocument):
        stored_documents.parse(text, "thing")


def test_times_are_read_with_their_zone():
    read = stored_documents.with_moments(
        {"at": "2026-03-04T10:15:30+00:00", "to": None}, "x", "at", "to"
    )
    assert read == {"at": datetime(2026, 3, 4, 10, 15, 30, tzinfo=UTC), "to": None}


@pytest.mark.parametrize("text", ["2026-03-04T10:15:30", "yesterday", 5, {}])
def test_a_time_without_its_zone_is_none(text):
    with pytest.raises(UnreadableDocument):
        stored_documents.moment(text, "thing")


def test_a_document_is_written_without_blanks_and_its_times_with_their_zone():
    document = {"at": datetime(2026, 1, 2, tzinfo=UTC), "list": [1, None]}
    assert (
        stored_documents.compact(document) == '{"at":"2026-01-02T00:00:00+00:00","list":[1,null]}'
    )
