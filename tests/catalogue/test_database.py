"""The database: found by its address, made by whoever comes first, never waited for."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import URL

from addon.catalogue import Catalogue
from addon.catalogue.database import Database, url_of
from addon.catalogue.search_tokens import Tokens
from addon.errors import CatalogueUnavailable, SettingsError
from addon.settings import Settings
from tests.catalogue.conftest import KEY
from tests.catalogue.recordings import contents, put
from tests.child import Children

PER_PROCESS = 20


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_herokus_address_is_taken(scheme):
    url = url_of(Settings(database_url=f"{scheme}://u:p@db.example.com:5432/d"))
    assert (url.drivername, url.host, url.database) == ("postgresql+psycopg", "db.example.com", "d")


def test_without_an_address_it_is_a_file_under_data_dir(tmp_path: Path):
    url = url_of(Settings(data_dir=tmp_path))
    assert url.database == str(tmp_path / "catalogue.sqlite3")


@pytest.mark.parametrize("text", ["mysql://host/db", "nonsense", "sqlite:///x"])
def test_another_address_is_refused_without_being_repeated(text):
    with pytest.raises(SettingsError, match=r"^DATABASE_URL") as error:
        url_of(Settings(database_url=text))
    assert text not in error.value.message


def test_a_postgres_that_is_not_there_is_said():
    database = Database(url_of(Settings(database_url="postgresql://u@127.0.0.1:1/d")))
    with pytest.raises(CatalogueUnavailable, match="does not answer"), database.begin():
        pass


def fill(url: URL, first: int) -> None:
    """A process that writes its own recordings."""
    catalogue = Catalogue(Database(url), Tokens(KEY))
    for number in range(first, first + PER_PROCESS):
        put(catalogue, number, said="a few words of this call")
    catalogue.close()


def test_many_processes_make_and_fill_one_database(url: URL, children: Children, catalogue):
    started = [children.start(fill, url, 100 * number) for number in range(4)]
    for process in started:
        process.join(60)
        assert process.exitcode == 0
    assert len(contents(catalogue)["recordings"]) == 4 * PER_PROCESS
