"""Writing: a recording stands once, as the newest that is known of it."""

from __future__ import annotations

from dataclasses import replace

from addon.catalogue import Filter, Sort, writing
from addon.catalogue.row import Row
from tests.catalogue.recordings import ONE, contents, document, found, manifest, put


def test_a_newer_generation_replaces_an_older_with_its_words(catalogue):
    put(catalogue, 1, said="secret words")
    again = catalogue.row(manifest(1, generation=2), document("other things"))
    catalogue.write([again])
    assert found(catalogue, words="secret") == []
    assert found(catalogue, words="things") == [1]
    assert len(contents(catalogue)["recordings"]) == 1


def test_an_older_generation_that_comes_late_changes_nothing(catalogue):
    catalogue.write([catalogue.row(manifest(1, generation=2), document("newer"))])
    catalogue.write([catalogue.row(manifest(1), document("older"))])
    assert found(catalogue, words="newer") == [1]


def test_what_is_known_is_not_replaced_by_what_is_not(catalogue):
    put(catalogue, 1)
    catalogue.write([catalogue.row(manifest(1), None)])
    assert found(catalogue, state="analysed") == [1]


def test_two_recordings_with_one_id_are_both_there(catalogue):
    rows = [catalogue.row(manifest(number), document()) for number in (1, 2)]
    same = [Row({**row.values, "id": rows[0].values["id"]}, row.tokens) for row in rows]
    catalogue.write(same[:1])
    catalogue.write(same[1:])
    assert len(catalogue.page(Filter(), Sort(), None, 9, [ONE]).recordings) == 2
    catalogue.write(same)
    assert len(contents(catalogue)["recordings"]) == 2


def test_many_are_written_at_once(catalogue):
    rows = [catalogue.row(manifest(number), document("a few words")) for number in range(700)]
    catalogue.write([*rows, replace(rows[0])])
    assert len(contents(catalogue)["recordings"]) == 700
    catalogue.remove(ONE, [row.values["recording_id"] for row in rows])
    assert contents(catalogue) == {"recordings": set(), "tokens": set(), "token_lists": set()}


def test_of_two_that_set_a_fact_at_once_the_first_counts_and_neither_fails(catalogue):
    """Both have seen that there is none: two processes that open a new database do."""
    with catalogue._database.begin() as connection:
        assert writing.first_fact(connection, "key", "first") == "first"
        assert writing.first_fact(connection, "key", "second") == "first"
        writing.put_fact(connection, "key", "third")
        writing.put_fact(connection, "key", "fourth")
        assert writing.fact(connection, "key") == "fourth"
