"""A catalogue in each database: SQLite in a test's own folder, and a real Postgres."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from addon.catalogue import Catalogue
from addon.catalogue.database import SQLITE_NAME, Database, url_of
from addon.catalogue.search_tokens import Tokens
from addon.settings import Settings
from tests.catalogue.postgres import empty, running_postgres

KEY = bytes(range(32))


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """The URL of a Postgres that this run started."""
    with running_postgres() as url:
        yield url


@pytest.fixture
def postgres(cluster: str) -> str:
    """The same, with nothing in it."""
    empty(cluster)
    return cluster


@pytest.fixture
def sqlite(tmp_path: Path) -> URL:
    """A file that is not there yet."""
    return URL.create("sqlite", database=str(tmp_path / SQLITE_NAME))


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> URL:
    """The address of each database."""
    if request.param == "sqlite":
        address: URL = request.getfixturevalue("sqlite")
        return address
    return url_of(Settings(database_url=request.getfixturevalue("postgres")))


@pytest.fixture
def catalogue(url: URL) -> Iterator[Catalogue]:
    """An empty catalogue."""
    made = Catalogue(Database(url), Tokens(KEY))
    yield made
    made.close()
