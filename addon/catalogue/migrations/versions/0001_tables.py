"""The first tables: recordings, their tokens, and facts of the catalogue."""

from __future__ import annotations

from alembic import op

from addon.catalogue.tables import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table."""
    metadata.create_all(op.get_bind())


def downgrade() -> None:
    """Drop every table: `flask catalogue rebuild` makes the content again."""
    metadata.drop_all(op.get_bind())
