"""A process is ready when it could accept a request: what a POST needs is tried, and remembered."""

from __future__ import annotations

import threading

import pytest
import redis
from redis.exceptions import RedisError

from addon.archive.directory import DirectoryStore
from addon.archive.prefixes import PROBES
from addon.errors import StoreUnavailable
from addon.requests.readiness import (
    READY_S,
    WAITING_S,
    Readiness,
    write_to_disk,
    write_to_redis,
    write_to_store,
)
from tests.conftest import running_redis


@pytest.fixture
def store(tmp_path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "archive")


def test_a_try_at_the_store_leaves_nothing_behind(store) -> None:
    write_to_store(store)
    assert list(store.list("")) == []


def test_a_web_that_may_not_delete_is_ready_all_the_same(store, monkeypatch) -> None:
    def refused(_key: str) -> None:
        raise StoreUnavailable("the bucket refused: AccessDenied")

    monkeypatch.setattr(store, "delete", refused)
    write_to_store(store)
    write_to_store(store)
    assert len(list(store.list(PROBES))) == 1


def test_a_store_that_cannot_be_written_is_not_ready_though_it_can_be_read(store) -> None:
    write_to_store(store)
    (store.root / ".unfinished").rmdir()
    (store.root / ".unfinished").write_text("a file where a folder must be: no user passes it")
    assert store.stat(PROBES + "x") is None
    with pytest.raises(StoreUnavailable):
        write_to_store(store)


def test_what_a_store_gives_back_must_be_what_it_was_given(store, monkeypatch) -> None:
    monkeypatch.setattr(store, "get", lambda _key: b"half")
    with pytest.raises(StoreUnavailable, match="other bytes"):
        write_to_store(store)
    assert list(store.list("")) == []


def test_a_redis_that_answers_and_takes_no_write_is_not_ready() -> None:
    with running_redis() as url, redis.Redis.from_url(url) as client:
        write_to_redis(client)
        client.replicaof("127.0.0.1", "1")
        assert client.ping()
        with pytest.raises(RedisError):
            write_to_redis(client)


def test_temporary_files_that_cannot_be_written_are_found(monkeypatch, tmp_path) -> None:
    write_to_disk()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(OSError):
        write_to_disk()


def test_a_result_is_remembered_a_bad_one_for_a_shorter_time() -> None:
    now, tries, broken = [0.0], [], [True]

    def attempt() -> None:
        tries.append(now[0])
        if broken[0]:
            raise StoreUnavailable("away")

    readiness = Readiness({"store": attempt}, clock=lambda: now[0])
    assert readiness.missing() == readiness.missing() == ("store",)
    now[0], broken[0] = WAITING_S, False
    assert readiness.missing() == ()
    now[0], broken[0] = WAITING_S + READY_S - 0.1, True
    assert readiness.missing() == ()
    now[0] = WAITING_S + READY_S
    assert readiness.missing() == ("store",)
    assert len(tries) == 3


def test_nobody_waits_for_a_slow_try_once_there_is_a_result() -> None:
    now, begun, go_on = [0.0], threading.Event(), threading.Event()

    def attempt() -> None:
        if now[0]:
            begun.set()
            go_on.wait(30)

    readiness = Readiness({"store": attempt}, clock=lambda: now[0])
    assert readiness.missing() == ()
    now[0] = READY_S
    slow = threading.Thread(target=readiness.missing)
    slow.start()
    assert begun.wait(30)
    assert readiness.missing() == ()
    go_on.set()
    slow.join()
