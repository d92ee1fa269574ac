"""A Twilio of our own, over real HTTP: recordings and their media, TaskRouter, IAM.

Everything is on one loopback origin with Twilio's paths, as TWILIO_BASE_URL promises, so that the
official `twilio` client and our code can talk to the same one. Its state is plain dictionaries.
"""

from __future__ import annotations

import email.utils
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import urllib3

from addon.outbound import Credentials, Origins, Outbound, Timeouts
from addon.twilio.rest import Rest, TwilioApi
from tests.outbound.loopback import Answer, Loopback, Request
from tests.web.requests import signature

if TYPE_CHECKING:
    from twilio.rest import Client

ACCOUNT = "AC" + "0a" * 16
TOKEN = "account-token"
KEY, KEY_SECRET = "SK" + "5e" * 16, "key-secret"
CREDENTIALS = (Credentials(ACCOUNT, TOKEN), Credentials(KEY, KEY_SECRET))
WORKSPACE = "WS" + "7d" * 16
EPOCH = datetime(2026, 3, 4, 10, 15, 30, tzinfo=UTC)

NOT_FOUND_XML = (
    b'<?xml version="1.0"?><TwilioResponse><RestException><Code>20404</Code>'
    b"<Status>404</Status></RestException></TwilioResponse>"
)


def sid(prefix: str, number: int) -> str:
    return f"{prefix}{number:032x}"


def wav(channels: int = 2) -> bytes:
    """Enough of a WAV file to be told from anything else."""
    data = bytes(range(256)) * 16 * channels
    return b"RIFF" + (36 + len(data)).to_bytes(4, "little") + b"WAVEfmt " + data


def says(status: int, document: Mapping[str, Any] | None = None, **headers: str) -> Answer:
    body = b"" if document is None else json.dumps(document).encode()
    return Answer(status, body, {"Content-Type": "application/json", **headers})


def error(status: int, code: int, message: str = "") -> Answer:
    return says(status, {"code": code, "message": message, "status": status})


@dataclass
class StoredTask:
    attributes: str
    queue: str | None = None
    reservations: list[dict[str, Any]] = field(default_factory=list)
    version: int = 0
    assignment_status: str = "assigned"

    @property
    def etag(self) -> str:
        return f'"{self.version}"'


@dataclass
class StandIn:
    """`trouble` maps a path to answers given before the real one; `storage`, where set, is where
    media redirects to; `before_write` runs between a writer's read and its write."""

    host: Loopback = field(default_factory=Loopback)
    storage: Loopback | None = None
    recordings: dict[str, dict[str, Any]] = field(default_factory=dict)
    media: dict[str, bytes] = field(default_factory=dict)
    calls: dict[str, dict[str, Any]] = field(default_factory=dict)
    tasks: dict[str, StoredTask] = field(default_factory=dict)
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    trouble: dict[str, list[Answer]] = field(default_factory=dict)
    before_write: Callable[[str], None] | None = None
    quoted_etags: bool = True
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def running(self) -> Iterator[StandIn]:
        self.host.otherwise = self._serve
        with ExitStack() as stack:
            stack.enter_context(self.host.running())
            if self.storage:
                self.storage.otherwise = self._serve_stored
                stack.enter_context(self.storage.running())
            yield self

    def client(self) -> Client:
        """The official client, pointed here."""
        from twilio.rest import Client  # heavy, and few tests need it

        client = Client(ACCOUNT, TOKEN)
        for domain in (client.api, client.taskrouter):
            domain.base_url = self.host.origin
        return client

    def rest(self) -> Rest:
        """Ours, pointed here."""
        api = TwilioApi(ACCOUNT, TOKEN, base_url=self.host.origin)
        storage = (self.storage.origin,) if self.storage else ()
        timeouts = Timeouts(connect=2, read=5, total=10)
        return Rest(api, Outbound(Origins([self.host.origin, *storage]), timeouts=timeouts))

    def record(self, number: int, audio: bytes | None = None, **more: Any) -> str:
        """Add a recording; give its SID."""
        recording = sid("RE", number)
        created = email.utils.format_datetime(EPOCH + timedelta(minutes=number))
        channels = more.get("channels", 2)
        self.recordings[recording] = {
            "sid": recording,
            "account_sid": ACCOUNT,
            "api_version": "2010-04-01",
            "call_sid": sid("CA", number),
            "conference_sid": None,
            "status": "completed",
            "source": "Conference",
            "channels": channels,
            "duration": "37",
            "start_time": created,
            "date_created": created,
            "date_updated": created,
            "encryption_details": None,
            "error_code": None,
            "media_url": f"{self.host.origin}/2010-04-01/Accounts/{ACCOUNT}/Recordings/{recording}",
            "uri": f"/2010-04-01/Accounts/{ACCOUNT}/Recordings/{recording}.json",
        } | more
        self.media[recording] = wav(channels) if audio is None else audio
        return recording

    def task(self, number: int, attributes: Any) -> str:
        """Add a task; give its SID."""
        task = sid("WT", number)
        text = attributes if isinstance(attributes, str) else json.dumps(attributes)
        self.tasks[task] = StoredTask(text)
        return task

    def attributes(self, task: str) -> Any:
        return json.loads(self.tasks[task].attributes)

    def write(self, task: str, change: Callable[[dict[str, Any]], Any]) -> None:
        """Another program's write, straight into the state."""
        with self._lock:
            attributes = self.attributes(task)
            change(attributes)
            self._store(task, json.dumps(attributes))

    def call_back(self, service_url: str, recording: str) -> int:
        """Send a recording's status callback, signed; give the service's status."""
        url = f"{service_url}/flex/recording-status"
        resource = self.recordings[recording]
        fields = {
            "AccountSid": ACCOUNT,
            "RecordingSid": recording,
            "RecordingStatus": resource["status"],
            "CallSid": resource["call_sid"],
            "RecordingDuration": resource["duration"],
            "RecordingChannels": str(resource["channels"]),
        }
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": signature(url, list(fields.items()), TOKEN),
        }
        body = urlencode(fields)
        with urllib3.PoolManager() as pool:
            return pool.request("POST", url, body=body, headers=headers, retries=False).status

    def count(self, method: str, path: str) -> int:
        asked = (each for each in self.host.requests if each.method == method)
        return sum(urlsplit(each.path).path == path for each in asked)

    def _serve(self, request: Request) -> Answer:
        path = urlsplit(request.path).path
        if request.authorization not in (each.header for each in CREDENTIALS):
            return error(401, 20003, "Authenticate")
        if self.trouble.get(path):
            return self.trouble[path].pop(0)
        query = {k: v[0] for k, v in parse_qs(urlsplit(request.path).query).items()}
        for pattern, handler in self._ROUTES:
            found = re.fullmatch(pattern, path)
            if found:
                return handler(self, request, query, *found.groups())
        return error(404, 20404, "no such resource")

    def _serve_stored(self, request: Request) -> Answer:
        if request.authorization is not None:
            return Answer(400, b"<Error><Code>InvalidArgument</Code></Error>")
        name = urlsplit(request.path).path.rpartition("/")[2]
        return Answer(200, self.media[name], {"Content-Type": "audio/x-wav"})

    def _recording(self, request: Request, _query: dict[str, str], name: str) -> Answer:
        recording = self.recordings.get(name)
        if recording is None:
            return error(404, 20404)
        if request.method != "DELETE":
            return says(200, recording)
        if recording["status"] != "completed":
            return error(400, 20409, "not completed")
        del self.recordings[name], self.media[name]
        return Answer(204)

    def _list(self, _request: Request, query: dict[str, str]) -> Answer:
        newest = sorted(self.recordings.values(), key=lambda each: each["sid"], reverse=True)
        found = [each for each in newest if _within(each["date_created"], query)]
        size, page = int(query.get("PageSize", 50)), int(query.get("Page", 0))
        rest = found[(page + 1) * size :]
        onwards = urlencode({**query, "PageSize": size, "Page": page + 1, "PageToken": "PA1"})
        root = f"/2010-04-01/Accounts/{ACCOUNT}/Recordings.json"
        return says(
            200,
            {
                "recordings": found[page * size : (page + 1) * size],
                "page": page,
                "page_size": size,
                "next_page_uri": f"{root}?{onwards}" if rest else None,
                "uri": root,
            },
        )

    def _media(
        self, _request: Request, query: dict[str, str], name: str, suffix: str | None
    ) -> Answer:
        audio = self.media.get(name)
        if audio is None:
            return Answer(404, NOT_FOUND_XML, {"Content-Type": "application/xml"})
        if query.get("RequestedChannels") == "2" and self.recordings[name]["channels"] != 2:
            return error(400, 21220, "dual channel is not available")
        if self.storage:
            return Answer(307, b"", {"Location": self.storage.url(f"/bucket/{name}?sig=once")})
        kind = "audio/mpeg" if suffix == ".mp3" else "audio/x-wav"
        return Answer(200, audio, {"Content-Type": kind})

    def _tasks(self, _request: Request, query: dict[str, str], _workspace: str) -> Answer:
        expression = query.get("EvaluateTaskAttributes", "")
        wanted = re.fullmatch(r"([\w.]+) == '(\w+)'", expression)
        if expression and not wanted:
            return error(400, 20001, "the expression cannot be read")
        found = [name for name in self.tasks if not wanted or self._holds(name, *wanted.groups())]
        listed = [{**self._task_document(name), "attributes": None} for name in found]
        return says(200, {"tasks": listed, "meta": {"key": "tasks", "next_page_url": None}})

    def _task(self, request: Request, _query: dict[str, str], _workspace: str, name: str) -> Answer:
        if request.method == "POST" and self.before_write:
            self.before_write(name)
        with self._lock:
            task = self.tasks.get(name)
            if task is None:
                return error(404, 20404)
            if request.method == "POST":
                if not self._version_matches(request.headers.get("if-match"), task):
                    return error(412, 20412, "the task has another version")
                form = parse_qs(request.body.decode(), keep_blank_values=True)
                self._store(name, form["Attributes"][0])
            return says(200, self._task_document(name), ETag=task.etag)

    def _store(self, task: str, attributes: str) -> None:
        self.tasks[task].attributes = attributes
        self.tasks[task].version += 1

    def _version_matches(self, wanted: str | None, task: StoredTask) -> bool:
        etag = task.etag if self.quoted_etags else task.etag.strip('"')
        return wanted in (None, "*", etag)

    def _task_document(self, name: str) -> dict[str, Any]:
        task = self.tasks[name]
        return {
            "sid": name,
            "account_sid": ACCOUNT,
            "workspace_sid": WORKSPACE,
            "attributes": task.attributes,
            "assignment_status": task.assignment_status,
            "task_queue_friendly_name": task.queue,
        }

    def _reservations(
        self, _request: Request, _query: dict[str, str], _workspace: str, name: str
    ) -> Answer:
        task = self.tasks.get(name)
        return error(404, 20404) if task is None else says(200, {"reservations": task.reservations})

    def _call(self, _request: Request, _query: dict[str, str], name: str) -> Answer:
        call = self.calls.get(name)
        return error(404, 20404) if call is None else says(200, {"sid": name, **call})

    def _holds(self, name: str, path: str, value: str) -> bool:
        try:
            found = self.attributes(name)
            for step in path.split("."):
                found = found[step]
        except (ValueError, KeyError, TypeError):
            return False
        # As TaskRouter: an array attribute is compared by containment in some expressions.
        return bool(found == value or (isinstance(found, list) and value in found))

    def _validate(self, request: Request, _query: dict[str, str]) -> Answer:
        known = self.tokens.get(json.loads(request.body)["token"])
        return says(200, known or {"valid": False, "code": 20101, "message": "invalid token"})

    _ROUTES = (
        (rf"/2010-04-01/Accounts/{ACCOUNT}/Recordings\.json", _list),
        (rf"/2010-04-01/Accounts/{ACCOUNT}/Recordings/(RE\w{{32}})\.json", _recording),
        (rf"/2010-04-01/Accounts/{ACCOUNT}/Recordings/(RE\w{{32}})(\.wav|\.mp3)?", _media),
        (rf"/2010-04-01/Accounts/{ACCOUNT}/Calls/(CA\w{{32}})\.json", _call),
        (r"/v1/Workspaces/(WS\w{32})/Tasks/(WT\w{32})/Reservations", _reservations),
        (r"/v1/Workspaces/(WS\w{32})/Tasks", _tasks),
        (r"/v1/Workspaces/(WS\w{32})/Tasks/(WT\w{32})", _task),
        (rf"/v1/Accounts/{ACCOUNT}/Tokens/validate", _validate),
    )


def _within(created: str, query: Mapping[str, str]) -> bool:
    moment = email.utils.parsedate_to_datetime(created)
    since, until = query.get("DateCreated>"), query.get("DateCreated<")
    return not (
        (since and moment < datetime.fromisoformat(since))
        or (until and moment > datetime.fromisoformat(until))
    )
