"""The first migration makes the tables that the code knows."""

from __future__ import annotations

from sqlalchemy import create_engine, inspect

from addon.catalogue.migrations import KNOWN
from addon.catalogue.tables import metadata
from tests.catalogue.recordings import put


def test_migrations_make_the_tables_that_the_code_knows(url, catalogue):
    put(catalogue, 1)
    engine = create_engine(url)
    made = inspect(engine)
    assert set(made.get_table_names()) == {"alembic_version", *metadata.tables}
    for table in metadata.sorted_tables:
        found = {
            one["name"]: (one["nullable"], str(one["type"])) for one in made.get_columns(table.name)
        }
        dialect = engine.dialect
        assert found == {
            column.name: (bool(column.nullable), column.type.compile(dialect))
            for column in table.columns
        }
        indexes = {index["name"]: index["column_names"] for index in made.get_indexes(table.name)}
        assert {
            index.name: index.columns.keys() for index in table.indexes
        }.items() <= indexes.items()
    engine.dispose()
    assert KNOWN[0] == "0001"
