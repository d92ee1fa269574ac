"""The worker process for deliveries, on a real Redis, with callbacks that behave badly."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import structlog
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from redis.connection import AbstractConnection

from addon import tracing
from addon.errors import CallbackUnavailable
from addon.outbound import Timeouts
from addon.requests import results
from addon.requests.lease import LONGEST_MS, TTL_MS, held, key
from addon.requests.queues import DELIVER_KIND, RequestJob
from addon.requests.results import StoredResult
from addon.requests.scheduling import DELIVER, REDELIVER
from addon.requests.state import PROCESSED, WAITING
from addon.settings import Settings
from addon.tracing import Tracing
from addon.twilio import callback
from tests.child import ended
from tests.outbound.authority import contexts
from tests.outbound.loopback import Answer, Loopback
from tests.outbound.resetting import Resetting
from tests.stack.running import wait_until
from tests.workers.working import become_worker
from workers import deliveries, delivery_hosts, launcher, marketplace
from workers.deliveries import DeliveryWorker
from workers.delivery_hosts import HostLimits
from workers.marketplace import MarketplaceHandler
from workers.sweeper import Sweeper

QUEUES = (DELIVER, REDELIVER)


class Hosts:
    """Callback hosts, each with an origin of its own; silent ones answer once a test is over."""

    def __init__(self, stack: ExitStack, tls) -> None:
        self.over = threading.Event()
        self.good, self.silent, self.other = (
            stack.enter_context(Loopback().running()) for _ in range(3)
        )
        self.tls = stack.enter_context(Loopback(tls).running())
        self.good.otherwise = lambda _: Answer()
        self.tls.otherwise = lambda _: Answer()
        self.silent.otherwise = lambda _: Answer(raw=self._silence)
        stack.callback(self.over.set)

    def _silence(self) -> Iterator[bytes]:
        self.over.wait(60)
        yield b""

    def drip(self, begin: bytes = b"HTTP/1.1 200 OK\r\nX-Slow: ") -> Iterator[bytes]:
        yield begin
        while not self.over.wait(0.05):
            yield b"a"


@pytest.fixture
def resetting() -> Iterator[Resetting]:
    host = Resetting()
    yield host
    host.close()


@pytest.fixture
def hosts(tmp_path) -> Iterator[Hosts]:
    server, _ = contexts(tmp_path, "callback.example")
    with ExitStack() as stack:
        yield Hosts(stack, server)


@pytest.fixture
def settings(settings, hosts, resetting):
    all_hosts = (hosts.good, hosts.silent, hosts.other, hosts.tls, resetting)
    origins = [each.origin for each in all_hosts]
    return settings.replace(callback_hosts=(*settings.callback_hosts, *origins))


@pytest.fixture
def queued(accept, as_worker) -> Callable[[Loopback], str]:
    """Queues the delivery of a result that is stored; gives its request SID."""

    def one(host: Loopback | Resetting) -> str:
        sid: str = accept(callback=host.url("/callback")).sid
        answer = results.successful(sid, {"audio": {"duration_seconds": 1.0}})
        result = StoredResult(answer, final=True, archivable=False)
        as_worker.intake_store.store_result(sid, result)
        as_worker.states.mark(sid, state=PROCESSED)
        as_worker.dispatcher.deliver(sid, first=True)
        return sid

    return one


@pytest.fixture
def working(as_worker, hosts) -> Iterator[Callable[..., DeliveryWorker]]:
    """Runs a worker in this process; whatever is silent answers when the test is over."""
    with ExitStack() as stack:

        def begun() -> DeliveryWorker:
            worker = DeliveryWorker(as_worker, QUEUES, HostLimits())
            thread = threading.Thread(target=worker.run)
            thread.start()
            stack.callback(thread.join)
            stack.callback(worker.stop)
            stack.callback(hosts.over.set)
            return worker

        yield begun


def serve(settings: Settings, patched: dict[str, float]) -> None:
    """A delivery process as the launcher runs it."""
    for name, value in patched.items():
        setattr(deliveries, name, value)
    become_worker(settings)
    deliveries.main(QUEUES)


def outcome(services, sid: str) -> str | None:
    found = services.intake_store.outcome(sid)
    return found and found["answer"]


def in_flight(services) -> list[str]:
    return [job for jobs in services.dispatcher.in_flight().values() for job in jobs]


def test_the_launcher_runs_it_for_both_queues_of_deliveries():
    runs = {child.name: child.run.func for child in launcher.children(1)[:-1]}
    assert runs.pop("webhooks") is launcher.run_webhooks
    assert runs.pop("deliver") is runs.pop("redeliver") is launcher.run_deliveries
    assert set(runs.values()) == {launcher.run_worker}


def test_its_process_keeps_connections_to_callback_hosts(as_worker, monkeypatch):
    monkeypatch.setattr(marketplace, "_kept", None)
    monkeypatch.setattr(deliveries, "services", lambda: as_worker)
    monkeypatch.setattr(deliveries, "_run_until_told", lambda _worker: None)
    deliveries.main(QUEUES)
    assert marketplace._kept is not None


def test_no_result_waits_for_callbacks_that_never_answer(queued, working, as_worker, hosts):
    hosts.other.otherwise = lambda _: Answer(raw=hosts.drip)
    bad = [queued(host) for host in (hosts.silent, hosts.other) for _ in range(6)]
    good = [queued(hosts.good) for _ in range(20)]
    working()
    wait_until(lambda: all(outcome(as_worker, sid) == "delivered" for sid in good))
    assert len(hosts.silent.requests) == len(hosts.other.requests) == 6
    assert not any(outcome(as_worker, sid) for sid in bad)
    assert len(hosts.good.requests) == 20


def test_a_host_that_fails_is_asked_less_often_and_no_result_waits_for_it(
    queued, working, as_worker, hosts
):
    hosts.other.otherwise = lambda _: Answer(500)
    bad = [queued(hosts.other) for _ in range(30)]
    good = queued(hosts.good)
    working()
    wait_until(lambda: outcome(as_worker, good) == "delivered")
    wait_until(lambda: all(as_worker.states.get(sid).delivery == WAITING for sid in bad))
    assert all(as_worker.intake_store.is_waiting(sid) for sid in bad)


def test_a_result_without_a_place_waits_and_no_try_is_counted(
    queued, working, as_worker, hosts, monkeypatch
):
    monkeypatch.setattr(delivery_hosts, "SLOW_S", float("inf"))
    sids = [queued(hosts.silent) for _ in range(delivery_hosts.HOST_SENDS + 10)]
    working()

    def waiting():
        entries = list(as_worker.states.get_many(sids))
        return [each for each in entries if each.delivery == WAITING]

    wait_until(lambda: len(waiting()) == 10)
    wait_until(lambda: len(hosts.silent.requests) == delivery_hosts.HOST_SENDS)
    assert {each.deliveries for each in waiting()} == {0}


@pytest.mark.parametrize("kind", ["500", "401", "silent", "drips", "resets", "wrong TLS"])
def test_a_callback_that_did_not_take_the_result_is_asked_again(
    kind, queued, working, as_worker, hosts, resetting, monkeypatch
):
    monkeypatch.setattr(callback, "CALLBACK_TIMEOUTS", Timeouts(connect=5, read=0.5, total=1.0))
    drips = Answer(raw=lambda: hosts.drip(b"HTTP/1.1 2"))
    answers = {"500": Answer(500), "401": Answer(401), "drips": drips}
    hosts.other.otherwise = lambda _: answers[kind]
    bad = {"silent": hosts.silent, "resets": resetting, "wrong TLS": hosts.tls}
    sid = queued(bad.get(kind, hosts.other))
    working()
    wait_until(lambda: as_worker.states.get(sid).delivery == WAITING)
    entry = as_worker.states.get(sid)
    assert entry.deliveries == 1
    assert 0.5 <= entry.delivery_pause <= 1.0
    assert outcome(as_worker, sid) is None
    wait_until(lambda: not in_flight(as_worker))


def test_a_redirect_is_the_end_and_goes_nowhere(queued, working, as_worker, hosts):
    hosts.other.otherwise = lambda _: Answer(302, headers={"Location": hosts.good.url("/taken")})
    sid = queued(hosts.other)
    working()
    wait_until(lambda: outcome(as_worker, sid) == "refused")
    assert hosts.good.requests == []


def test_a_callback_that_answers_late_gets_its_result_once(queued, working, as_worker, hosts):
    go = threading.Event()

    def late(_request) -> Answer:
        go.wait(60)
        return Answer()

    hosts.other.otherwise = late
    sid = queued(hosts.other)
    working()
    wait_until(lambda: bool(hosts.other.requests))
    as_worker.redis.pexpire(key(DELIVER_KIND, sid), 1500)
    sweeper = Sweeper(as_worker)
    wait_until(lambda: as_worker.redis.pttl(key(DELIVER_KIND, sid)) > TTL_MS - 1000)
    sweeper.sweep()
    go.set()
    wait_until(lambda: outcome(as_worker, sid) == "delivered")
    wait_until(lambda: not in_flight(as_worker))
    assert len(hosts.other.requests) == 1


def test_a_job_leaves_nothing_behind(queued, working, as_worker, hosts):
    sid = queued(hosts.good)
    job = as_worker.states.get(sid).delivery_job
    working()
    wait_until(lambda: outcome(as_worker, sid) == "delivered")
    wait_until(lambda: not in_flight(as_worker))
    assert not as_worker.redis.exists(RequestJob.key_for(job))
    assert not held(as_worker.redis, DELIVER_KIND, sid)


def test_all_that_have_ended_are_taken_off_in_two_round_trips(
    queued, as_worker, hosts, monkeypatch
):
    worker = DeliveryWorker(as_worker, QUEUES)
    monkeypatch.setattr(worker, "_send", lambda *_: None)
    sids = [queued(hosts.good) for _ in range(5)]
    for _ in sids:
        assert worker._take()
    assert len(in_flight(as_worker)) == len(sids)
    for delivery in worker._running:
        assert delivery.ended.wait(60)
    sent = []
    send = AbstractConnection.send_packed_command
    with monkeypatch.context() as patch:
        patch.setattr(
            AbstractConnection, "send_packed_command", lambda *a: sent.append(a) or send(*a)
        )
        worker._clear()
    assert len(sent) == 2
    assert in_flight(as_worker) == worker._running == []
    assert not any(held(as_worker.redis, DELIVER_KIND, sid) for sid in sids)


def test_a_request_that_another_worker_has_is_left_to_it(queued, working, as_worker, hosts):
    sid = queued(hosts.good)
    as_worker.redis.set(key(DELIVER_KIND, sid), "another-machine:1:00", px=LONGEST_MS)
    working()
    wait_until(lambda: not in_flight(as_worker) and not as_worker.dispatcher.depths()[DELIVER])
    assert hosts.good.requests == []
    assert as_worker.redis.get(key(DELIVER_KIND, sid)) == b"another-machine:1:00"


def test_a_defect_in_one_delivery_ends_no_other(queued, working, as_worker, hosts, monkeypatch):
    send = MarketplaceHandler.send

    def defective(self, settings, request, answer):
        if request.sid == broken:
            raise ZeroDivisionError
        return send(self, settings, request, answer)

    monkeypatch.setattr(MarketplaceHandler, "send", defective)
    broken, good = queued(hosts.good), queued(hosts.good)
    working()
    wait_until(lambda: outcome(as_worker, good) == "delivered")
    wait_until(lambda: not in_flight(as_worker))
    assert as_worker.intake_store.is_waiting(broken)
    assert not held(as_worker.redis, DELIVER_KIND, broken)


def test_what_is_bound_to_the_log_and_the_trace_stays_with_its_delivery(
    queued, working, as_worker, hosts, monkeypatch
):
    together = threading.Barrier(3, timeout=60)
    seen: dict[str, dict[str, object]] = {}

    def send(_self, _settings, request, _answer):
        together.wait()
        seen[request.sid] = dict(structlog.contextvars.get_contextvars())
        together.wait()
        with tracing.span("send", request_sid=request.sid):
            together.wait()
        raise CallbackUnavailable("not now")

    monkeypatch.setattr(MarketplaceHandler, "send", send)
    exporter = InMemorySpanExporter()
    tracing.use(Tracing("test", lambda: exporter))
    try:
        sids = []
        for number in range(3):
            with tracing.span(f"accept {number}"):
                sids.append(queued(hosts.good))
        working()
        wait_until(lambda: all(as_worker.states.get(sid).delivery == WAITING for sid in sids))
        wait_until(lambda: not in_flight(as_worker))
        tracing.flush()
        spans = exporter.get_finished_spans()
    finally:
        tracing.use(Tracing())
    assert seen == {sid: {"request_sid": sid} for sid in sids}
    by_id = {span.context.span_id: span for span in spans}
    for span in (each for each in spans if each.name == "send"):
        parent = by_id[span.parent.span_id]
        number = sids.index(span.attributes["addon.request_sid"])
        assert parent.attributes["addon.request_sid"] == sids[number]
        assert by_id[parent.parent.span_id].name == f"accept {number}"


def test_a_killed_process_loses_nothing_and_sends_nothing_twice(
    queued, working, as_worker, hosts, children
):
    taken = queued(hosts.good)
    child = children.start(serve, as_worker.settings, {})
    wait_until(lambda: outcome(as_worker, taken) == "delivered")
    under_way = [queued(hosts.silent) for _ in range(3)]
    wait_until(lambda: len(hosts.silent.requests) == 3)
    os.kill(child.pid, signal.SIGKILL)
    ended(child)
    assert {RequestJob.key_for(job) for job in in_flight(as_worker)} == {
        RequestJob.key_for(as_worker.states.get(sid).delivery_job) for sid in under_way
    }
    hosts.silent.otherwise = lambda _: Answer()
    working()
    sweeper = Sweeper(as_worker)

    def all_delivered() -> bool:
        sweeper.sweep()
        return all(outcome(as_worker, sid) == "delivered" for sid in under_way)

    wait_until(all_delivered)
    assert len(hosts.silent.requests) == 6
    assert len(hosts.good.requests) == 1


def test_a_stop_lets_sends_under_way_end(queued, as_worker, hosts, children):
    sids = [queued(hosts.silent) for _ in range(3)]
    hosts.silent.otherwise = lambda _: Answer(raw=lambda: _after(hosts.over))
    child = children.start(serve, as_worker.settings, {})
    wait_until(lambda: len(hosts.silent.requests) == 3)
    later = queued(hosts.good)
    wait_until(lambda: outcome(as_worker, later) == "delivered")
    os.kill(child.pid, signal.SIGTERM)
    hosts.over.set()
    assert ended(child) == 0
    assert [outcome(as_worker, sid) for sid in sids] == ["delivered"] * 3
    assert in_flight(as_worker) == []


def _after(event: threading.Event) -> Iterator[bytes]:
    event.wait(60)
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def test_a_stop_gives_back_what_does_not_end(queued, as_worker, hosts, children):
    sid = queued(hosts.silent)
    child = children.start(serve, as_worker.settings, {"GRACE_S": 0.3})
    wait_until(lambda: len(hosts.silent.requests) == 1)
    os.kill(child.pid, signal.SIGTERM)
    assert ended(child) == 0
    assert in_flight(as_worker) == []
    assert not held(as_worker.redis, DELIVER_KIND, sid)
    assert list(as_worker.states.due_at(1.0, 9)) == [sid]


def test_a_delivery_that_hangs_does_not_hold_its_process(queued, as_worker, hosts, children):
    sid = queued(hosts.silent)
    child = children.start(serve, as_worker.settings, {"LIMIT_S": 0.5})
    assert ended(child) == 0
    assert in_flight(as_worker) == []
    assert list(as_worker.states.due_at(1.0, 9)) == [sid]
