"""The catalogue's database: SQLite under DATA_DIR, or Postgres at DATABASE_URL.

Nothing waits for it for long: every way in which it may fail is CatalogueUnavailable.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from addon.errors import CatalogueUnavailable, SettingsError
from addon.settings import Settings

SQLITE_NAME = "catalogue.sqlite3"

WAIT_S = 1.0
"""A write waits so long for another one: each takes a millisecond or two."""

STATEMENT_MS = 5000
"""Longer no statement may take; the slowest at 200,000 recordings takes a tenth of a second."""

CONNECT_S = 2

THREADS = 16
"""Of a web process: each may have a connection to SQLite, which costs nothing."""

POSTGRES_CONNECTIONS = 8
"""Of one process at most: small plans have twenty in all."""

_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=NORMAL",
    f"busy_timeout={int(WAIT_S * 1000)}",
    "temp_store=MEMORY",
    "cache_size=-16000",
    "wal_autocheckpoint=4000",
    "secure_delete=ON",
)
"""WAL: readers and one writer do not wait for each other. NORMAL: a power cut may lose the last
rows, which the sweeper writes again. What is erased is overwritten. Pages are copied from the log
into the file every 16 MB, because the tokens of each recording change many of the same pages."""


def url_of(settings: Settings) -> URL:
    """The database's address; Heroku's postgres:// is taken too. Raises SettingsError."""
    if settings.database_url is None:
        return URL.create("sqlite", database=str(settings.data_dir / SQLITE_NAME))
    try:
        url = make_url(settings.database_url)
    except ArgumentError:
        raise SettingsError("DATABASE_URL is no address of a database") from None
    if url.drivername in ("postgres", "postgresql"):
        return url.set(drivername="postgresql+psycopg")
    raise SettingsError("DATABASE_URL must start with postgres:// or postgresql://")


@dataclass(frozen=True)
class Cursor:
    """The driver's cursor in a transaction, and the dialect that it understands."""

    driver: Any
    dialect: str


class Database:
    """Connections to the database of one process, made when the first is needed."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self._file = Path(url.database or "") if url.drivername == "sqlite" else None
        self._engine: Engine | None = None
        self._opened: tuple[int, int] | None = None
        self.openings = 0
        """How often the database was opened: each time it may be another one."""

    def open(self) -> int:
        """Open the database, where it is not; gives `openings`. Raises CatalogueUnavailable."""
        try:
            self._ready()
        except (DBAPIError, PoolTimeout, OSError) as error:
            raise _unavailable(error) from error
        return self.openings

    @contextmanager
    def writing(self) -> Iterator[Cursor]:
        """A transaction of the driver's own, which a job's write takes: statements that SQLAlchemy
        puts together cost more than they do. Raises CatalogueUnavailable.

        SQLite's lock is taken at once: a reader that becomes a writer behind another one fails.
        """
        error_of_driver: type[Exception] = DBAPIError
        try:
            engine = self._ready()
            error_of_driver = engine.dialect.loaded_dbapi.Error
            connection = engine.raw_connection()
            try:
                cursor = connection.cursor()
                if self._file is not None:
                    cursor.execute("BEGIN IMMEDIATE")
                yield Cursor(cursor, engine.dialect.name)
                connection.commit()
            finally:
                connection.close()  # without a commit it is rolled back
        except (DBAPIError, error_of_driver, PoolTimeout, OSError) as error:
            raise _unavailable(error) from error

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction. Raises CatalogueUnavailable."""
        try:
            with self._ready().begin() as connection:
                yield connection
        except (DBAPIError, PoolTimeout, OSError) as error:
            raise _unavailable(error) from error

    def close(self) -> None:
        """Leave the database; what comes afterwards opens it again."""
        if self._engine is not None:
            self._engine.dispose()
        self._engine = None

    def _ready(self) -> Engine:
        """The engine, with the present tables; a file that is gone or new is opened again."""
        if self._engine is not None and self._file_number() == self._opened:
            return self._engine
        from addon.catalogue.migrations import migrate

        self.close()
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
        engine = self._made()
        migrate(engine)
        self._engine, self._opened = engine, self._file_number()
        self.openings += 1
        return engine

    def _file_number(self) -> tuple[int, int] | None:
        if self._file is None:
            return None
        try:
            found = self._file.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _made(self) -> Engine:
        if self._file is not None:
            engine = create_engine(
                self.url, hide_parameters=True, max_overflow=THREADS, pool_timeout=WAIT_S
            )
            event.listen(engine, "connect", _set_pragmas)
            return engine
        options = f"-c statement_timeout={STATEMENT_MS} -c lock_timeout={int(WAIT_S * 1000)}"
        return create_engine(
            self.url,
            hide_parameters=True,
            pool_pre_ping=True,
            pool_size=2,
            max_overflow=POSTGRES_CONNECTIONS - 2,
            pool_timeout=CONNECT_S,
            connect_args={"connect_timeout": CONNECT_S, "options": options},
        )


def _set_pragmas(connection: Any, _record: object) -> None:
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _unavailable(error: Exception) -> CatalogueUnavailable:
    """The error in words that hold nothing of a row: the driver's own text may."""
    return CatalogueUnavailable(f"the catalogue does not answer ({type(error).__name__})")
