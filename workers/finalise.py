"""Finalises a request: answered, and its recording safe in the archive or known never to come.

Only here is anything of a request removed. Whichever job ends last, the delivery or the archiving,
finds both done and clears up; a crash before that leaves the intake, and so another look.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from addon import log
from addon.archive.deposit import are_unchanged
from addon.archive.store import Stat
from addon.errors import ArchiveError, NotStored, Tampered
from addon.metrics import declarations
from addon.requests.request import Request
from addon.requests.results import StoredResult
from addon.requests.state import PROCESSED
from workers import announcing, deposit, first_delivery, handlers
from workers.first_delivery import Answer
from workers.services import Services

UNREADABLE_PAUSE_S = 60.0
"""A key comes back by a person's hand; until then once a minute is enough to keep calling one."""

REMEMBERED = 64
"""Recordings committed by this process whose delivery is still to come."""

logger = log.get("finalise")

_committed: dict[str, tuple[Stat, ...]] = {}
"""By request SID, the objects that this process has written and indexed last."""


def remember(sid: str, written: tuple[Stat, ...]) -> None:
    """Keep what a commit wrote: to see that it is unchanged takes no reading of it."""
    _committed[sid] = written
    for oldest in list(_committed)[:-REMEMBERED]:
        _committed.pop(oldest, None)


def is_settled(services: Services, request: Request, result: StoredResult | None) -> bool:
    """True if the work is done: a final answer is stored, and what can be archived is committed."""
    if result is None or not result.final:
        return False
    return (
        not result.archivable
        or deposit.committed(services.archive, request) is not None
        or deposit.erased(services.archive, request)
    )


def hand_over(
    services: Services, sid: str, *, answer: Answer | None = None, **facts: float
) -> None:
    """After the work: deliver the answer, or clear up where it was answered before.

    `answer` is given where it was stored just now, and none was before. `facts` are fields of the
    request's state, which are written now.
    """
    services.states.mark(sid, state=PROCESSED, **facts)
    if answer is None and is_answered(services, sid):
        finish(services, sid)
    else:
        first_delivery.begin(services, sid, answer)


def call_for_help(services: Services, error: ArchiveError) -> float:
    """Call a person about a stored document that cannot be opened; gives seconds to wait.

    It is left as it is: with INTAKE_KEY as it was, the request goes on.
    """
    logger.error("a stored document of a request cannot be opened", reason=type(error).__name__)
    services.counters.count(declarations.STUCK)
    return UNREADABLE_PAUSE_S


def is_answered(services: Services, sid: str) -> bool:
    """True if the callback has the answer, or will never take it."""
    outcome = services.intake_store.outcome(sid)
    return bool(outcome and outcome.get("answered_at"))


def finish(services: Services, sid: str) -> None:
    """Remove the intake of an answered request once its recording is safe; otherwise nothing."""
    try:
        intake = services.intake_store.open(sid)
    except NotStored:
        finished_before(services, sid)
        return
    result = services.intake_store.stored_result(sid)
    outcome = services.intake_store.outcome(sid) or {}
    answer = str(outcome.get("answer", "unknown"))
    finish_answered(services, handlers.read(intake), result, answer, {})


def finish_answered(
    services: Services,
    request: Request,
    result: StoredResult | None,
    answer: str,
    facts: Mapping[str, Any],
) -> None:
    """As `finish`, for who has everything at hand; `answer` says what became of the answer.

    `facts` are fields of the request's state, which are written whether it is finished or not.
    """
    is_over = False
    try:
        if is_safe(services, request, result):
            announcing.announce(services, request, stored=result)
            handlers.of(request).when_safe(services.archive, services.settings, request, result)
            services.signature_uses.settle(request.signature)
            services.intake_store.remove(request.sid)
            is_over = True
    finally:
        if not is_over:
            services.states.mark(request.sid, **facts)
    if is_over:
        services.states.finish(request.sid, answer, **facts)
        logger.info("finished", answer=answer)


def remove_surplus(services: Services, sid: str) -> bool:
    """Remove a record that came back after its request was finished; True if none is left.

    A duplicate that looked for the outcome just before it was written writes the record again.
    Raises Tampered, KeyMissing, UnreadableDocument, StoreUnavailable.
    """
    if not is_answered(services, sid):
        return False
    try:
        request = handlers.read(services.intake_store.open(sid))
    except NotStored:
        return True
    if not is_safe(services, request, services.intake_store.stored_result(sid)):
        return False
    services.intake_store.remove(sid)
    logger.info("removed what a late duplicate had written", request_sid=sid)
    return True


def finished_before(services: Services, sid: str) -> None:
    """Mark a request that is over as finished, after a job too many; its outcome stays.

    A sweep that was stalled may have stored an answer since, which nobody will send.
    """
    if services.intake_store.is_waiting(sid):
        return  # it is something else that was not found: the sweeper looks again
    services.intake_store.remove_result(sid)
    entry = services.states.get(sid)
    known = entry.outcome if entry is not None else None
    services.states.finish(sid, known or "finished before")


def is_safe(services: Services, request: Request, result: StoredResult | None) -> bool:
    """True if the recording lies in the archive as its manifest says, or never will again."""
    if result is not None and result.final and not result.archivable:
        return True
    written = _committed.pop(request.sid, None)
    if written and are_unchanged(services.store, written):
        return True
    manifest = deposit.committed(services.archive, request)
    if manifest is None:
        return deposit.erased(services.archive, request)
    try:
        services.archive.complete(manifest)
    except Tampered:
        logger.error("the archived object is not what its manifest says; the intake is kept")
        return False
    return True
