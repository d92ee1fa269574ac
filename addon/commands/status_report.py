"""The status report of `flask ledger`, as lines of text: the whole, one request, the SLA."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

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


def overview(sources: Sources, now: float) -> Iterator[str]:
    """The whole: states, queues, the oldest requests, and whether Redis and store agree."""
    unfinished = sources.states.open_sids()
    entries = sorted(sources.states.get_many(unfinished), key=lambda entry: entry.received_at)
    states = Counter(entry.state for entry in entries)
    found = ", ".join(f"{count} {state}" for state, count in states.most_common())
    yield f"{len(unfinished)} unfinished" + (f": {found}" if found else "")
    for entry in entries[:OLDEST_SHOWN]:
        received = ago(entry.received_at, now)
        yield f"  {entry.sid}  {entry.state}, received {received}{_left(entry, now)}"
    yield from _queues(sources.queues, now)
    yield from _drift(sources, unfinished)


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


def _queues(queues: Dispatcher, now: float) -> Iterator[str]:
    depths, waited, in_flight = queues.depths(), queues.waited(now), queues.in_flight()
    yield _columns("queue", "waiting", "at work", "oldest")
    for queue, depth in depths.items():
        oldest = span(waited[queue]) if depth else "-"
        yield _columns(queue, str(depth), str(len(in_flight[queue])), oldest)


def _left(entry: RequestState, now: float) -> str:
    length = entry.duration or entry.longest
    if length is None:
        return ""
    left = scheduling.deadline(entry.received_at, length) - now
    return f", {span(left)} left" if left > 0 else f", {span(-left)} past its deadline"


def _drift(sources: Sources, unfinished: set[str]) -> Iterator[str]:
    """Requests that only Redis or only the store knows; a few are between two steps at any time."""
    stored = set(sources.intake_store.waiting())
    only_store, only_redis = stored - unfinished, unfinished - stored
    if not only_store and not only_redis:
        yield "Redis and store agree"
    if only_store:
        yield f"{len(only_store)} in the store alone; the sweeper queues them: {_some(only_store)}"
    if only_redis:
        yield f"{len(only_redis)} in Redis alone; the sweeper ends them: {_some(only_redis)}"


def _some(sids: set[str]) -> str:
    shown = sorted(sids)[:OLDEST_SHOWN]
    return ", ".join(shown) + (", …" if len(sids) > len(shown) else "")


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
        yield "deadline", _left(entry, now).removeprefix(", ") or "not known"


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


def outcome(intake_store: IntakeStore, sid: str) -> Iterator[tuple[str, str]]:
    """The outcome in the store of a request whose state is not in Redis any more."""
    if intake_store.is_waiting(sid):
        yield "request", sid
        yield "state", "in the store, not in Redis; the sweeper queues it"
        return
    for name, value in sorted((intake_store.outcome(sid) or {}).items()):
        yield name.replace("_", " "), str(value)


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
