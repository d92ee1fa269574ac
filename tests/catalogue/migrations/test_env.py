"""Alembic's entry works within the transaction that it is handed."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, inspect

from addon.catalogue.migrations import migrate


def test_a_migration_that_breaks_off_leaves_no_table(url, monkeypatch):
    """As where the process is killed in the middle: the next one begins at the beginning."""
    engine = create_engine(url)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken off")

    with monkeypatch.context() as patch:
        patch.setattr("alembic.op.create_index", broken)
        with pytest.raises(RuntimeError, match="broken off"):
            migrate(engine)
    assert inspect(engine).get_table_names() == []
    migrate(engine)
    assert "recordings" in inspect(engine).get_table_names()
    engine.dispose()
