"""The main job: one pass over one recording, from its source to the archive and a result.

Whatever goes wrong, the request ends with a result or stays in the intake to be tried again; it is
never dropped in silence, and nothing is removed before it is safe elsewhere. Running twice does no
harm: every step first looks at what the store already holds.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property

from rq.exceptions import ShutDownImminentException

from addon import log, steady_clock
from addon.archive.deposit import Deposit, Reencoded
from addon.archive.manifest import Manifest, RecordingFacts
from addon.call_facts import Facts
from addon.errors import (
    AlreadyStored,
    ArchiveMismatch,
    KeyMissing,
    NotStored,
    ProcessingFailed,
    RecordingFailed,
    SourceBusy,
    SourceGone,
    SourceRefused,
    SourceUnavailable,
    StoreUnavailable,
    Tampered,
    UnreadableAudio,
    UnreadableDocument,
    WrongQueue,
)
from addon.metrics import declarations
from addon.requests import results, scheduling
from addon.requests.intake_store import IntakeRecord
from addon.requests.lease import Lease, lease
from addon.requests.request import Request
from addon.requests.results import StoredResult
from addon.requests.state import QUEUED, STUCK, RequestState
from workers import announcing, deposit, finalise, first_delivery, handlers, late_answer, source
from workers.first_delivery import Answer
from workers.services import Services, services

TRIES = 3
"""A recording that has ended this many workers is archived unanalysed, with a failure result."""

LAST_TRY = 6
"""Where even that ends workers, the intake is left as it is and a person is called."""

STORE_PAUSE_S = 5.0
"""How long a request waits when the store does not answer."""

OPERATOR_PAUSE_S = 300.0
"""Between two looks whether a setting was changed; each is one request that leads nowhere."""

SOON_S = 2.0
"""A request at work is looked at this often; a lease is given up after four seconds."""

logger = log.get("process")


def process(sid: str) -> None:
    """Process one request. Raises only what its worker has to see: a shutdown, or a defect."""
    log.clear()
    log.bind(request_sid=sid)
    with lease(services().redis, "process", sid) as held:
        if held is None:
            logger.info("another worker has this request")
            return
        try:
            _run(services(), sid, held)
        except ShutDownImminentException:
            services().states.take_back_attempt(sid)
            services().states.look_again(sid, time.time())
            raise


def _run(services: Services, sid: str, held: Lease) -> None:
    try:
        intake = services.intake_store.open(sid)
        Work(services, intake, handlers.read(intake), held).run()
    except NotStored:
        finalise.finished_before(services, sid)
    except StoreUnavailable as error:
        logger.warning("the store does not answer; the request waits", reason=error.message)
        _wait(services, sid, STORE_PAUSE_S)
    except (KeyMissing, Tampered, UnreadableDocument) as error:
        held.confirm()
        _wait(services, sid, finalise.call_for_help(services, error))


@contextmanager
def released_on_error(held: Lease | None) -> Iterator[None]:
    """Give back the lease of a delivery that will not begin, as the block raised."""
    try:
        yield
    except BaseException:
        if held is not None:
            held.release()
        raise


def _wait(services: Services, sid: str, seconds: float) -> None:
    services.states.wait_for_work(sid, seconds)


class Work:
    """One attempt at one recording."""

    def __init__(
        self, services: Services, intake: IntakeRecord, request: Request, held: Lease
    ) -> None:
        self.services = services
        self.intake = intake
        self.request = request
        self.handler = handlers.of(request)
        self.held = held
        self.held_since = steady_clock.now()
        self.sid = request.sid
        self.name = deposit.recording_id(services.archive, request)
        self.state = RequestState(self.sid, QUEUED)

    def run(self) -> None:
        """Take the request as far as it will go."""
        self.state = self.services.states.begin_attempt(self.sid, time.time() + SOON_S)
        if self.state.attempts > 1 and self._is_settled():
            announcing.announce(self.services, self.request)
            finalise.hand_over(self.services, self.sid)
            return
        logger.info("processing", attempt=self.state.attempts)
        try:
            self._attempt(self.state.attempts)
        except StoreUnavailable:
            self.held.confirm()
            self.services.states.take_back_attempt(self.sid)  # it says nothing about the recording
            raise

    def _is_settled(self) -> bool:
        """True if an attempt before did all the work; where Redis was lost, it is seen later."""
        kept = self.services.intake_store.stored_result(self.sid)
        return finalise.is_settled(self.services, self.request, kept)

    def _attempt(self, attempt: int) -> None:
        try:
            if attempt > LAST_TRY:
                logger.error("given up; the recording stays in the intake", attempt=attempt)
                self._give_up()
            elif attempt > TRIES:
                self._end_with(ProcessingFailed(f"{TRIES} tries ended without a result"))
            else:
                self._try()
        except SourceUnavailable as error:
            self.held.confirm()
            self._wait_for_source(error)
        except SourceRefused as error:
            self.held.confirm()
            self._wait_for_operator(error)
        except WrongQueue:
            self.held.confirm()
            self._change_queue()

    def _try(self) -> None:
        try:
            self._analyse()
        except AlreadyStored:
            if self._has_other_name():
                self._begin_again()
            else:
                self._answer_archived()
        except RecordingFailed as error:
            self._raise_if_it_may_come(error)
            logger.warning("no result", code=error.code, reason=error.message)
            self._end_with(error)

    def _analyse(self) -> None:
        """Archive and analyse in one pass, and hand the result over."""
        services, request = self.services, self.request
        options = deposit.options(services.settings, request)
        _ = self._call  # asked beside the analysis
        with self._blocks() as blocks, self._place() as place:
            found = deposit.analysed(place, self._in_queue(blocks), options, self.name)
            seconds = found.report.duration_seconds
            analysed_at = time.time()
            facts = deposit.facts(found, request)
            place.compare(facts, found.reencoded)  # before a result is kept that calls it archived
            result = deposit.result(found, request)
            document = results.successful(self.sid, result) | {"call": self._call()}
            place.analysis(document)
            answer = self._keep(results.for_callback(self.sid, result, services.settings))
            with released_on_error(answer.held if answer else None):
                manifest = self._commit(place, facts, found.reencoded)
        logger.info("archived", seconds_of_audio=seconds, recording=self.name)
        announcing.announce(services, request, result=result)
        finalise.hand_over(
            services,
            self.sid,
            answer=answer,
            duration=seconds,
            analysed_at=analysed_at,
            archived_at=time.time(),
        )
        services.catalogue.write(manifest, document)  # nobody's answer waits for it

    def _give_up(self) -> None:
        """Answer with a failure and call a person; marked last, so that a crash comes back here."""
        unfinished = ProcessingFailed(f"{LAST_TRY} tries ended without a result")
        document = results.failed(self.sid, unfinished)
        self._stop_if_not_ours()
        self.services.intake_store.store_result(
            self.sid, StoredResult(document, final=False, archivable=True)
        )
        announcing.announce_failure(self.services, self.request, unfinished.code)
        if not finalise.is_answered(self.services, self.sid):
            self.services.dispatcher.deliver(self.sid, first=True)
        self.services.states.mark(self.sid, state=STUCK)
        self.services.counters.count(declarations.STUCK)

    def _answer_archived(self) -> None:
        """Hand over for a recording that is committed, or was and is erased.

        An analysis is kept before its commit. Without one a crash came between archiving bytes as
        received and keeping their failure.
        """
        answer = None
        if self.services.intake_store.stored_result(self.sid) is None:
            unread = ProcessingFailed("the recording was archived, but could not be analysed")
            answer = self._keep(results.failed(self.sid, unread))
        announcing.announce(self.services, self.request)
        finalise.hand_over(self.services, self.sid, answer=answer)

    def _end_with(self, error: RecordingFailed) -> None:
        """Answer with a failure; what can be kept of the recording is archived as received."""
        archivable = not isinstance(error, SourceGone) and self._archive_as_received(error)
        if not archivable and isinstance(error, ProcessingFailed | ArchiveMismatch):
            error.remedy = "Nothing could be archived: the recording cannot be fetched any more."
        answer = self._keep(results.failed(self.sid, error), archivable=archivable)
        announcing.announce(self.services, self.request)
        found = {"code": error.code} if isinstance(error, UnreadableAudio) else {}
        finalise.hand_over(self.services, self.sid, answer=answer, **found)

    def _archive_as_received(self, error: RecordingFailed) -> bool:
        """Archive the bytes unread; True if they lie in the archive now."""
        if not isinstance(error, UnreadableAudio | ProcessingFailed | ArchiveMismatch):
            return False
        intake = self.services.intake_store.open(self.sid)
        document = results.failed(self.sid, error)
        tries, settings = self.state.fetches, self.services.settings
        try:
            with (
                self.handler.as_received(settings, self.request, intake, tries) as blocks,
                self._place() as place,
            ):
                document["call"] = self._call()
                facts = deposit.unanalysed(place, blocks, self.request, document, settings)
                if facts is not None:
                    manifest = self._commit(place, facts)
                    self.services.catalogue.write(manifest, document)
                return facts is not None
        except AlreadyStored:
            return True
        except RecordingFailed as refused:
            self._raise_if_it_may_come(refused)
            return False

    def _raise_if_it_may_come(self, error: RecordingFailed) -> None:
        """Raises a refusal that an operator may lift, where the recording is waited for."""
        if isinstance(error, SourceRefused) and error.origin and self.handler.waits_for_source:
            raise error

    @cached_property
    def _call(self) -> Callable[[], Facts]:
        """Asks for the facts of the call once, and gives them."""
        return self.handler.ask_call(self.services.settings, self.request)

    def _blocks(self) -> AbstractContextManager[Iterator[bytes]]:
        settings, tries = self.services.settings, self.state.fetches
        return self.handler.audio(settings, self.request, self.intake, tries)

    def _in_queue(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """The same blocks; raises WrongQueue where they are too many for short clips' queue."""
        short = self.state.queue == scheduling.EXPRESS
        limit = scheduling.EXPRESS_BYTES if short else math.inf
        size = 0
        for block in blocks:
            size += len(block)
            if size > limit:
                raise WrongQueue("longer than it was taken for")
            yield block

    def _has_other_name(self) -> bool:
        """True where another request of the same recording has taken its place meanwhile."""
        return self.name != deposit.recording_id(self.services.archive, self.request)

    def _begin_again(self) -> None:
        """Begin again under the request's own name."""
        logger.info("another request of the same recording was archived meanwhile")
        self.held.confirm()
        self.services.states.take_back_attempt(self.sid)
        _wait(self.services, self.sid, 0.0)

    def _change_queue(self) -> None:
        """Begin again in the queue of longer recordings: short clips must not wait for this one."""
        seconds = scheduling.longer(self.state.longest)
        logger.info("longer than it was taken for", seconds=seconds)
        self.services.states.take_back_attempt(self.sid)
        self.services.states.mark(self.sid, estimate=seconds)
        _wait(self.services, self.sid, 0.0)

    def _place(self) -> Deposit:
        return self.services.archive.deposit(self.request.tenant, self.name)

    def _keep(self, document: dict[str, object], *, archivable: bool = True) -> Answer | None:
        """Keep the answer; None where one was given in the meantime, which stays as it is.

        One that comes after the time for it is the failure that was due then.
        """
        held = first_delivery.take_lease(self.services, self.sid)
        with released_on_error(held):
            self._stop_if_not_ours()
            is_late = late_answer.is_due(self.request, self.held_since)
            if is_late:
                document = late_answer.document(self.sid, self.services.intake_store.open(self.sid))
            result = StoredResult(document, final=True, archivable=archivable)
            is_kept = self.services.intake_store.store_result(self.sid, result)
        if is_kept and not is_late:
            return Answer(self.request, result, held)
        if held is not None:
            held.release()
        if is_kept:
            return None  # it may have been sent without being stored
        kept = self.services.intake_store.stored_result(self.sid)
        if kept is not None and not archivable:
            self.services.intake_store.nothing_to_archive(self.sid, kept)
        return None

    def _commit(
        self, place: Deposit, facts: RecordingFacts, reencoded: Reencoded | None = None
    ) -> Manifest:
        self._stop_if_not_ours()
        manifest = place.commit(facts, reencoded)
        finalise.remember(self.sid, place.written)
        status = facts.redaction or declarations.UNKNOWN
        self.services.counters.count(declarations.REDACTIONS, status)
        return manifest

    def _stop_if_not_ours(self) -> None:
        """Raises LeaseLost where another worker has the request, NotStored where one is done.

        In this order: with the lease confirmed, whoever had it in between has left their record.
        Where it was ours all the time, nobody has.
        """
        self.held.confirm()
        if self.held.has_lapsed():
            self.held_since = steady_clock.now()
            if not self.services.intake_store.is_waiting(self.sid):
                raise NotStored("another worker has finished this request")

    def _wait_for_operator(self, error: SourceRefused) -> None:
        """Keep the recording until its origin is allowed: nobody announces it a second time."""
        origin = error.origin or ""
        self.services.states.take_back_attempt(self.sid)
        logger.error("a recording waits: its host is not allowed", alarm=True, origin=origin)
        self.services.counters.count(declarations.ORIGINS_REFUSED, origin)
        _wait(self.services, self.sid, OPERATOR_PAUSE_S)

    def _wait_for_source(self, error: SourceUnavailable) -> None:
        """Leave the worker free until the source is worth another try."""
        busy = isinstance(error, SourceBusy)  # waiting as it is told: nothing is given up
        tries = self.state.fetches if busy else self.services.states.count(self.sid, "fetches")
        self.services.states.take_back_attempt(self.sid)
        if tries > source.TRIES and not busy and not self.handler.waits_for_source:
            self._end_with(SourceGone(error.message))
            return
        logger.info("the recording is not there yet", tries=tries, reason=error.message)
        _wait(self.services, self.sid, source.pause_after(tries, error.retry_after))
