"""The catalogue's tables: a row for each recording, and the keyed tokens that it is found by.

`recordings.id` orders as the list does: the seconds since 2008 in its upper bits, keyed bits below.
So a stretch of time is a stretch of ids, and every index that ends in `id` is in the order of time.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

SECONDS = (
    "duration_seconds",
    "agent_talk_seconds",
    "customer_talk_seconds",
    "crosstalk_seconds",
    "silence_seconds",
    "longest_silence_seconds",
    "hold_seconds",
)
FIGURES = (
    *SECONDS,
    "crosstalk_count",
    "interruptions",
    "agent_interruptions",
    "customer_interruptions",
    "talk_ratio_agent",
    "agent_sentiment",
    "customer_sentiment",
    "elapsed_per_duration",
)
"""Figures of a recording, named as the result names them; null is not known, and never zero."""

SUMMED = (
    "duration_seconds",
    "agent_talk_seconds",
    "customer_talk_seconds",
    "crosstalk_seconds",
    "silence_seconds",
    "hold_seconds",
    "interruptions",
)
"""Figures that are summed up."""

COUNTS = (
    *("recordings", "analysed", "failed"),
    *(f"known_{name}" for name in SUMMED),
    *("timed", "in_time", "too_late"),
)
AMOUNTS = (*(f"sum_{name}" for name in SUMMED), "analysed_seconds", "two_party_seconds")
"""Columns of sums: numbers of recordings, and sums of figures; see `grouping.Totals`."""

metadata = MetaData()

_ID = BigInteger().with_variant(Integer, "sqlite")
"""In SQLite only an INTEGER primary key is the row's own number."""

recordings = Table(
    "recordings",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=False),
    Column("install", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    *(Column(name, Double) for name in FIGURES),
    Column("agent", BigInteger),
    Column("queue", BigInteger),
    Column("at_ms", BigInteger, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("code", Integer),
    Column("channels", SmallInteger),
    Column("direction", String(16)),
    Column("source", String(32), nullable=False),
    Column("redaction", String(16)),
    Column("recording_id", String(64), nullable=False),
    Column("call_sid", String(64)),
    Column("request_sid", String(64), nullable=False),
    Column("sids", String(300), nullable=False),
    Column("flags", Text, nullable=False),
    Column("categories", Text, nullable=False),
    UniqueConstraint("recording_id", "install"),
    Index("recordings_of_install", "install", "id"),
    Index("recordings_of_call", "call_sid"),
    Index("recordings_by_state", "state", "id"),
    Index("recordings_by_sids", "sids"),
    *(Index(f"recordings_by_{name}", name, "id") for name in FIGURES),
)
"""Figures stand first: SQLite reads a row up to the last column that is asked for. The index of
`sids` is read whole where a part of a SID is looked for, which is less than every row. That of a
figure leaves out the rows without it."""

HALF_HOURS, AGENTS, QUEUES = range(3)
SLOT_S = {HALF_HOURS: 1800, AGENTS: 86_400, QUEUES: 86_400}
"""Kinds of sums, and the seconds of their slots: half an hour is where a day begins in most zones.
"""
NOBODY = -1
"""The name of a sum over recordings without one; a token is never negative."""

sums = Table(
    "sums",
    metadata,
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),
    Column("install", String(64), primary_key=True),
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("name", BigInteger, primary_key=True, autoincrement=False),
    *(Column(name, Integer, nullable=False) for name in COUNTS),
    *(Column(name, BigInteger, nullable=False) for name in AMOUNTS),
    sqlite_with_rowid=False,
)
"""Sums over the recordings of an install by the slots since 2008, and by agent or queue. Triggers
of the database keep them (migration 0002). Amounts are in thousandths: whole numbers are what they
were again when a recording has come and gone."""

tokens = Table(
    "tokens",
    metadata,
    Column("token", BigInteger, primary_key=True, autoincrement=False),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

token_lists = Table(
    "token_lists",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=False),
    Column("tokens", LargeBinary, nullable=False),
)
"""The tokens of each recording, eight bytes each: what goes with it when it is erased. An index of
`tokens` by recording would be three times as large."""

facts = Table(
    "facts",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", Text, nullable=False),
)
"""Facts of the catalogue itself: which key made it, when it was compared, where a rebuild is."""
