"""Sums that the database keeps: of what is there, whoever writes it."""

from __future__ import annotations

from sqlalchemy import create_engine, text

from addon.catalogue import Filter
from addon.catalogue.migrations import migrate
from addon.catalogue.tables import FIGURES
from tests.catalogue.recordings import MONO, ONE, OTHER, document, manifest, put


def sums(catalogue) -> set:
    with catalogue._database.begin() as connection:
        return {tuple(row) for row in connection.execute(text("SELECT * FROM sums"))}


def fill(catalogue) -> None:
    put(catalogue, 1, call={"agent": "Anna", "queue": "Sales"}, hold={"total_seconds": 4.1})
    put(catalogue, 2, call={"agent": "Anna"})
    put(catalogue, 30, OTHER)
    catalogue.write([catalogue.row(manifest(3, channels=1), MONO)])
    catalogue.write([catalogue.row(manifest(4), None)])


def test_what_comes_and_goes_leaves_the_sums_that_were_there(catalogue):
    assert sums(catalogue) == set()
    fill(catalogue)
    before = sums(catalogue)
    put(catalogue, 5, call={"agent": "Ben", "queue": "Sales"})
    catalogue.write([catalogue.row(manifest(4), document())])
    assert sums(catalogue) != before
    catalogue.remove(ONE, [manifest(number).recording_id for number in (4, 5)])
    catalogue.write([catalogue.row(manifest(4), None)])
    assert sums(catalogue) == before
    catalogue.remove(ONE, [manifest(number).recording_id for number in range(1, 5)])
    catalogue.remove(OTHER, [manifest(30).recording_id])
    assert sums(catalogue) == set()


def test_the_migration_sums_up_what_the_release_before_has_written(url, catalogue):
    fill(catalogue)
    live = sums(catalogue)
    totals = catalogue.totals(Filter(), [ONE, OTHER])
    catalogue.close()
    engine = create_engine(url)
    of_table = " ON recordings" if engine.dialect.name == "postgresql" else ""
    with engine.begin() as connection:
        for event in ("insert", "delete"):
            connection.execute(text(f"DROP TRIGGER sums_{event}{of_table}"))
            if of_table:
                connection.execute(text(f"DROP FUNCTION sums_{event}()"))
        connection.execute(text("DROP TABLE sums"))
        for name in FIGURES:
            connection.execute(text(f"DROP INDEX recordings_by_{name}"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    migrate(engine)
    engine.dispose()
    assert sums(catalogue) == live
    assert catalogue.totals(Filter(), [ONE, OTHER]) == totals
