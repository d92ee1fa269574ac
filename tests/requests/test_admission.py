"""A Redis that fills up: nothing new comes in, what was accepted drains, and then it goes on."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count

import pytest
import redis

from addon.requests.admission import FULL, REMEMBERED_S, TIGHT, AdmissionControl, Memory
from addon.settings import Settings
from tests.calls import wav
from tests.conftest import ACCOUNT, PUBLIC_URL, running_redis
from tests.stack.running import ROOT, python, wait_until
from tests.web import requests as send
from tests.web.requests import new_sid
from tests.web.serving import Served, environment, served

BLOCK = bytes(64 * 1024)

SWAY = 0.02
"""What connections take of so small a server, and give back."""


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    """A server of these tests' own, which is soon full."""
    with running_redis("--maxmemory", "8mb") as url:
        yield url


@pytest.fixture
def fill(redis_server: redis.Redis) -> Callable[[float], None]:
    """Fills Redis to a part of its limit and a little more, with what belongs to no request."""
    numbers = count()

    def filled(share: float) -> None:
        while read(redis_server).share < share + SWAY:
            redis_server.set(f"filler:{next(numbers)}", BLOCK)

    return filled


def empty(redis_server: redis.Redis) -> None:
    redis_server.delete(*redis_server.keys("filler:*"))


def read(connection: redis.Redis) -> Memory:
    """What a process that starts now would read."""
    return AdmissionControl(connection).memory()


def calls_of_info(redis_server: redis.Redis) -> int:
    stats = redis_server.info("commandstats")
    return stats.get("cmdstat_info", {"calls": 0})["calls"]


class Clock:
    """Time that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class TestReading:
    def test_there_is_room_up_to_the_limit_and_none_from_it_on(self, redis_server, fill):
        fill(FULL - 2 * SWAY)
        assert AdmissionControl(redis_server).has_room()
        fill(FULL)
        assert not AdmissionControl(redis_server).has_room()

    def test_a_redis_without_a_limit_is_never_full(self, redis_server, fill):
        fill(FULL)
        redis_server.config_set("maxmemory", 0)
        try:
            assert AdmissionControl(redis_server).has_room()
            assert read(redis_server).share == 0
            assert read(redis_server).used > 0
        finally:
            redis_server.config_set("maxmemory", 8 * 1024 * 1024)

    def test_a_user_who_may_not_ask_knows_no_limit(self, redis_server, redis_url, fill):
        fill(FULL)
        redis_server.acl_setuser(
            "guest", enabled=True, nopass=True, keys=["*"], commands=["+ping"], reset=True
        )
        guest = redis.Redis.from_url(redis_url, username="guest", password="any")
        try:
            with pytest.raises(redis.exceptions.NoPermissionError):
                guest.info("memory")
            assert AdmissionControl(guest).has_room()
        finally:
            guest.close()
            redis_server.acl_deluser("guest")

    @pytest.mark.parametrize(
        "told", [{}, {"used_memory": 9}, {"maxmemory": 9}, {"used_memory": 9, "maxmemory": "all"}]
    )
    def test_fields_that_are_left_out_mean_no_limit(self, told):
        class Host:
            def info(self, _section: str) -> dict[str, object]:
                return told

        assert AdmissionControl(Host()).has_room()  # type: ignore[arg-type]

    def test_a_redis_that_is_away_is_somebody_elses_to_report(self):
        assert AdmissionControl(redis.Redis.from_url("redis://127.0.0.1:1")).has_room()


class TestMemory:
    """A reading is remembered, whatever it said."""

    def test_many_requests_at_a_time_ask_once(self, redis_server, fill):
        for share in (0.0, FULL):
            fill(share)
            redis_server.config_resetstat()
            admission = AdmissionControl(redis_server, Clock())
            answers = {admission.has_room() for _ in range(100)}
            assert answers == {share < FULL}
            assert calls_of_info(redis_server) == 1

    def test_so_does_one_that_gets_no_answer(self):
        class Host:
            asked = 0

            def info(self, _section: str) -> dict[str, object]:
                self.asked += 1
                raise redis.exceptions.ResponseError("unknown command 'INFO'")

        host = Host()
        admission = AdmissionControl(host, Clock())  # type: ignore[arg-type]
        assert all(admission.has_room() for _ in range(100))
        assert host.asked == 1

    def test_it_is_read_again_after_its_time(self, redis_server, fill):
        clock = Clock()
        admission = AdmissionControl(redis_server, clock)
        assert admission.has_room()
        fill(FULL)
        assert admission.has_room()
        clock.now += REMEMBERED_S
        assert not admission.has_room()
        empty(redis_server)
        assert not admission.has_room()
        clock.now += REMEMBERED_S
        assert admission.has_room()


class TestTight:
    """Finished requests give way before a new one is refused."""

    @pytest.fixture
    def finished(self, services, monkeypatch) -> list[str]:
        monkeypatch.setattr("addon.requests.dispatcher.BATCH", 5)
        sids = [f"XR{number:032d}" for number in range(8)]
        for sid in sids:
            services.states.mark(sid, state="processed", received_at=1.0)
            services.states.finish(sid, "delivered")
        return sids

    def test_the_oldest_are_forgotten_a_batch_at_a_time(self, services, finished, fill):
        fill(TIGHT)
        services.dispatcher.make_room()
        assert [entry.sid for entry in services.states.finished()] == finished[5:]

    def test_all_stay_while_there_is_room(self, services, finished):
        services.dispatcher.make_room()
        assert len(list(services.states.finished())) == len(finished)

    def test_what_is_unfinished_stays(self, services, accept, fill):
        exchange = accept()
        fill(TIGHT)
        services.dispatcher.make_room()
        assert services.states.knows(exchange.sid)
        assert services.states.open_count() == 1


@pytest.mark.stack
class TestFull:
    """The whole of it: a real web server, real workers."""

    def test_new_work_waits_outside_and_accepted_work_drains(
        self, settings, services, redis_server, accept, fill
    ):
        accepted = [accept() for _ in range(3)]
        fill(FULL)
        with served(settings) as web:
            assert posted(web, accepted[0].sid) == 202
            assert posted(web, refused := new_sid()) == 503
            assert not services.intake_store.is_waiting(refused)
            assert not services.states.knows(refused)
            assert missing(web) == ["room in Redis"]
            with machine(settings) as workers:
                assert all(each.arrived.wait(90) for each in accepted)
                wait_until(lambda: list(services.store.list("intake/")) == [])
                assert workers.poll() is None
            assert read(redis_server).share >= FULL
            assert posted(web, refused) == 503
            empty(redis_server)
            wait_until(lambda: missing(web) == [])
            assert posted(web, refused) == 202
        assert list(services.intake_store.waiting()) == [refused]


def posted(web: Served, sid: str) -> int:
    """Send an invocation; gives the status."""
    shape = send.first_sample(wav(1.0))
    headers = {
        "Content-Type": shape.content_type,
        "X-Twilio-VendorAccountSid": ACCOUNT,
        "X-Twilio-AddOnInstallSid": send.INSTALL,
        "X-Twilio-RequestSid": sid,
        "X-Twilio-Signature": send.signature(PUBLIC_URL + send.PATH, shape.signed),
    }
    with closing(web.connect()) as connection:
        connection.request("POST", send.PATH, shape.body, headers)
        answer = connection.getresponse()
        assert (answer.getheader("Retry-After") is not None) == (answer.status == 503)
        return answer.status


def missing(web: Served) -> list[str]:
    """What the web says is missing for being ready."""
    with closing(web.connect()) as connection:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        told = json.loads(answer.read())
    assert answer.status == (503 if told["missing"] else 200)
    return told["missing"]


@contextmanager
def machine(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """Real worker processes, which end with the block."""
    env = (
        os.environ
        | environment(settings)
        | {
            "CALLBACK_HOSTS": settings.callback_hosts[0],
            "MANIFEST_VERIFY_KEYS": settings.manifest_verify_keys[0],
        }
    )
    launcher = subprocess.Popen(python("-m", "workers", "--workers", "1"), cwd=ROOT, env=env)
    try:
        yield launcher
    finally:
        launcher.terminate()
        try:
            launcher.wait(60)
        finally:
            launcher.kill()
