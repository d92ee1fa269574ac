"""The status report of `flask ledger`: the whole, one request, the SLA; documents, and lines."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from addon.archive.opening import store_of
from addon.requests import scheduling, sla
from addon.requests.connections import web_connection
from addon.requests.dispatcher import Dispatcher
from addon.requests.intake_store import IntakeStore
from addon.requests.state import RequestState, RequestStates
from addon.settings import Settings

OLDEST_SHOWN = 5


@dataclass(frozen=True)
class Sources:
    """The stores that the report is made from."""

    states: RequestStates
    queues: Dispatcher
    intake_store: IntakeStore

    @classmethod
    def from_settings(cls, settings: Settings) -> Sources:
        """Open nothing yet."""
        connection = web_connection(settings.redis_url)
        states = RequestStates(connection)
        intake_store = IntakeStore.from_settings(settings, store_of(settings))
        return cls(states, Dispatcher(connection, states), intake_store)


def overview(sources: Sources, now: float) -> dict[str, Any]:
    """The whole as a document: states, queues, the oldest requests, and what only Redis or only the
    store knows. A few are between two steps at any time."""
    unfinished, queues = sources.states.open_sids(), sources.queues
    entries = sorted(sources.states.get_many(unfinished), key=lambda entry: entry.received_at)
    stored = set(sources.intake_store.waiting())
    depths, waited, in_flight = queues.depths(), queues.waited(now), queues.in_flight()
    return {
        "unfinished": len(unfinished),
        "failures_waiting": queues.failures_due.count(),
        "states": dict(Counter(entry.state for entry in entries).most_common()),
        "oldest": [state_document(entry) for entry in entries[:OLDEST_SHOWN]],
        "queues": {
            queue: {
                "waiting": depth,
                "at_work": len(in_flight[queue]),
                "oldest_seconds": round(waited[queue], 3) if depth else None,
            }
            for queue, depth in depths.items()
        },
        "only_in_store": sorted(stored - unfinished),
        "only_in_redis": sorted(unfinished - stored),
    }


def state_document(entry: RequestState) -> dict[str, Any]:
    """One request as a document: the fields of its state, and how much time Twilio leaves it."""
    fields = {name: value for name, value in asdict(entry).items() if name != "taken"}
    return {**fields, "deadline_at": _deadline(entry), "pace": entry.pace}


def overview_lines(whole: dict[str, Any], now: float) -> Iterator[str]:
    """What `overview` gives, for people."""
    found = ", ".join(f"{count} {state}" for state, count in whole["states"].items())
    yield f"{whole['unfinished']} unfinished" + (f": {found}" if found else "")
    if failing := whole["failures_waiting"]:
        who = "1 of them waits for its failure" if failing == 1 else f"{failing} wait for failures"
        yield f"{who}: results that can be in time go first"
    for entry in whole["oldest"]:
        received, left = ago(entry["received_at"], now), _left(entry["deadline_at"], now)
        yield f"  {entry['sid']}  {entry['state']}, received {received}{left}"
    yield _columns("queue", "waiting", "at work", "oldest")
    for queue, counts in whole["queues"].items():
        oldest = counts["oldest_seconds"]
        shown = "-" if oldest is None else span(oldest)
        yield _columns(queue, str(counts["waiting"]), str(counts["at_work"]), shown)
    yield from _drift(whole["only_in_store"], whole["only_in_redis"])


def ago(moment: float, now: float) -> str:
    """A moment as so long ago, in one unit that a person would choose."""
    return f"{span(now - moment)} ago"


def span(seconds: float) -> str:
    """Seconds in one unit: 0.3 s, 45 s, 12 min, 3.5 h."""
    if abs(seconds) < 10:
        return f"{seconds:.1f} s"
    if abs(seconds) < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if abs(seconds) < 7200 else f"{seconds / 3600:.1f} h"


def _deadline(entry: RequestState) -> float | None:
    length = entry.duration or entry.longest
    return None if length is None else scheduling.deadline(entry.received_at, length)


def _left(deadline: float | None, now: float) -> str:
    if deadline is None:
        return ""
    left = deadline - now
    return f", {span(left)} left" if left > 0 else f", {span(-left)} past its deadline"


def _drift(only_store: list[str], only_redis: list[str]) -> Iterator[str]:
    if not only_store and not only_redis:
        yield "Redis and store agree"
    if only_store:
        yield f"{len(only_store)} in the store alone; the sweeper queues them: {_some(only_store)}"
    if only_redis:
        yield f"{len(only_redis)} in Redis alone; the sweeper ends them: {_some(only_redis)}"


def _some(sids: list[str]) -> str:
    return ", ".join(sids[:OLDEST_SHOWN]) + (", …" if len(sids) > OLDEST_SHOWN else "")


def story(entry: RequestState, now: float) -> Iterator[tuple[str, str]]:
    """One request, as labels and facts."""
    yield "request", entry.sid
    yield "state", entry.state + (f", {entry.outcome}" if entry.outcome else "")
    yield "from", f"{entry.source or 'unknown'}, install {entry.tenant or 'unknown'}"
    yield "audio", _audio(entry)
    yield "queue", entry.queue or "none"
    yield "received", ago(entry.received_at, now) if entry.received_at else "not known"
    for label, moment in _steps(entry):
        if moment is not None:
            yield label, f"{span(moment - entry.received_at)} after it was received"
    yield "tries", f"{entry.attempts} of the work, {entry.deliveries} of the delivery"
    yield "duplicates", str(entry.duplicates)
    if entry.delivery:
        yield "delivery", entry.delivery + _next(entry.delivery_at, now)
    if entry.code is not None:
        yield "failed with", str(entry.code)
    if entry.pace is not None:
        yield "elapsed / duration", f"{entry.pace:.2f}"
    elif entry.finished_at is None:
        yield "deadline", _left(_deadline(entry), now).removeprefix(", ") or "not known"


def _steps(entry: RequestState) -> tuple[tuple[str, float | None], ...]:
    return (
        ("started", entry.started_at),
        ("analysed", entry.analysed_at),
        ("archived", entry.archived_at),
        ("delivered", entry.delivered_at),
        ("finished", entry.finished_at),
    )


def _audio(entry: RequestState) -> str:
    if entry.duration is not None:
        return f"{entry.duration:.1f} s"
    if entry.estimate is None:
        return "of unknown length"
    return f"about {entry.estimate:.0f} s, not read yet"


def _next(at: float | None, now: float) -> str:
    return f", next try in {span(at - now)}" if at is not None and at > now else ""


def outcome(intake_store: IntakeStore, sid: str) -> dict[str, Any]:
    """The outcome in the store of a request that Redis does not know any more; empty for none."""
    if intake_store.is_waiting(sid):
        return {"request": sid, "state": "in the store, not in Redis; the sweeper queues it"}
    return dict(sorted((intake_store.outcome(sid) or {}).items()))


def slo_document(rows: Sequence[sla.Paces], hours: float) -> dict[str, Any]:
    """The SLA of the last hours as a document; `kept` is None where no request was finished."""
    classes = [
        {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in {**asdict(row), "kept": row.kept}.items()
        }
        for row in rows
    ]
    kept = all(row.kept for row in rows) if rows else None
    return {"hours": hours, "kept": kept, "limits": sla.LIMITS, "classes": classes}


def slo_head() -> str:
    """The heading of the columns of `slo_line`."""
    limits = (f">{limit:g}x" for limit in sla.LIMITS)
    return _columns("length", "requests", "p50", "p90", "p99", "max", *limits, "missed")


def slo_line(row: sla.Paces) -> str:
    """One class of length."""
    figures = (row.p50, row.p90, row.p99, row.longest)
    shown = ["-" if math.isnan(figure) else f"{figure:.2f}x" for figure in figures]
    verdict = "" if row.kept else "not kept"
    counts = (*map(str, row.over), str(row.missed))
    return _columns(row.length, str(row.requests), *shown, *counts, verdict)


def _columns(first: str, *others: str) -> str:
    return (f"{first:<10}" + "".join(f"{other:>9}" for other in others)).rstrip()
