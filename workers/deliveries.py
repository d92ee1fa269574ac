"""Worker process for deliveries: sends many results, or events, each in a thread of its own.

The main thread takes jobs, renews the lease of each, and keeps the limits; it never waits for
another host or for the store. A job stays in flight in Redis until its delivery has ended, so that
a killed process loses none. A thread cannot be killed: one that hangs loses its lease, and the
process ends in good order and is started anew.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from redis.exceptions import RedisError
from rq.job import Job
from rq.queue import Queue

from addon import log, tracing
from addon.errors import LeaseLost
from addon.redis_errors import unavailable
from addon.requests import scheduling
from addon.requests.lease import RENEW_S, Lease, release_each
from addon.requests.queues import (
    DELIVER_KIND,
    POLL_S,
    WEBHOOK_KIND,
    DeadlineQueue,
    land,
    sid_of,
)
from workers import marketplace
from workers.deliver import deliver_held
from workers.delivery_hosts import SENDS, HostLimits
from workers.services import Services, services
from workers.webhooks import deliver_held as deliver_webhook

AT_ONCE = SENDS + 16
"""Threads: those that send, and some that read what they are to send or wait for a place."""

LIMIT_S = scheduling.JOB_FLOOR_S
"""Seconds after which a delivery hangs: two tries with a time limit of 120 s are long over."""

GRACE_S = 12.0
"""Seconds that deliveries may go on after SIGTERM; then others take over (spec/runtime 3.1)."""

REDIS_PAUSE_S = 1.0
"""Between two calls of a Redis that does not answer."""

WEBHOOK_NICE = 10
"""About a tenth of a core while others want it: events come after results (sched(7))."""

Send = Callable[[Services, str, Lease, HostLimits], None]

logger = log.get("deliver")


@dataclass(eq=False)
class Delivery:
    """One job under way; times are on the monotonic clock."""

    job: Job
    queue: Queue
    held: Lease
    started: float = field(default_factory=time.monotonic)
    renewed: float = field(default_factory=time.monotonic)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def sid(self) -> str:
        """The request's SID."""
        return sid_of(self.job.id)

    @property
    def hangs(self) -> bool:
        """True if it is longer under way than any delivery can be."""
        return time.monotonic() - self.started > LIMIT_S


class DeliveryWorker:
    """Takes deliveries from its queues and has AT_ONCE of them under way at most.

    `kind` is that of its jobs and leases, and `send` makes one delivery.
    """

    def __init__(
        self,
        services: Services,
        queues: Sequence[str],
        limits: HostLimits | None = None,
        *,
        kind: str = DELIVER_KIND,
        send: Send = deliver_held,
    ) -> None:
        self._kind = kind
        self._send = send
        self._services = services
        self._limits = limits or HostLimits()
        self._queues = [DeadlineQueue(name, connection=services.redis) for name in queues]
        self._running: list[Delivery] = []
        self._stopping = False

    def stop(self, *_signal: object) -> None:
        """Take no more; `run` returns when what is under way has ended, or after GRACE_S."""
        self._stopping = True

    def run(self) -> None:
        """Deliver until told to stop, or until a delivery hangs."""
        tracing.flush()  # makes what all threads share, before there are any
        while not self._stopping:
            try:
                self._step()
            except RedisError as error:
                logger.warning(unavailable(error).message)
                time.sleep(REDIS_PAUSE_S)
        self._end()
        tracing.flush()

    def _step(self) -> None:
        self._clear()
        self._renew()
        for delivery in self._running:
            if delivery.hangs:
                logger.error("a delivery hangs; the process ends", request_sid=delivery.sid)
                self._stopping = True
        if len(self._running) < AT_ONCE and self._take():
            return
        time.sleep(POLL_S)

    def _take(self) -> bool:
        """Begin the next delivery; False where there is none."""
        taken = DeadlineQueue.dequeue_any(self._queues, None, self._services.redis)
        if taken is None:
            return False
        job, queue = taken
        held = Lease(self._services.redis, self._kind, sid_of(job.id))
        if held.take():
            delivery = Delivery(job, queue, held)
            self._running.append(delivery)
            threading.Thread(target=self._deliver, args=(delivery,), daemon=True).start()
        else:
            land(self._services.redis, [(queue, job)])
        return True

    def _deliver(self, delivery: Delivery) -> None:
        """One delivery, in its thread, as part of the trace that its request began."""
        carrier, queue = delivery.job.meta, delivery.queue.name
        try:
            with tracing.span(self._kind, carrier=carrier, request_sid=delivery.sid, queue=queue):
                self._send(self._services, delivery.sid, delivery.held, self._limits)
        except LeaseLost as error:
            logger.warning("left to its new holder", work=self._kind, reason=error.message)
        except Exception:  # nothing of it is lost: the sweeper looks at the request again
            logger.exception("a delivery failed")
        finally:
            delivery.ended.set()

    def _clear(self) -> None:
        """Give the leases of all that has ended back and take their jobs off the in-flight lists.

        In one call each, as many end in a second of an overload. A process that is killed before it
        leaves jobs in flight that the sweeper finds answered.
        """
        ended = [each for each in self._running if each.ended.is_set()]
        release_each(self._services.redis, [each.held for each in ended])
        land(self._services.redis, [(each.queue, each.job) for each in ended])
        self._running = [each for each in self._running if each not in ended]

    def _renew(self) -> None:
        """Renew the leases, but of what hangs: another process has to take that over."""
        for delivery in self._running:
            if delivery.ended.is_set() or delivery.hangs:
                continue
            if time.monotonic() - delivery.renewed >= RENEW_S:
                delivery.renewed = time.monotonic()
                delivery.held.renew()

    def _end(self) -> None:
        """Wait for what is under way, then give the rest back for others to take at once."""
        until = time.monotonic() + GRACE_S
        while True:
            try:
                self._clear()
                self._renew()
            except RedisError:
                logger.warning("Redis does not answer")
            if time.monotonic() >= until or all(each.hangs for each in self._running):
                break
            time.sleep(POLL_S)
        for delivery in self._running:
            self._give_back(delivery)

    def _give_back(self, delivery: Delivery) -> None:
        logger.warning("a delivery is given back", request_sid=delivery.sid)
        try:
            land(self._services.redis, [(delivery.queue, delivery.job)])
            delivery.held.release()
            self._services.states.look_again(delivery.sid, 0.0)
        except RedisError:
            return  # the sweeper finds it in flight without a lease


def main(queues: Sequence[str]) -> None:
    """Deliver from these queues until SIGTERM or SIGINT; the process has to end afterwards."""
    marketplace.keep_connections()
    _run_until_told(DeliveryWorker(services(), queues))


def webhooks(queues: Sequence[str]) -> None:
    """Deliver events from these queues until SIGTERM or SIGINT, behind everything else."""
    os.nice(WEBHOOK_NICE)
    worker = DeliveryWorker(services(), queues, kind=WEBHOOK_KIND, send=deliver_webhook)
    _run_until_told(worker)


def _run_until_told(worker: DeliveryWorker) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, worker.stop)
    worker.run()
