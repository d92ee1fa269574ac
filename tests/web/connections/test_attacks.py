"""Strangers against the deployed server: genuine invocations are accepted all the same.

How much longer they take is measured by `benchmarks.strangers`, with nothing else on the machine.

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
from tests.conftest import ACCOUNT, PUBLIC_URL, TOKEN
from tests.playback.sounds import RECORDING, TENANT, archived
from tests.web.connections.attackers import (
    ATTACKS,
    FLOODS,
    SHAPED,
    Attack,
    Kind,
    Step,
    attacked,
    nothing,
    sends,
)
from tests.web.connections.genuine import SHAPES, accepted_throughout, invoke
from tests.web.serving import Served, served

pytestmark = pytest.mark.stack

CONNECTIONS = 60
ATTACKERS = 450
SLOWER_IN_A_FLOOD = 10
"""Times the slowest calm one; without turns it is as many times as there are connections."""

FLOOD_PACE_S = 0.25
"""Each of its connections asks four times a second, or as soon as it has its answer."""

LONG = 16 * 1024 * 1024


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


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_genuine_invocations_are_accepted_while_strangers(
    attack: Kind, server: Served, link: str
) -> None:
    first, again = attack(link)
    with Attack(("127.0.0.1", server.port), ATTACKERS, first, again) as attackers:
        assert attackers.opened >= ATTACKERS
        accepted_throughout(server)


@pytest.fixture(scope="module")
def roomy(settings: Settings) -> Iterator[Served]:
    """Few threads, and a place for each connection of a flood."""
    most = {"WEB_CONNECTIONS": "1000", "CONNECTIONS_PER_ADDRESS": "500"}
    with served(settings, WEB_THREADS="4", **most) as running:
        yield running


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_of_whole_requests_from_another_address_costs_little(
    roomy: Served, name: str
) -> None:
    """Each address has its turn: 450 connections of a stranger have one where a genuine one has.

    What is compared comes right before: the tests beside this one take more of the cores or less.
    """
    calm = max(accepted_throughout(roomy))
    with attacked(name, roomy.port, ATTACKERS, sources=["127.0.0.9"], pace_s=FLOOD_PACE_S):
        times = accepted_throughout(roomy)
    assert statistics.median(times) < SLOWER_IN_A_FLOOD * calm


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
        Attack(("127.0.0.1", running.port), 200, nothing, sources=["127.0.0.9"]) as attack,
    ):
        accepted_throughout(running)
        until(lambda: attack.held() <= int(FEW))


def test_without_a_proxy_a_stranger_cannot_choose_the_address(settings: Settings) -> None:
    with (
        served(settings, WEB_THREADS="4", CONNECTIONS_PER_ADDRESS=FEW) as running,
        Attack(("127.0.0.1", running.port), 200, many_addresses(), sources=["127.0.0.9"]) as attack,
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


def test_a_proxys_idle_connections_count_for_nobody(settings: Settings) -> None:
    """A proxy sends the requests of all its clients over a few connections, in any order."""
    with (
        served(settings, CONNECTIONS_PER_ADDRESS="4", TRUSTED_PROXIES="1") as running,
        contextlib.ExitStack() as clients,
    ):
        kept = [clients.enter_context(contextlib.closing(running.connect())) for _ in range(9)]
        for connection in kept * 2:
            # As http.client has it: a connection that was closed would be opened anew.
            connection.auto_open = 0 if connection.sock else 1
            connection.request("GET", "/healthz", headers={"X-Forwarded-For": "203.0.113.9"})
            assert connection.getresponse().read()


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
    "target",
    ["OPTIONS *", "CONNECT a:443", "GET http://other.example/healthz", "GET //healthz", "GET ?x"],
)
def test_a_target_that_is_no_path_is_no_defect(server: Served, target: str) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
        client.sendall(f"{target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert client.recv(4096)[9:12] in (b"200", b"308", b"400", b"404", b"405")


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
