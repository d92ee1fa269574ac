"""Migrations run once, and leave a newer release's tables alone."""

from __future__ import annotations

from sqlalchemy import create_engine, text

from addon.catalogue.migrations import migrate
from tests.catalogue.recordings import found, put


def test_a_second_run_changes_nothing(url, catalogue):
    put(catalogue, 1)
    engine = create_engine(url)
    migrate(engine)
    engine.dispose()
    assert found(catalogue) == [1]


def test_tables_of_a_newer_release_are_used_as_they_are(url, catalogue):
    put(catalogue, 1)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(text("ALTER TABLE recordings ADD COLUMN newer INTEGER"))
    engine.dispose()
    catalogue.close()
    put(catalogue, 2)
    assert found(catalogue) == [1, 2]
