"""The web's counts on their way to Redis."""

from __future__ import annotations

import os
import threading

import pytest
import redis

from addon.metrics import declarations
from addon.metrics.buffered_counters import BufferedCounters
from addon.metrics.counters import Counters

NAME = "addon_rejections_total|Forged"


class Gate(Counters):
    """Counters that can be shut, and that say when something was handed over."""

    def __init__(self, connection: redis.Redis) -> None:
        super().__init__(connection)
        self.shut = False
        self.tried = threading.Event()
        self.handed_over = threading.Event()

    def add(self, amounts):
        self.tried.set()
        if self.shut or not super().add(amounts):
            return False
        self.handed_over.set()
        return True


@pytest.fixture
def gate(redis_server) -> Gate:
    return Gate(redis_server)


def test_counts_are_handed_over_by_themselves(gate):
    tally = BufferedCounters(gate, every=0.01)
    tally.count(declarations.REJECTIONS, "Forged")
    assert gate.handed_over.wait(60)
    assert gate.read()[NAME] == 1


def test_nothing_is_asked_of_redis_while_counting(gate):
    tally = BufferedCounters(gate, every=3600)
    tally.count(declarations.REJECTIONS, "Forged")
    assert not gate.tried.is_set()
    tally.flush()
    assert gate.read()[NAME] == 1


def test_an_outage_is_counted_afterwards(gate):
    gate.shut, tally = True, BufferedCounters(gate, every=0.01)
    tally.count(declarations.REJECTIONS, "Forged")
    tally.count(declarations.REJECTIONS, "Forged")
    assert gate.tried.wait(60)
    gate.shut = False
    assert gate.handed_over.wait(60)
    tally.flush()
    assert gate.read()[NAME] == 2


def test_threads_lose_nothing(gate):
    tally = BufferedCounters(gate, every=0.001)

    def many() -> None:
        for _ in range(500):
            tally.count(declarations.REJECTIONS, "Forged")

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tally.flush()
    while gate.read()[NAME] < 2000:
        assert gate.handed_over.wait(60)
    assert gate.read()[NAME] == 2000


def count_before_and_after_a_fork(url: str) -> None:
    counters = Counters(redis.Redis.from_url(url))
    tally = BufferedCounters(counters, every=3600)
    tally.count(declarations.REJECTIONS, "Forged")
    child = os.fork()
    if child == 0:
        counters.redis = redis.Redis.from_url(url)
        tally.count(declarations.REJECTIONS, "Forged")
        tally.flush()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert counters.read()[NAME] == 1
    tally.flush()
    assert counters.read()[NAME] == 2


def test_a_forked_child_starts_with_nothing(redis_server, redis_url, children):
    assert children.run(count_before_and_after_a_fork, redis_url) == 0
