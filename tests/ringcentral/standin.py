"""A RingCentral of our own, over real HTTP: OAuth, recordings and their content, the call log,
subscriptions.

It is as strict as spec/protocol 7 asks: codes need their PKCE verifier, a refresh token works once,
whoever asks too often gets 429, and each recording is for the people it names. Calls and media are
on two origins where `media` is given, else on one, as RINGCENTRAL_BASE_URL promises for tests.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.calls import wav
from tests.outbound.loopback import Answer, Loopback, Request

CLIENT_ID = "client-id-1"
CLIENT_SECRET = "client-secret-1"
JWT = "eyJ.service.account"
ACCOUNT = "400123456"
SERVICE_USER = "400999"
PUBLIC = "/restapi/v1.0/account/~"


def says(status: int, document: Any = None, **headers: str) -> Answer:
    body = b"" if document is None else json.dumps(document).encode()
    return Answer(status, body, {"Content-Type": "application/json", **headers})


def refused(status: int, code: str, **headers: str) -> Answer:
    return says(status, {"errorCode": code, "message": "refused"}, **headers)


@dataclass
class Stored:
    id: str
    audio: bytes
    people: set[str]
    content_type: str = "audio/x-wav"
    etag: str | None = None
    session: str = "s-0001"
    start: str = "2026-03-04T10:15:30.000Z"
    duration: int = 1
    content_uri: str | None = None


@dataclass
class StandIn:
    """`trouble` maps a path to answers given before the real one; `ranged` answers a Range with a
    part, as RingCentral does, and `longest_part` cuts that part short; `person` signs in next."""

    host: Loopback = field(default_factory=Loopback)
    person: str = "63001"
    public_client: bool = False
    token_life: int = 3600
    ranged: bool = True
    longest_part: int | None = None
    port_in_uri: bool = False
    redirect_uris: set[str] = field(default_factory=set)
    recordings: dict[str, Stored] = field(default_factory=dict)
    trouble: dict[str, list[Answer]] = field(default_factory=dict)
    subscriptions: dict[str, dict[str, Any]] = field(default_factory=dict)
    on_subscribe: Callable[[str], bool] = lambda _address: True
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    access: dict[str, tuple[str, float]] = field(default_factory=dict)
    refresh: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def running(self) -> Iterator[StandIn]:
        self.host.otherwise = self._serve
        with ExitStack() as stack:
            stack.enter_context(self.host.running())
            yield self

    @property
    def url(self) -> str:
        return self.host.origin

    def record(self, number: int = 1, **more: Any) -> Stored:
        audio = more.pop("audio", None) or wav()
        stored = Stored(
            **{"id": str(5000 + number), "audio": audio, "people": {self.person}} | more
        )
        self.recordings[stored.id] = stored
        return stored

    def asked(self, ending: str) -> list[Request]:
        """The requests so far whose path ends so, without their queries."""
        return [each for each in self.host.requests if each.path.partition("?")[0].endswith(ending)]

    def expire(self) -> None:
        """End every access token at once; refresh tokens go on."""
        self.access = {token: (person, 0.0) for token, (person, _) in self.access.items()}

    def _serve(self, request: Request) -> Answer:
        path = request.path.partition("?")[0]
        waiting = self.trouble.get(path)
        if waiting:
            return waiting.pop(0)
        with self._lock:
            if path == "/restapi/oauth/authorize":
                return self._authorize(request)
            if path == "/restapi/oauth/token":
                return self._token(request)
            if path == "/restapi/oauth/revoke":
                return says(200)
            person = self._person(request)
            if person is None:
                return refused(401, "OAU-151")
            return self._api(request, path, person)

    def _api(self, request: Request, path: str, person: str) -> Answer:
        if path == f"{PUBLIC}/call-log":
            return self._call_log(request, person)
        if path.startswith("/restapi/v1.0/subscription"):
            return self._subscription(request, path)
        found = re.fullmatch(r"/restapi/v1\.0/account/(~|\d+)/recording/(\w+)(/content)?", path)
        stored = self.recordings.get(found[2]) if found else None
        if found is None or stored is None:
            return refused(404, "CMN-102")
        if person not in stored.people:
            return refused(403, "CMN-401")
        return self._content(request, stored) if found[3] else says(200, self._entry(stored))

    def _authorize(self, request: Request) -> Answer:
        asked = _query(request)
        if (
            asked.get("response_type") != "code"
            or asked.get("client_id") != CLIENT_ID
            or asked.get("redirect_uri") not in self.redirect_uris
            or asked.get("code_challenge_method") != "S256"
        ):
            return says(400, {"error": "invalid_request"})
        code = secrets.token_urlsafe(12)
        self.codes[code] = {**asked, "person": self.person}
        back = urlencode({"code": code, "state": asked.get("state", ""), "expires_in": "60"})
        return Answer(302, b"", {"Location": f"{asked['redirect_uri']}?{back}"})

    def _token(self, request: Request) -> Answer:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if not self._is_client(request, form):
            return says(401, {"error": "invalid_client"})
        match form.get("grant_type"):
            case "authorization_code":
                begun = self.codes.pop(form.get("code", ""), None)
                proof = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
                challenge = base64.urlsafe_b64encode(proof).decode().rstrip("=")
                good = (
                    begun is not None
                    and begun["redirect_uri"] == form.get("redirect_uri")
                    and begun["code_challenge"] == challenge
                )
                return self._grant(begun["person"]) if good and begun else _invalid_grant()
            case "refresh_token":
                text = form.get("refresh_token", "")
                person = self.refresh.pop(text, None)
                self.used.add(text)
                return self._grant(person) if person else _invalid_grant()
            case "urn:ietf:params:oauth:grant-type:jwt-bearer":
                good = form.get("assertion") == JWT
                return self._grant(SERVICE_USER) if good else _invalid_grant()
        return says(400, {"error": "unsupported_grant_type"})

    def _is_client(self, request: Request, form: dict[str, str]) -> bool:
        if self.public_client:
            return form.get("client_id") == CLIENT_ID and request.authorization is None
        pair = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        return request.authorization == f"Basic {pair}"

    def _grant(self, person: str) -> Answer:
        access, refresh = secrets.token_urlsafe(12), secrets.token_urlsafe(12)
        self.access[access] = (person, time.time() + self.token_life)
        self.refresh[refresh] = person
        return says(
            200,
            {
                "access_token": access,
                "token_type": "bearer",
                "expires_in": self.token_life,
                "refresh_token": refresh,
                "refresh_token_expires_in": 604800,
                "scope": "ReadCallRecording ReadCallLog",
                "owner_id": person,
                "endpoint_id": "ep-1",
            },
        )

    def _person(self, request: Request) -> str | None:
        scheme, _, token = (request.authorization or "").partition(" ")
        person, until = self.access.get(token, ("", 0.0))
        return person if scheme == "Bearer" and until > time.time() else None

    def _entry(self, stored: Stored) -> dict[str, Any]:
        path = f"/restapi/v1.0/account/{ACCOUNT}/recording/{stored.id}"
        return {
            "uri": f"{self.url}{path}",
            "id": stored.id,
            "contentUri": stored.content_uri or f"{self.url}{path}/content",
            "contentType": stored.content_type,
            "duration": stored.duration,
        }

    def _content(self, request: Request, stored: Stored) -> Answer:
        audio, headers = stored.audio, {"Content-Type": stored.content_type}
        if stored.etag:
            headers["ETag"] = stored.etag
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
        if match is None or not self.ranged:
            return Answer(200, audio, headers)
        first, last = int(match[1]), int(match[2] or len(audio) - 1)
        last = min(last, len(audio) - 1, first + (self.longest_part or len(audio)) - 1)
        if first >= len(audio):
            return Answer(416, b"", headers | {"Content-Range": f"bytes */{len(audio)}"})
        headers["Content-Range"] = f"bytes {first}-{last}/{len(audio)}"
        return Answer(206, audio[first : last + 1], headers)

    def _call_log(self, request: Request, person: str) -> Answer:
        asked = _query(request)
        page, per_page = int(asked.get("page", "1")), int(asked.get("perPage", "100"))
        by_session: dict[str, list[Stored]] = {}
        for stored in self.recordings.values():
            late_enough = asked.get("dateFrom", "") <= stored.start <= asked.get("dateTo", "9")
            wanted = asked.get("telephonySessionId", stored.session) == stored.session
            if person in stored.people and late_enough and wanted:
                by_session.setdefault(stored.session, []).append(stored)
        records = [self._record(session, found) for session, found in by_session.items()]
        shown = records[(page - 1) * per_page : page * per_page]
        more = {"nextPage": {"uri": "..."}} if page * per_page < len(records) else {}
        return says(
            200,
            {"records": shown, "paging": {"page": page, "perPage": per_page}, "navigation": more},
        )

    def _record(self, session: str, found: list[Stored]) -> dict[str, Any]:
        """A call in detail: one recording on the call and on its legs (spec/protocol 7.2)."""
        return {
            "id": f"call-{session}",
            "sessionId": session.removeprefix("s-"),
            "telephonySessionId": session,
            "startTime": min(each.start for each in found),
            "duration": sum(each.duration for each in found),
            "direction": "Inbound",
            "recording": self._entry(found[0]) | {"type": "Automatic"},
            "legs": [
                {
                    "startTime": each.start,
                    "duration": each.duration,
                    "recording": self._entry(each) | {"type": "Automatic"},
                }
                for each in (*found, found[0])
            ],
        }

    def _subscription(self, request: Request, path: str) -> Answer:
        name = path.removeprefix("/restapi/v1.0/subscription").strip("/")
        if request.method == "POST" and not name:
            wanted = json.loads(request.body)
            self._lock.release()  # the handshake comes before the answer
            try:
                shaken = self.on_subscribe(wanted["deliveryMode"]["address"])
            finally:
                self._lock.acquire()
            if not shaken:
                return refused(400, "SUB-525")
            made = wanted | {"id": secrets.token_hex(4), "status": "Active"}
            self.subscriptions[made["id"]] = made
            return says(200, made)
        if request.method == "GET" and not name:
            return says(200, {"records": list(self.subscriptions.values())})
        name, _, action = name.partition("/")
        if name not in self.subscriptions:
            return refused(404, "CMN-102")
        if request.method == "DELETE":
            del self.subscriptions[name]
            return Answer(204)
        if action == "renew":
            self.subscriptions[name]["renewed"] = True
        return says(200, self.subscriptions[name])


def shake(url: str, token: str = "hand-1") -> tuple[int, str | None]:
    """A handshake as RingCentral makes it: the status, and the text that came back."""
    target = urlsplit(url)
    connection = http.client.HTTPConnection(target.netloc, timeout=5)
    try:
        connection.request("POST", target.path, b"", {"Validation-Token": token})
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Validation-Token")
    finally:
        connection.close()


def _query(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}


def _invalid_grant() -> Answer:
    return says(400, {"error": "invalid_grant", "error_description": "OAU-140"})
