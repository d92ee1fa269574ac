"""Strangers against the deployed server: genuine invocations are accepted all the same.

Each attack has several times as many connections as the server has threads, and more than it takes
in all; it begins anew whatever it loses.
"""

from __future__ import annotations

import base64
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from addon.archive.archive import Archive
from addon.playback.grants import Grants
from addon.settings import Settings
from tests.calls import wav
from tests.conftest import ACCOUNT, PUBLIC_URL, TOKEN
from tests.playback.sounds import RECORDING, TENANT, archived
from tests.web import requests as send
from tests.web.connections.attackers import Step, attacked, nothing, reads, sends
from tests.web.serving import Served, served

pytestmark = pytest.mark.stack

CONNECTIONS = 200
ATTACKERS = 450
GENUINE = 6
SLOWER = 30
"""Times the slowest calm one: the machine that tests has other work, and an attack costs some."""

LONG = 16 * 1024 * 1024
SHAPED = (
    b"POST /recording-analysis HTTP/1.1\r\nHost: a\r\nX-Twilio-Signature: "
    + b"A" * 27
    + b"=\r\nX-Twilio-VendorAccountSid: "
    + ACCOUNT.encode()
    + b"\r\nX-Twilio-RequestSid: XR"
    + b"0" * 32
    + b"\r\nContent-Type: multipart/form-data; boundary=b\r\n"
)
"""The head of a forgery that no cheap check refuses."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: Any, redis_url: str, made_keys: dict[str, str]) -> Settings:
    return Settings.load(
        {
            "DATA_DIR": str(tmp_path_factory.mktemp("attacked")),
            "REDIS_URL": redis_url,
            "PUBLIC_URL": PUBLIC_URL,
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "ARCHIVE_PUBLIC_KEYS": made_keys["public"],
            "ARCHIVE_PRIVATE_KEYS": made_keys["private"],
            "INTAKE_KEY": base64.b64encode(bytes(range(32))).decode(),
            "MANIFEST_SIGNING_KEY": made_keys["signing"],
            "PLAYBACK_SECRETS": "a-playback-secret-for-tests-0001",
        }
    )


@pytest.fixture(scope="module")
def link(settings: Settings) -> str:
    """The path of a long recording."""
    archived(Archive.from_settings(settings), bytes(LONG), format="wav")
    grants = Grants.from_settings(settings)
    grant = grants.issue(TENANT, recording_id=RECORDING, listener="x")
    return f"/media/{grants.token(grant)}"


@pytest.fixture(scope="module")
def server(settings: Settings) -> Iterator[Served]:
    """Few threads, and few connections, all of which one address may have."""
    most = str(CONNECTIONS)
    with served(
        settings, WEB_THREADS="4", WEB_CONNECTIONS=most, CONNECTIONS_PER_ADDRESS=most
    ) as running:
        yield running


def invoke(server: Served, shape: send.Shape, **more: str) -> tuple[int, float]:
    """A genuine invocation: its status and how long it took."""
    headers = {
        "X-Twilio-VendorAccountSid": ACCOUNT,
        "X-Twilio-AddOnInstallSid": send.INSTALL,
        "X-Twilio-RequestSid": send.new_sid(),
        "X-Twilio-Signature": send.signature(PUBLIC_URL + shape.path, shape.signed),
        "Content-Type": shape.content_type,
        **more,
    }
    began = time.monotonic()
    connection = server.connect()
    try:
        connection.request("POST", shape.path, shape.body, headers)
        return connection.getresponse().status, time.monotonic() - began
    finally:
        connection.close()


SHAPES = [send.url_only(), send.first_sample(wav(1.0)), send.first_sample(wav(20.0))]
"""A URL, an upload held in memory, and one that is spooled."""


def accepted_throughout(server: Served, **more: str) -> list[float]:
    """Genuine invocations of all shapes, each accepted; their times."""
    answers = [invoke(server, shape, **more) for _ in range(GENUINE) for shape in SHAPES]
    assert {status for status, _ in answers} == {202}
    return [seconds for _, seconds in answers]


@pytest.fixture(scope="module")
def calm(server: Served) -> float:
    """The longest that a genuine one takes when nobody attacks."""
    return max(accepted_throughout(server))


def asks(path: str, times: int = 1) -> Step:
    """The same request several times in one packet."""
    return sends(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode() * times)


ATTACKS: dict[str, Callable[[str], tuple[Step, Step]]] = {
    "say nothing": lambda _: (nothing, nothing),
    "say one byte": lambda _: (sends(b"G"), nothing),
    "drip headers": lambda _: (sends(b"POST / HTTP/1.1\r\nX-Endless: "), sends(b"x")),
    "withhold a body": lambda _: (sends(SHAPED + b"Content-Length: 900000\r\n\r\n"), nothing),
    "withhold the end": lambda _: (
        sends(SHAPED + b"Content-Length: 300000\r\n\r\n" + bytes(290_000)),
        nothing,
    ),
    "withhold a chunk": lambda _: (
        sends(SHAPED + b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n"),
        nothing,
    ),
    "wait for 100": lambda _: (
        sends(SHAPED + b"Expect: 100-continue\r\nContent-Length: 9000\r\n\r\n"),
        nothing,
    ),
    "drip a body": lambda _: (sends(SHAPED + b"Content-Length: 900000\r\n\r\n"), sends(b"x")),
    "drip chunks": lambda _: (
        sends(SHAPED + b"Transfer-Encoding: chunked\r\n\r\n"),
        sends(b"1\r\nx\r\n"),
    ),
    "never read audio": lambda link: (asks(link), nothing),
    "never read pages": lambda _: (asks("/openapi.json", 50), nothing),
    "drip audio": lambda link: (asks(link), reads),
    "drip pages": lambda _: (asks("/openapi.json", 50), reads),
    "pipeline": lambda _: (asks("/healthz", 200), nothing),
    "stay after an answer": lambda _: (asks("/healthz"), nothing),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_genuine_invocations_are_accepted_while_strangers(
    attack: Callable[[str], tuple[Step, Step]], server: Served, link: str, calm: float
) -> None:
    first, again = attack(link)
    with attacked(server.port, ATTACKERS, first, again) as attackers:
        assert attackers.opened >= ATTACKERS
        times = accepted_throughout(server)
    assert statistics.median(times) < SLOWER * calm
