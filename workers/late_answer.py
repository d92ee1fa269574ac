"""The failure that a request is answered with when its result can no longer be in time.

It follows from the intake record and the time alone, so it is sent without being stored before: as
many come in an overload as the machine has no time for. A job that begins after that time, or had
lost its lease, keeps the same failure for its answer and never a result, so that a crash after
sending cannot make two different answers. Whoever began before that time and still has the request
is arbitrated by the store, where the first answer stays (decision 0708).
"""

from __future__ import annotations

from typing import Any

from addon import log, steady_clock
from addon.analysis.opening import no_recording
from addon.audio.sniffing import HEAD_BYTES, is_document, sniff
from addon.errors import DeadlineMissed
from addon.requests import results, scheduling
from addon.requests.intake_store import IntakeRecord
from addon.requests.lease import held
from addon.requests.queues import PROCESS_KIND
from addon.requests.request import Request
from addon.requests.results import StoredResult
from workers.services import Services

ROUNDING_S = 0.01
"""A request's state has its times in milliseconds: the sweeper may be that much too early."""

logger = log.get("late_answer")


def is_due(request: Request, moment: float) -> bool:
    """True if a request without an answer is to be answered with this failure at `moment`."""
    longest = request.length.longest
    if longest is None or not request.has_deadline:
        return False
    return moment >= scheduling.answer_by(request.received_at.timestamp(), longest) - ROUNDING_S


def document(sid: str, intake: IntakeRecord) -> dict[str, Any]:
    """The answer; always the same for a request. `intake` is its record, of which nothing was read.

    An upload that is a text or a page is answered as such: no time would have made a result of it.
    """
    head = b""
    for block in intake.audio:
        head += block
        if len(head) >= HEAD_BYTES:
            break
    if head and sniff(head) is None and is_document(head):
        return results.failed(sid, no_recording(head))
    return results.failed(sid, DeadlineMissed("the recording could not be processed in time"))


def result(services: Services, request: Request, intake: IntakeRecord) -> StoredResult | None:
    """The result to send: the stored one, or where there is none the failure if it is due.

    `intake` is the request's record, of which nothing was read. To be called with the lease of the
    delivery held. The lease of the work is looked at first: a job that had it in time has stored
    its result before it gave it back. One that still has it may be about to, and then the store
    says which of the two came first.
    """
    sid, is_late = request.sid, is_due(request, steady_clock.now())
    is_at_work = is_late and held(services.redis, PROCESS_KIND, sid)
    stored = services.intake_store.stored_result(sid)
    if stored is not None or not is_late:
        return stored
    missed = StoredResult(document(sid, intake), final=False, archivable=True)
    if is_at_work and not services.intake_store.store_result(sid, missed):
        return services.intake_store.stored_result(sid)
    logger.error("answered without a result, because the deadline was near")
    return missed
