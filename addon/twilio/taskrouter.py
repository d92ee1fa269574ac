"""TaskRouter tasks: finds, reads, merges and writes their attributes (spec/protocol 6.4).

Other programs write to the same attributes, so nothing is written without the version that it was
merged into. A task that is gone is an outcome and not an error.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from addon.errors import TwilioUnavailable
from addon.twilio.rest import Rest
from addon.twilio.sids import is_sid

ATTEMPTS = 5
"""A write that meets another's is merged and tried again at once (spec/protocol 6.4)."""

PAGE_SIZE = 50

Attributes = dict[str, Any]


class Outcome(Enum):
    """Outcome of an update."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"
    GONE = "gone"
    REFUSED = "refused"


@dataclass(frozen=True)
class Task:
    """A task as read singly. `etag` is exactly as received; `attributes` None if they are no JSON
    object, and so cannot be merged into; `queue` is the name of the queue that it is in."""

    sid: str
    attributes: Attributes | None
    etag: str | None
    assignment_status: str
    queue: str | None = None

    def value(self, path: str) -> Any:
        """The attribute at a path of names with dots between; None where there is none."""
        value: Any = self.attributes
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def holds(self, path: str, sid: str) -> bool:
        """True where the attributes have this SID there: a match in a list may be an accident."""
        return bool(self.value(path) == sid)


@dataclass(frozen=True)
class Reservation:
    """An offer of a task to a worker, with what became of it."""

    sid: str
    status: str
    worker_name: str


class TaskRouter:
    """The tasks of one workspace."""

    def __init__(self, rest: Rest, workspace_sid: str) -> None:
        self._rest = rest
        self._root = f"/v1/Workspaces/{workspace_sid}/Tasks"

    def find(self, *, call_sid: str | None = None, conference_sid: str | None = None) -> list[Task]:
        """The tasks of a call: by the worker's leg, else by conference, else by call SID.

        A search that matches one task is believed; of several, those whose own attributes confirm
        it are given. Raises TwilioUnavailable.
        """
        for path, sid in searches(call_sid, conference_sid):
            tasks = list(self._matches(path, sid))
            found = tasks if len(tasks) == 1 else [each for each in tasks if each.holds(path, sid)]
            if found:
                return found
        return []

    def read(self, sid: str) -> Task | None:
        """A task with attributes and version, None if it is gone. Raises TwilioUnavailable."""
        if not is_sid(sid, "WT"):
            return None
        reply = self._rest.call("GET", self._url(sid))
        if reply.status == 404:
            return None
        if reply.status != 200:
            raise reply.unexpected()
        return Task(
            sid=sid,
            attributes=_parsed(reply.document.get("attributes")),
            etag=reply.headers.get("ETag"),
            assignment_status=str(reply.document.get("assignment_status")),
            queue=_text(reply.document, "task_queue_friendly_name"),
        )

    def reservations(self, task_sid: str) -> list[Reservation]:
        """The first PAGE_SIZE reservations of a task. Raises TwilioUnavailable."""
        url = f"{self._root}/{task_sid}/Reservations"
        reply = self._rest.call(
            "GET", self._rest.api.url("taskrouter", url, {"PageSize": str(PAGE_SIZE)})
        )
        if reply.status != 200:
            raise reply.unexpected()
        listed = reply.document.get("reservations")
        return [
            Reservation(
                _text(each, "sid") or "",
                _text(each, "reservation_status") or "",
                _text(each, "worker_name") or "",
            )
            for each in (listed if isinstance(listed, list) else ())
            if isinstance(each, dict)
        ]

    def update(self, sid: str, merge: Callable[[Attributes], Attributes]) -> Outcome:
        """Let `merge` change a copy of the attributes; write it over the version it came from.

        Raises TwilioUnavailable where the task is written to faster than it can be merged.
        """
        refused_etag: str | None = None
        for _ in range(ATTEMPTS):
            task = self.read(sid)
            if task is None:
                return Outcome.GONE
            if task.attributes is None:
                return Outcome.REFUSED
            merged = merge(copy.deepcopy(task.attributes))
            if merged == task.attributes:
                return Outcome.UNCHANGED
            # The same version refused twice is a matter of its quotes (spec/protocol 6.4).
            quoted = task.etag != refused_etag
            outcome = self._write(task, merged, quoted=quoted)
            if outcome is not None:
                return outcome
            refused_etag = task.etag
        raise TwilioUnavailable("the task is being changed faster than it can be merged")

    def _write(self, task: Task, attributes: Attributes, *, quoted: bool) -> Outcome | None:
        """The outcome, or None where another version has to be merged into."""
        if not task.etag:
            raise TwilioUnavailable("the task came without the version that protects it")
        reply = self._rest.call(
            "POST",
            self._url(task.sid),
            form={"Attributes": json.dumps(attributes)},
            headers={"If-Match": task.etag if quoted else unquoted(task.etag)},
        )
        if reply.status == 412:
            return None
        if reply.status == 404:
            return Outcome.GONE
        if reply.status in (400, 409):
            return Outcome.REFUSED
        if not 200 <= reply.status < 300:
            raise reply.unexpected()
        return Outcome.WRITTEN

    def _matches(self, path: str, sid: str) -> Iterator[Task]:
        """Tasks that a search lists, read singly: in a list the attributes are null."""
        query = {"EvaluateTaskAttributes": f"{path} == '{sid}'", "PageSize": str(PAGE_SIZE)}
        reply = self._rest.call("GET", self._rest.api.url("taskrouter", self._root, query))
        if reply.status != 200:
            raise reply.unexpected()
        for listed in reply.document.get("tasks") or ():
            task = self.read(str(listed.get("sid")))
            if task is not None:
                yield task

    def _url(self, sid: str) -> str:
        return self._rest.api.url("taskrouter", f"{self._root}/{sid}")


def searches(call_sid: str | None, conference_sid: str | None) -> list[tuple[str, str]]:
    """Attribute paths and the SIDs they hold in the task of a call, the surest first.

    What is no SID is left out: it becomes part of an expression.
    """
    call = call_sid if call_sid and is_sid(call_sid, "CA") else None
    conference = conference_sid if conference_sid and is_sid(conference_sid, "CF") else None
    wanted = (
        ("conference.participants.worker", call),
        ("conference.sid", conference),
        ("call_sid", call),
    )
    return [(path, sid) for path, sid in wanted if sid]


def unquoted(etag: str) -> str:
    """An entity tag without its quotes and weakness, as some servers compare it."""
    return etag.removeprefix("W/").strip('"')


def _text(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) else None


def _parsed(attributes: object) -> Attributes | None:
    if attributes == "":
        return {}
    try:
        parsed = json.loads(attributes) if isinstance(attributes, str) else None
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None
