"""First delivery of a result, in the process that computed it and beside its next job.

It saves a second job with its queue, and the wait in it. In a process that does not allow it, and
where as many as may are under way, the delivery is queued. A callback that is slow holds up neither
the next job nor a delivery of another process; it is waited for as long as a queued delivery waits,
so that no answer that comes late makes a second delivery (decision 0707).
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from addon import log, tracing
from addon.requests.lease import Lease
from addon.requests.queues import DELIVER_KIND
from addon.requests.request import Request
from addon.requests.results import StoredResult
from workers.services import Services

AT_ONCE = 4
"""Deliveries beside a process's jobs. A callback takes 50 ms and a short job as long: one or two
are usual, and more mean that callbacks are slow, for which the queue has a process of its own."""

logger = log.get("deliver")


@dataclass(frozen=True)
class Answer:
    """A request and the result that this process has just stored for it, the first.

    `held` is the lease of its delivery where this process took it before: as long as that has not
    lapsed, nobody else can have sent the result.
    """

    request: Request
    result: StoredResult
    held: Lease | None = None


Deliver = Callable[[str, Answer | None], None]

_deliver: Deliver | None = None
_threads: list[threading.Thread] = []


def enable(deliver: Deliver) -> None:
    """Allow it in this process, which must call `wait` before it ends."""
    global _deliver
    _deliver = deliver


def running() -> int:
    """The number of deliveries under way in this process."""
    _threads[:] = [thread for thread in _threads if thread.is_alive()]
    return len(_threads)


def take_lease(services: Services, sid: str) -> Lease | None:
    """The lease of a delivery that may begin here; None where it will be a job, or is another's.

    To be taken before its result is stored, and released where nothing comes of it.
    """
    if _deliver is None or running() >= AT_ONCE:
        return None
    held = Lease(services.redis, DELIVER_KIND, sid)
    return held if held.take() else None


def begin(services: Services, sid: str, answer: Answer | None = None) -> None:
    """Deliver a stored result, the `answer` where it is at hand: here at once, or as a job."""
    has_place = answer is not None and answer.held is not None
    if _deliver is None or not (has_place or running() < AT_ONCE):
        services.dispatcher.deliver(sid, first=True)
        return
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(_run, _deliver, sid, answer), daemon=True)
    _threads.append(thread)
    thread.start()


def wait(seconds: float) -> None:
    """Wait until those under way have ended. What does not is found by the sweeper."""
    until = time.monotonic() + seconds
    for thread in _threads:
        thread.join(max(0.0, until - time.monotonic()))


def _run(deliver: Deliver, sid: str, answer: Answer | None) -> None:
    try:
        with tracing.span(DELIVER_KIND, request_sid=sid):
            deliver(sid, answer)
    except Exception as error:
        # With Redis or the store away: its lease ends now, and the sweeper queues a delivery.
        if answer is not None and answer.held is not None:
            answer.held.release()
        logger.warning("a delivery was left", request_sid=sid, reason=type(error).__name__)
