"""Alembic's migrations of the catalogue, run by the first process that opens the database.

Two releases run side by side: a migration only adds what the release before can do without.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, inspect, text

KNOWN = ("0001", "0002")
HEAD = KNOWN[-1]
"""The newest migration that this release knows."""

LOCK = 7_320_115
"""Postgres' advisory lock, so that one process migrates at a time."""


def migrate(engine: Engine) -> None:
    """Bring the tables up to HEAD; those of a newer release are left as they are."""
    if _version(engine) in (None, *KNOWN[:-1]):
        _upgrade(engine)


def _version(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return version


def _upgrade(engine: Engine) -> None:
    from alembic import command  # 0.2 s of imports that only a migration needs
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0"))  # of a large index
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        else:
            connection.connection.driver_connection.isolation_level = None  # type: ignore[union-attr]
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        config.attributes["connection"] = connection
        command.upgrade(config, HEAD)
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("COMMIT")
        connection.commit()
    engine.dispose()
