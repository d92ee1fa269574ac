"""The facts of a Flex recording's call, asked of TaskRouter and Twilio while it is analysed.

They never hold a recording up: all questions together have ASKED_WITHIN_S, a source that fails
gives reasons in place of facts, and nothing is raised.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from addon import log
from addon.call_facts import Absent, Facts, all_absent, gathered
from addon.errors import AddonError
from addon.outbound import Outbound
from addon.settings import Settings
from addon.twilio import calls
from addon.twilio.call_sources import Source, agent_of, customer_leg, of_call, of_task
from addon.twilio.rest import BoundedRest, TwilioApi
from addon.twilio.status_callback import StatusCallback
from addon.twilio.taskrouter import Task, TaskRouter
from workers import flex_task

ASKED_WITHIN_S = 5.0
"""Of four or five requests of a tenth of a second each; analysis itself takes about as long."""

OF_TASK = ("from", "to", "direction", "agent", "queue", "outcome", "task_sid")
OF_CALL = ("from", "to", "direction", "agent", "started_at", "duration_seconds")
"""The facts that each source may give: it is asked where one of them is kept."""

logger = log.get("flex")


def ask(settings: Settings, callback: StatusCallback) -> Callable[[], Facts]:
    """Begin to ask, in a thread that ends within ASKED_WITHIN_S; the function waits for the facts.

    It waits until that time at the longest, and never raises.
    """
    if not settings.call_facts:
        return lambda: gathered(())
    found: list[Facts] = []
    thread = threading.Thread(
        target=lambda: found.append(_facts(settings, callback)), name="call-facts", daemon=True
    )
    thread.start()

    def facts() -> Facts:
        thread.join(ASKED_WITHIN_S)
        late = all_absent("Twilio did not answer in time.")
        return found[0] if found else gathered(settings.call_facts, late)

    return facts


def _facts(settings: Settings, callback: StatusCallback) -> Facts:
    try:
        api = TwilioApi.from_settings(settings)
        rest = BoundedRest(api, Outbound(api.origins()), ASKED_WITHIN_S)
        return gathered(settings.call_facts, *_sources(settings, rest, callback))
    except Exception as error:
        defect = type(error).__name__
    # Outside the handler: the error's text may hold a number, and a log that fails prints it.
    logger.error("the call's facts could not be read", reason=defect)
    return gathered(settings.call_facts, all_absent("The sources' answers could not be read."))


def _sources(settings: Settings, rest: BoundedRest, callback: StatusCallback) -> Iterator[Source]:
    """The task's sources, then the call resource's; each says why it has nothing."""
    kept = set(settings.call_facts)
    call_sid = callback.call_sid
    if kept & set(OF_TASK):
        try:
            task = _task(settings, rest, callback)
            if isinstance(task, str):
                yield {"task_sid": callback.task_sid}
                yield all_absent(task, *OF_TASK)
            else:
                router = TaskRouter(rest, settings.flex_workspace_sid or "")
                call_sid = customer_leg(task) or call_sid
                agent = _agent(router, task, callback) if "agent" in kept else None
                yield from of_task(task, agent)
        except AddonError as error:
            yield {"task_sid": callback.task_sid}
            yield all_absent(f"{error.message}.", *OF_TASK)
    if not kept & set(OF_CALL):
        return
    if not call_sid:
        yield all_absent("The recording names no call.", *OF_CALL)
        return
    try:
        call = calls.fetch(rest, call_sid)
        yield all_absent("Twilio knows no such call.", *OF_CALL) if call is None else of_call(call)
    except AddonError as error:
        yield all_absent(f"{error.message}.", *OF_CALL)


def _agent(router: TaskRouter, task: Task, callback: StatusCallback) -> object:
    try:
        return agent_of(router.reservations(task.sid), callback.reservation_sid)
    except AddonError as error:
        return Absent(f"{error.message}.")


def _task(settings: Settings, rest: BoundedRest, callback: StatusCallback) -> Task | str:
    """The one task of the recording, or why there is none. Raises TwilioUnavailable."""
    if not settings.flex_workspace_sid:
        return "FLEX_WORKSPACE_SID is not set."
    if flex_task.is_old(callback):
        return "The call is older than any task."
    found = flex_task.tasks(TaskRouter(rest, settings.flex_workspace_sid), callback)
    if len(found) == 1:
        return found[0]
    return "There are several tasks of this call." if found else "There is no task of this call."
