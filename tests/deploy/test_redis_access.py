"""The Redis of compose.yaml: its user may do what the service does, and no more."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import yaml  # type: ignore[import-untyped]

from addon.archive.opening import store_of
from addon.factory import create_app
from addon.playback.single_use import SingleUse
from addon.web.sessions import Sessions
from tests.calls import wav
from tests.conftest import running_redis
from tests.end_to_end.deployment import deployed
from tests.stack.running import ROOT
from tests.web.playing import bearer

PASSWORD = "0123456789abcdef" * 4
ADMIN = ("--user", "admin", "on", ">admin", "~*", "&*", "+@all")

pytestmark = pytest.mark.stack


def users_of_compose() -> list[str]:
    """The options of the command that say who may do what."""
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    command = shlex.split(compose["services"]["redis"]["command"])
    options = command[command.index("--user") :]
    return [word.replace("${REDIS_PASSWORD}", PASSWORD) for word in options]


@pytest.fixture(scope="module")
def socket() -> Iterator[str]:
    """The socket of a Redis with these users, and an administrator of the test."""
    with running_redis(*users_of_compose(), *ADMIN, user="admin:admin@") as url:
        yield url.removeprefix("unix://admin:admin@")


@pytest.fixture
def url(socket: str) -> str:
    return f"unix://app:{PASSWORD}@{socket}"


def refusals(socket: str) -> list[dict[str, object]]:
    """What the server has refused, by its own log."""
    with redis.Redis.from_url(f"unix://admin:admin@{socket}") as admin:
        found: list[dict[str, object]] = admin.acl_log()
        admin.acl_log_reset()
        return found


def test_the_whole_way_of_a_call_needs_no_more(socket, url):
    """From the invocation through real web and worker processes to its callback."""
    refusals(socket)
    with (
        tempfile.TemporaryDirectory(prefix="addon-acl-") as folder,
        deployed(Path(folder), REDIS_URL=url) as running,
    ):
        exchange, (answer,) = running.market.invoke(running.invocations, wav(1.0))
        assert answer.status == 202
        assert running.market.wait(exchange, 60) is not None
        assert running.get("/readyz")[0] == 200
        assert running.get("/metrics")[0] == 200
    assert refusals(socket) == []


def test_people_and_programs_need_no_more(socket, url, settings):
    refusals(socket)
    own = settings.replace(redis_url=url)
    with redis.Redis.from_url(url) as connection:
        sessions = Sessions.from_settings(own, connection, store_of(own))
        token = sessions.start({"sub": "1", "email": "sam@example.org"})
        assert sessions.find(token) is not None
        assert len(list(sessions.all())) == 1
        assert sessions.end_all() == 1
        SingleUse(connection)
        with connection.lock("ringcentral:tokens:x:lock", timeout=1):
            pass
    app = create_app(own)
    assert app.test_client().get("/api/v1/recordings", headers=bearer(app)).status_code == 200
    assert refusals(socket) == []


@pytest.mark.parametrize(
    "command",
    [
        "FLUSHALL",
        "FLUSHDB",
        "CONFIG GET dir",
        "CONFIG SET dir /tmp",
        "CONFIG REWRITE",
        "DEBUG SLEEP 0",
        "KEYS *",
        "SHUTDOWN NOSAVE",
        "REPLICAOF 192.0.2.1 6379",
        "SLAVEOF NO ONE",
        "MODULE LOAD /tmp/evil.so",
        "ACL SETUSER evil on nopass ~* +@all",
        "ACL LIST",
        "MONITOR",
        "SAVE",
        "BGSAVE",
        "BGREWRITEAOF",
        "MIGRATE 192.0.2.1 6379 key 0 1000",
        "SWAPDB 0 1",
        "CLIENT KILL TYPE normal",
        "FAILOVER",
        "SYNC",
        "LATENCY RESET",
        "SLOWLOG GET",
    ],
)
def test_what_the_service_never_does_is_refused(url, command):
    with (
        redis.Redis.from_url(url) as connection,
        pytest.raises(redis.exceptions.ResponseError, match=r"no permissions|not allowed"),
    ):
        connection.execute_command(*command.split())


@pytest.mark.parametrize("who", ["", ":wrong@", "app:wrong@", "default:@", f"other:{PASSWORD}@"])
def test_nobody_else_gets_in(socket, who):
    with (
        redis.Redis.from_url(f"unix://{who}{socket}") as connection,
        pytest.raises(redis.exceptions.AuthenticationError),
    ):
        connection.set("key", "value")
