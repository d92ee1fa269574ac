"""An index for each figure, and sums that the database keeps itself, by triggers.

Triggers and not code, because a release that knows nothing of the sums writes beside this one.
Columns and expressions are spelled out: later releases change `addon/catalogue/tables.py`, and
not this.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

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
_SUMMED = (
    "duration_seconds",
    "agent_talk_seconds",
    "customer_talk_seconds",
    "crosstalk_seconds",
    "silence_seconds",
    "hold_seconds",
    "interruptions",
)
_KINDS = {0: (1800, "-1"), 1: (86_400, "COALESCE(agent, -1)"), 2: (86_400, "COALESCE(queue, -1)")}
"""Seconds of a slot, and the name that a sum is of: none, the agent, the queue."""

_COUNTED = {
    "recordings": "1",
    "analysed": "CASE WHEN state = 'analysed' THEN 1 ELSE 0 END",
    "failed": "CASE WHEN state = 'failed' THEN 1 ELSE 0 END",
    **{f"known_{name}": f"CASE WHEN {name} IS NULL THEN 0 ELSE 1 END" for name in _SUMMED},
    "timed": "CASE WHEN elapsed_per_duration IS NULL THEN 0 ELSE 1 END",
    "in_time": "CASE WHEN elapsed_per_duration <= 3.0 THEN 1 ELSE 0 END",
    "too_late": "CASE WHEN elapsed_per_duration > 10.0 THEN 1 ELSE 0 END",
}
_THOUSANDTHS = {
    **{f"sum_{name}": name for name in _SUMMED},
    "analysed_seconds": "CASE WHEN silence_seconds IS NOT NULL THEN duration_seconds END",
    "two_party_seconds": "CASE WHEN crosstalk_seconds IS NOT NULL THEN duration_seconds END",
}
_KEY = ("kind", "install", "slot", "name")
_VALUES = _COUNTED | {
    name: f"COALESCE(CAST(round({value} * 1000) AS BIGINT), 0)"
    for name, value in _THOUSANDTHS.items()
}


def upgrade() -> None:
    """Make indexes, table and triggers, and sum up what is there."""
    postgres = op.get_bind().dialect.name == "postgresql"
    for name in _FIGURES:
        known = sa.text(f"{name} IS NOT NULL")
        op.create_index(
            f"recordings_by_{name}",
            "recordings",
            [name, "id"],
            postgresql_where=known,
            sqlite_where=known,
        )
    op.create_table(
        "sums",
        sa.Column("kind", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sa.Column("install", sa.String(64), primary_key=True),
        sa.Column("slot", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("name", sa.BigInteger(), primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _COUNTED),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _THOUSANDTHS),
        sqlite_with_rowid=False,
    )
    for kind in _KINDS:
        op.execute(_summed(kind, "recordings", "WHERE true GROUP BY 2, 3, 4"))
    (_triggers_of_postgres if postgres else _triggers_of_sqlite)()


def _summed(kind: int, source: str, rest: str, sign: str = "") -> str:
    """A statement that adds the sums of `source` to those that are there."""
    seconds, name = _KINDS[kind]
    values = [f"{sign}SUM({value})" for value in _VALUES.values()]
    slot = f"id / 2147483648 / {seconds}"
    added = (f"{name} = sums.{name} + excluded.{name}" for name in _VALUES)
    return (
        f"INSERT INTO sums ({', '.join((*_KEY, *_VALUES))}) "
        f"SELECT {', '.join((str(kind), 'install', slot, name, *values))} FROM {source} {rest} "
        f"ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET {', '.join(added)}"
    )


def _triggers_of_sqlite() -> None:
    for when, row, sign in (("AFTER INSERT", "NEW", ""), ("BEFORE DELETE", "OLD", "-")):
        own = f"WHERE id = {row}.id GROUP BY 2, 3, 4"
        body = [_summed(kind, "recordings", own, sign) for kind in _KINDS]
        if sign:
            body += (_without_nothing(kind, "OLD") for kind in _KINDS)
        op.execute(
            f"CREATE TRIGGER sums_{when.split()[1].lower()} {when} ON recordings "
            f"BEGIN {'; '.join(body)}; END"
        )


def _without_nothing(kind: int, row: str, using: str = "") -> str:
    """A statement that takes away the sums of no recording."""
    seconds, name = _KINDS[kind]
    return (
        f"DELETE FROM sums {using} WHERE sums.recordings = 0 AND sums.kind = {kind} "
        f"AND sums.install = {row}.install AND sums.slot = {row}.id / 2147483648 / {seconds} "
        f"AND sums.name = {name.replace('(', f'({row}.')}"
    )


def _triggers_of_postgres() -> None:
    """Once a statement, in the order of the key: two writers never wait for one another."""
    for event, table, sign in (("INSERT", "NEW", ""), ("DELETE", "OLD", "-")):
        name = f"sums_{event.lower()}"
        rest = "GROUP BY 2, 3, 4 ORDER BY 2, 3, 4"
        body = [_summed(kind, "changed", rest, sign) for kind in _KINDS]
        if sign:
            body += (_without_nothing(kind, "changed", "USING changed") for kind in _KINDS)
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql "
            f"AS $$ BEGIN {'; '.join(body)}; RETURN NULL; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {name} AFTER {event} ON recordings REFERENCING {table} TABLE "
            f"AS changed FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
        )


def downgrade() -> None:
    """Drop them again."""
    postgres = op.get_bind().dialect.name == "postgresql"
    for event in ("insert", "delete"):
        op.execute(f"DROP TRIGGER sums_{event}" + (" ON recordings" if postgres else ""))
        if postgres:
            op.execute(f"DROP FUNCTION sums_{event}()")
    op.drop_table("sums")
    for name in _FIGURES:
        op.drop_index(f"recordings_by_{name}", "recordings")
