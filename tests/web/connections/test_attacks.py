"""Strangers against the deployed server: genuine invocations are accepted all the same.

Each attack has several times as many connections as the server has threads, and more than it takes
in all; it begins anew whatever it loses.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import select
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from addon.archive.archive import Archive
from addon.playback.grants import Grants
from addon.settings import Settings
from tests.calls import wav
from tests.conftest import ACCOUNT, PUBLIC_URL, TOKEN
from tests.playback.sounds import RECORDING, TENANT, archived
from tests.web import requests as send
from tests.web.connections.attackers import Attack, Step, nothing, reads, sends
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
    with Attack(("127.0.0.1", server.port), ATTACKERS, first, again) as attackers:
        assert attackers.opened >= ATTACKERS
        times = accepted_throughout(server)
    assert statistics.median(times) < SLOWER * calm


def head(address: str = "") -> Step:
    """A forgery whose body does not come, through a proxy that has seen `address`."""
    forwarded = f"X-Forwarded-For: {address}\r\n" if address else ""
    return sends(SHAPED + f"{forwarded}Content-Length: 900000\r\n\r\n".encode())


def many_addresses() -> Step:
    numbers = itertools.count()
    return lambda client: head(f"198.51.{next(numbers) // 250 % 250}.{next(numbers) % 250}")(client)


FEW = "20"


def until(holds: Callable[[], bool]) -> None:
    """Wait for what holds soon: connections that were not accepted yet look like held ones."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_one_address_holds_no_more_than_its_share(settings: Settings) -> None:
    with (
        served(settings, WEB_THREADS="4", CONNECTIONS_PER_ADDRESS=FEW) as running,
        Attack(("127.0.0.1", running.port), 200, nothing, source="127.0.0.9") as attack,
    ):
        accepted_throughout(running)
        until(lambda: attack.held() <= int(FEW))


def test_without_a_proxy_a_stranger_cannot_choose_the_address(settings: Settings) -> None:
    with (
        served(settings, WEB_THREADS="4", CONNECTIONS_PER_ADDRESS=FEW) as running,
        Attack(("127.0.0.1", running.port), 200, many_addresses(), source="127.0.0.9") as attack,
    ):
        accepted_throughout(running)
        until(lambda: attack.held() <= int(FEW))


def test_behind_a_proxy_the_forwarded_address_has_its_share(settings: Settings) -> None:
    """The proxy itself is not limited, nor is a client that another one shares it with."""
    with (
        served(
            settings, WEB_THREADS="4", CONNECTIONS_PER_ADDRESS=FEW, TRUSTED_PROXIES="1"
        ) as running,
        Attack(("127.0.0.1", running.port), 200, head("1.2.3.4, 203.0.113.9")) as attack,
    ):
        accepted_throughout(running, **{"X-Forwarded-For": "203.0.113.9, 203.0.113.10"})
        until(lambda: attack.held() <= int(FEW))


def test_behind_a_proxy_many_addresses_leave_room_for_others(settings: Settings) -> None:
    most = str(CONNECTIONS)
    with (
        served(settings, WEB_THREADS="4", WEB_CONNECTIONS=most, TRUSTED_PROXIES="1") as running,
        Attack(("127.0.0.1", running.port), ATTACKERS, many_addresses()),
    ):
        accepted_throughout(running, **{"X-Forwarded-For": "203.0.113.10"})


BUDGET = 4 * 1024 * 1024


def spooled(server: Served) -> int:
    """Bytes in the temporary files of the process that answers."""
    total = 0
    for link in Path(f"/proc/{server.worker}/fd").iterdir():
        with contextlib.suppress(OSError):
            if "(deleted)" in str(link.readlink()):
                total += link.stat().st_size
    return total


def upload(server: Served, size: int) -> socket.socket:
    """A forgery of `size` bytes but the last, or as far as the server takes it."""
    client = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    client.sendall(SHAPED + f"Content-Length: {size}\r\n\r\n".encode())
    with contextlib.suppress(OSError):
        client.sendall(bytes(size - 1))
    return client


def test_unverified_bytes_stay_within_their_budget(settings: Settings) -> None:
    """Beyond it 503 with the time to wait; what fits into memory is accepted all the time."""
    with (
        served(settings, WEB_THREADS="4", MAX_UNVERIFIED_BYTES=str(BUDGET)) as running,
        contextlib.ExitStack() as clients,
    ):
        forged = [clients.enter_context(upload(running, BUDGET // 2)) for _ in range(6)]
        until(lambda: len(select.select(forged, [], [], 0)[0]) >= 3)
        answers = [client.recv(4096) for client in select.select(forged, [], [], 0)[0]]
        assert all(answer.startswith(b"HTTP/1.1 503 ") for answer in answers)
        assert all(b"Retry-After: 5" in answer for answer in answers)
        assert 0 < spooled(running) <= 1.1 * BUDGET
        answers_of_small = [invoke(running, shape)[0] for shape in SHAPES[:2]]
        assert answers_of_small == [202, 202]


def test_an_upload_that_stands_still_gives_way_to_one_that_moves(settings: Settings) -> None:
    with (
        served(settings, WEB_THREADS="4", MAX_UNVERIFIED_BYTES=str(BUDGET)) as running,
        contextlib.ExitStack() as clients,
    ):
        for _ in range(2):
            clients.enter_context(upload(running, BUDGET // 2))
        until(lambda: invoke(running, SHAPES[2])[0] == 202)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("X-Twilio-Signature: short", 403),
        ("X-Twilio-Signature: " + "A" * 28, 403),
        ("X-Twilio-Signature: " + "A" * 43 + "=", 403),
        ("X-Twilio-VendorAccountSid: AC" + "f" * 32, 200),
        ("X-Twilio-RequestSid: ../../etc", 200),
    ],
)
def test_what_can_never_be_accepted_is_answered_before_its_body(
    server: Served, line: str, status: int
) -> None:
    name = line.partition(":")[0].encode()
    kept = [each for each in SHAPED.split(b"\r\n") if not each.startswith(name)]
    sent = b"\r\n".join([*kept[:-1], line.encode(), b"Content-Length: 90000", b"", b""])
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
        client.sendall(sent)
        assert client.recv(4096).startswith(f"HTTP/1.1 {status} ".encode())
