"""The catalogue as its users meet it: nothing personal in it, and words where it is away."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from addon.catalogue import Catalogue, Filter, Sort
from addon.catalogue.database import Database
from addon.catalogue.search_tokens import Tokens
from addon.errors import CatalogueUnavailable
from addon.settings import Settings
from tests.catalogue.conftest import KEY
from tests.catalogue.recordings import ONE, OTHER, contents, put, sid

PERSONAL = {
    "from": "+14155550123",
    "to": "+491711234567",
    "agent": "Anna Muller",
    "queue": "Complaints",
    "outcome": "Refunded",
}


def test_nothing_personal_lies_in_the_database(catalogue, tmp_path):
    put(catalogue, 1, call=PERSONAL, said="my name is Josephine")
    held = str(contents(catalogue)).lower()
    for secret in ("4155550123", "1234567", "anna", "muller", "complaints", "refund", "josephine"):
        assert secret not in held
    catalogue.close()
    for file in tmp_path.glob("catalogue.sqlite3*"):
        assert b"josephine" not in file.read_bytes().lower()


def test_what_is_erased_is_overwritten_in_the_file(sqlite):
    catalogue = Catalogue(Database(sqlite), Tokens(KEY))
    put(catalogue, 1)
    catalogue.remove(ONE, [sid("RE", 1)])
    catalogue.close()
    assert sid("RE", 1).encode() not in Path(str(sqlite.database)).read_bytes()


def test_recordings_are_found_by_install_and_id(catalogue):
    put(catalogue, 1)
    put(catalogue, 1, OTHER)
    put(catalogue, 2, OTHER)
    asked = [(ONE, sid("RE", 1)), (ONE, sid("RE", 2)), (OTHER, sid("RE", 2))]
    assert set(catalogue.find(asked)) == {(ONE, sid("RE", 1)), (OTHER, sid("RE", 2))}
    assert catalogue.installs() == [ONE, OTHER]
    assert catalogue.find([]) == {}


def test_without_a_key_there_is_none():
    with pytest.raises(CatalogueUnavailable, match="CATALOGUE_KEY is unset"):
        Catalogue.from_settings(Settings())


def test_a_file_that_is_no_database_is_said(sqlite):
    Path(str(sqlite.database)).write_bytes(b"no database" * 1000)
    catalogue = Catalogue(Database(sqlite), Tokens(KEY))
    with pytest.raises(CatalogueUnavailable, match="does not answer"):
        catalogue.page(Filter(), Sort(), None, 1, [ONE])


def test_a_locked_database_is_read_and_not_waited_for_long(sqlite, monkeypatch):
    monkeypatch.setattr("addon.catalogue.database._PRAGMAS", ("journal_mode=WAL", "busy_timeout=1"))
    catalogue = Catalogue(Database(sqlite), Tokens(KEY))
    put(catalogue, 1)
    other = sqlite3.connect(str(sqlite.database))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(CatalogueUnavailable):
        put(catalogue, 2)
    assert len(catalogue.page(Filter(), Sort(), None, 9, [ONE]).recordings) == 1
    other.close()
    catalogue.close()
