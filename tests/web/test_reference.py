"""Tables of the reference pages: every field and code of the code itself, in its own words."""

from __future__ import annotations

from addon import errors
from addon.web import docs, reference
from addon.web.formats import FLAGS


def test_units_follow_from_names():
    units = {field.path: field.unit for field in reference.fields(docs.schema())}
    person = "result.participants[]"
    assert units["result.audio.sample_rate_hz"] == "hertz"
    assert units[f"{person}.level.snr_db"] == "dB"
    assert units[f"{person}.level.peak_dbfs"] == "dBFS"
    assert units[f"{person}.response_latency_seconds.median"] == "seconds"
    assert units["result.conversation.hold.intervals"] == "seconds"
    assert units["result.audio.channels"] == ""


def test_every_null_with_a_reason_is_marked():
    fields = {field.path: field for field in reference.fields(docs.schema())}
    assert fields["result.conversation.crosstalk_seconds"].explained
    assert not fields["result.conversation.silence_seconds"].nullable
    assert all(field.nullable for field in fields.values() if field.explained)


def test_every_field_has_a_meaning():
    """But those of another vendor's format, which that vendor explains."""
    unexplained = [
        field.path
        for field in reference.fields(docs.schema())
        if not field.text and "call_analytics" not in field.path
    ]
    assert unexplained == []


def test_codes_are_unique():
    numbers = [kind.code for table in reference.CODES for kind in table.kinds]
    assert len(numbers) == len(set(numbers))


def test_the_reference_does_not_cite_what_readers_do_not_have():
    assert "(spec/" in (errors.InputConflict.__doc__ or "")
    texts = [reference.meaning(kind) for table in reference.CODES for kind in table.kinds]
    assert not [text for text in texts if "spec/" in text]


def test_every_flag_of_the_schema_has_a_name_on_pages():
    flags = next(f for f in reference.fields(docs.schema()) if f.path == "result.flags")
    assert set(flags.choices) == set(FLAGS)


def test_a_list_and_an_object_come_before_what_is_in_them():
    schema = {
        "properties": {
            "people": {"type": "array", "items": {"$ref": "#/$defs/person"}},
            "kind": {"type": ["string", "null"], "enum": ["a", "b"]},
            "kind_reason": {"type": "string"},
            "span": {"anyOf": [{"type": "null"}, {"type": "object", "properties": {"x_db": {}}}]},
        },
        "$defs": {"person": {"type": "object", "properties": {"talk_seconds": {"type": "number"}}}},
    }
    found = {field.path: field for field in reference.fields(schema)}
    assert list(found) == ["people", "people[].talk_seconds", "kind", "span", "span.x_db"]
    assert (found["people"].kind, found["people[].talk_seconds"].unit) == ("list", "seconds")
    assert (found["kind"].choices, found["kind"].nullable) == (("a", "b"), True)
    assert found["kind"].explained and found["span"].nullable
