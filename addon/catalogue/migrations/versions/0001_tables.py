"""The first tables: recordings, their tokens, and facts of the catalogue.

The columns are spelled out: later releases change `addon/catalogue/tables.py`, and not this.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_FIGURES = (
    "duration_seconds",
    "agent_talk_seconds",
    "customer_talk_seconds",
    "crosstalk_seconds",
    "silence_seconds",
    "longest_silence_seconds",
    "hold_seconds",
    "crosstalk_count",
    "interruptions",
    "agent_interruptions",
    "customer_interruptions",
    "talk_ratio_agent",
    "agent_sentiment",
    "customer_sentiment",
    "elapsed_per_duration",
)


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "recordings",
        sa.Column("id", _ID, primary_key=True, autoincrement=False),
        sa.Column("install", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        *(sa.Column(name, sa.Double()) for name in _FIGURES),
        sa.Column("agent", sa.BigInteger()),
        sa.Column("queue", sa.BigInteger()),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("code", sa.Integer()),
        sa.Column("channels", sa.SmallInteger()),
        sa.Column("direction", sa.String(16)),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("redaction", sa.String(16)),
        sa.Column("recording_id", sa.String(64), nullable=False),
        sa.Column("call_sid", sa.String(64)),
        sa.Column("request_sid", sa.String(64), nullable=False),
        sa.Column("sids", sa.String(300), nullable=False),
        sa.Column("flags", sa.Text(), nullable=False),
        sa.Column("categories", sa.Text(), nullable=False),
        sa.UniqueConstraint("recording_id", "install"),
    )
    op.create_index("recordings_of_install", "recordings", ["install", "id"])
    op.create_index("recordings_of_call", "recordings", ["call_sid"])
    op.create_index("recordings_by_state", "recordings", ["state", "id"])
    op.create_index("recordings_by_sids", "recordings", ["sids"])
    op.create_table(
        "tokens",
        sa.Column("token", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "token_lists",
        sa.Column("id", _ID, primary_key=True, autoincrement=False),
        sa.Column("tokens", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "facts",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
    )


def downgrade() -> None:
    """Drop every table: `flask catalogue rebuild` makes the content again."""
    for table in ("facts", "token_lists", "tokens", "recordings"):
        op.drop_table(table)
