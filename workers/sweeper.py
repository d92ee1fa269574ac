"""The sweeper: looks after every request that is not finished, whatever became of its jobs.

It compares the intake store with the request states, queues what no job holds, and answers what
nears its deadline; it never does the work itself. One sweeper is active at a time
(`workers/leader.py`); a second one would do no harm.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from addon import log
from addon.errors import (
    KeyMissing,
    NotStored,
    StoreUnavailable,
    Tampered,
    UnreadableDocument,
)
from addon.metrics import declarations
from addon.requests import acceptance, scheduling
from addon.requests.lease import held, held_each
from addon.requests.queues import kind_of, sid_of
from addon.requests.request import has_deadline
from addon.requests.state import (
    ANSWERED,
    DONE,
    PROCESSED,
    QUEUED,
    STUCK,
    WAITING,
    RequestState,
)
from workers import finalise, handlers
from workers.services import Services

SILENCE_S = 2.5
"""A job in flight, without a lease for this long, has lost its worker."""

SOON_S = 2.0
"""Seconds until what is at work is looked at again."""

LOOKS = 1000
"""Requests looked at in one sweep: of 30,000 that wait, each has its look in LOOK_S."""

FORGOTTEN_EVERY_S = 3.0
"""Between two comparisons of store and Redis: a wiped Redis is noticed within seconds."""

FORGOTTEN_SHARE = 0.01
"""Of a core, for these comparisons: one of 7,000 waiting requests takes 50 to 90 ms."""

CLOSED_S = 10.0
"""A request that is just being finished has an intake record and no place among the unfinished; it
takes a second or two."""

LONGEST_WAIT_S = 2 * 3600.0
"""Twice what a step ever waits for: a time that is farther ahead was written by somebody else."""

UNOPENABLE = (Tampered, KeyMissing, UnreadableDocument)
"""Errors of a stored document that waits for a person or another release."""

logger = log.get("sweep")


class Sweeper:
    """One look at everything that is due; `sweep` is called about every second."""

    def __init__(
        self,
        services: Services,
        clock: Callable[[], float] = time.time,
        judge: Callable[[], float] | None = None,
    ) -> None:
        """`clock` says what is due, `judge` what is too late; without one it is the clock."""
        self.services = services
        self.clock = clock
        self.judge = judge or clock
        self._silent_since: dict[str, float] = {}
        self._compared_at = 0.0
        self._compare_every = FORGOTTEN_EVERY_S
        self._unreadable: set[str] = set()
        self._closed_since: dict[str, float] = {}

    def sweep(self) -> None:
        """Look at what is in flight, what is due, and now and then at the whole store."""
        self._watch_in_flight()
        for sid in self._to_be_looked_at():
            self._look_at(sid)
        self._send_failures()
        if self.clock() - self._compared_at >= self._compare_every:
            began = time.thread_time()
            self._find_forgotten()
            took = time.thread_time() - began
            self._compare_every = max(FORGOTTEN_EVERY_S, took / FORGOTTEN_SHARE)
            self._compared_at = self.clock()

    def _watch_in_flight(self) -> None:
        """Land jobs whose worker has been silent; their requests are looked at at once."""
        silent: dict[str, float] = {}
        in_flight = self.services.dispatcher.in_flight()
        jobs = [(queue, job) for queue, each in in_flight.items() for job in each]
        holders = held_each(self.services.redis, [(kind_of(job), sid_of(job)) for _, job in jobs])
        for (queue, job), is_held in zip(jobs, holders, strict=True):
            if is_held:
                continue
            sid, since = sid_of(job), self._silent_since.get(job, self.clock())
            if self.clock() - since < SILENCE_S:
                silent[job] = since
                continue
            logger.warning("a job lost its worker", request_sid=sid, queue=queue)
            self.services.dispatcher.land(queue, job)
            self.services.counters.count(declarations.LOST_JOBS, queue)
            self.services.states.look_again(sid, 0.0)
        self._silent_since = silent

    def _to_be_looked_at(self) -> list[str]:
        """The requests that are due for a look, but for those that wait in good order.

        These are told by a few calls for all; each but a few of a long backlog is one of them. Some
        have waited for too long, and their failures are due.
        """
        states, now, judged = self.services.states, self.clock(), self.judge()
        due = states.due_at(now, LOOKS)
        entries = {entry.sid: entry for entry in states.get_many(due)}
        jobs = {sid: _awaited(entry) for sid, entry in entries.items()}
        waiting = self.services.dispatcher.waiting([job for each in jobs.values() for job in each])
        next_looks, late = {}, {}
        for sid, awaited in jobs.items():
            answer_by = _answer_by(entries[sid])
            if awaited and waiting.issuperset(awaited):
                next_looks[sid] = min(now + scheduling.LOOK_S, answer_by)
                if judged >= answer_by:
                    late[sid] = _fails_at(entries[sid])
                    next_looks[sid] = now + scheduling.LOOK_S
        self.services.dispatcher.failures_due.add(late)
        states.postpone({sid: (due[sid], at) for sid, at in next_looks.items()})
        return [sid for sid in due if sid not in next_looks]

    def _look_at(self, sid: str) -> None:
        log.bind(request_sid=sid)
        try:
            entry = self.services.states.get(sid)
            if entry is None:
                self.services.states.forget(sid)  # what is not ours: the store has the request
                return
            if entry.state == DONE:
                self.services.states.drop_open(sid)
                return
            self.services.states.look_again(sid, self.clock() + scheduling.LOOK_S)
            self._answer_in_time(entry)
            self._tend_work(entry)
            self._tend_delivery(entry)
        except StoreUnavailable as error:
            logger.warning("the store does not answer", reason=error.message)
        except UNOPENABLE as error:
            self._leave(sid, error)
        finally:
            log.clear()

    def _tend_work(self, entry: RequestState) -> None:
        if entry.state == PROCESSED and entry.delivery == ANSWERED:
            self._tend_end(entry)
        elif entry.state == QUEUED and self._waits(entry.queue, entry.job):
            return  # nobody has it yet: there is nothing to notice before the next usual look
        elif entry.state == PROCESSED or (entry.state == STUCK and self._is_given_up(entry.sid)):
            return
        elif entry.state == WAITING and self._is_ahead(entry.work_at, entry.work_pause):
            self._at(entry, entry.work_at or 0.0)
        elif entry.state != WAITING and self._is_held(entry):
            self._soon(entry)
        else:  # also where the state is one of nobody here
            logger.info("queued again", state=entry.state)
            self.services.dispatcher.process(entry)

    def _is_given_up(self, sid: str) -> bool:
        """True where the store says it as well: whoever gives a request up answers it first."""
        kept = self.services.intake_store
        return kept.has_outcome(sid) or kept.stored_result(sid) is not None

    def _is_held(self, entry: RequestState) -> bool:
        """True if a worker has the request."""
        services = self.services
        if held(services.redis, "process", entry.sid):
            return True
        return entry.job in services.dispatcher.in_flight().get(entry.queue, [])

    def _waits(self, queue: str, job: str) -> bool:
        return bool(queue) and self.services.dispatcher.waits(queue, job)

    def _tend_delivery(self, entry: RequestState) -> None:
        services = self.services
        if entry.delivery == WAITING:
            if self._is_ahead(entry.delivery_at, entry.delivery_pause):
                self._at(entry, entry.delivery_at or 0.0)
            else:
                services.dispatcher.deliver(entry.sid, first=False)
        elif entry.delivery == QUEUED or (entry.delivery is None and entry.state == PROCESSED):
            self._deliver_if_lost(entry)

    def _is_ahead(self, at: float | None, pause: float | None) -> bool:
        """True if a waiting step is still to come: at most as far ahead as when it was written.

        Farther ahead, one of the clocks was wrong.
        """
        ahead = (at or 0.0) - self.clock()
        return 0 < ahead <= min(pause or ahead, LONGEST_WAIT_S) + scheduling.LOOK_S

    def _deliver_if_lost(self, entry: RequestState) -> None:
        services, queue, job = self.services, entry.delivery_queue, entry.delivery_job
        if self._waits(queue, job):
            return
        if (
            held(services.redis, "deliver", entry.sid)
            or held(services.redis, "process", entry.sid)
            or job in services.dispatcher.in_flight().get(queue, [])
        ):
            self._soon(entry)
            return
        logger.info("delivery queued again")
        services.dispatcher.deliver(entry.sid, first=True)

    def _tend_end(self, entry: RequestState) -> None:
        """Answered and processed, yet not finished: a crash fell between the two."""
        finalise.finish(self.services, entry.sid)
        if self.services.intake_store.is_waiting(entry.sid):
            self.services.dispatcher.process(entry)

    def _answer_in_time(self, entry: RequestState) -> None:
        """Note what cannot be done before Twilio gives it up: its failure is due."""
        answer_by = _answer_by(entry)
        if self.judge() < answer_by:
            if answer_by < math.inf:
                self._at(entry, answer_by)
            return
        self.services.dispatcher.failures_due.add({entry.sid: _fails_at(entry)})

    def _send_failures(self) -> None:
        """Queue the failures that are due, as many as may be sent now (decision 0704).

        What has been answered since, or has its result, is only taken off the list.
        """
        failures, judged = self.services.dispatcher.failures_due, self.judge()
        if not failures.count():
            return
        sids = failures.first(judged, failures.may_be_sent(self.clock()))
        entries = self.services.states.get_many(sids)
        due = [entry.sid for entry in entries if _answer_by(entry) <= judged]
        if due:
            self.services.dispatcher.deliver_failures(due)
        failures.drop(sids)

    def _find_forgotten(self) -> None:
        """Queue what is in the intake store and has no state: Redis was lost.

        A state that says "finished" while the record stays is believed for CLOSED_S. Then the
        record goes, where answer and archive say that it is one too many: a late duplicate may have
        written it. Otherwise the request goes on: whoever writes to Redis must not hide one.
        """
        unfinished, closed = self.services.states.open_sids(), self._closed_since
        self._closed_since = {}
        for sid in self.services.intake_store.waiting():
            if sid in unfinished or held(self.services.redis, "process", sid):
                continue
            if self.services.states.knows(sid):
                since = self._closed_since[sid] = closed.get(sid, time.monotonic())
                if time.monotonic() - since < CLOSED_S or self._is_surplus(sid):
                    continue
                if not self.services.intake_store.has_outcome(sid):
                    logger.error("Redis hid an unfinished request", alarm=True, request_sid=sid)
                self.services.states.forget(sid)
            self._adopt(sid)

    def _is_surplus(self, sid: str) -> bool:
        """True if a record is one of a finished request, and gone now, or cannot be opened."""
        try:
            return finalise.remove_surplus(self.services, sid)
        except UNOPENABLE as error:
            self._leave(sid, error)
            return True

    def _adopt(self, sid: str) -> None:
        try:
            record = self.services.intake_store.open(sid)
            request = handlers.read(record)
        except NotStored:
            return
        except UNOPENABLE as error:
            self._leave(sid, error)
            return
        self.services.signature_uses.restore(request.signature)
        if acceptance.claim(self.services.dispatcher, request):
            logger.info("queued again from the store", request_sid=sid)
            self.services.counters.count(declarations.ADOPTED)

    def _leave(self, sid: str, error: Exception) -> None:
        """Call a person once; a document that cannot be opened must not hide other requests."""
        if sid not in self._unreadable:
            self._unreadable.add(sid)
            reason = type(error).__name__
            logger.error("an intake record cannot be read", request_sid=sid, reason=reason)
            self.services.counters.count(declarations.STUCK)

    def _soon(self, entry: RequestState) -> None:
        self._at(entry, self.clock() + SOON_S)

    def _at(self, entry: RequestState, moment: float) -> None:
        self.services.states.look_no_later(entry.sid, moment)


def _answer_by(entry: RequestState) -> float:
    """When a request has to be answered with a failure; infinite for none that ever has to be."""
    length = entry.duration or entry.longest
    if entry.delivery is not None or entry.state in (PROCESSED, STUCK, DONE) or length is None:
        return math.inf
    if not has_deadline(entry.source):
        return math.inf
    return scheduling.answer_by(entry.received_at, length)


def _fails_at(entry: RequestState) -> float:
    """When Twilio fails a request that has a deadline."""
    return scheduling.deadline(entry.received_at, entry.duration or entry.longest or 0.0)


def _awaited(entry: RequestState) -> list[tuple[str, str]]:
    """The queues and jobs that a request waits for and for nothing else; none if it does not."""
    if entry.state not in (QUEUED, PROCESSED) or entry.delivery not in (None, QUEUED, ANSWERED):
        return []
    work = [(entry.queue, entry.job)] if entry.state == QUEUED else []
    delivery = [(entry.delivery_queue, entry.delivery_job)] if entry.delivery == QUEUED else []
    return work + delivery
