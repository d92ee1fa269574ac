"""The cache that every package uses: bounded, with expiry, shared between threads."""

import threading

import pytest

from addon.bounded_cache import BoundedCache


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_least_recently_used_value_goes_first() -> None:
    cache: BoundedCache[str, int] = BoundedCache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert [cache.get(key) for key in "abc"] == [1, None, 3]
    assert len(cache) == 2


def test_a_value_expires_after_its_seconds_or_at_its_own_moment() -> None:
    clock = Clock()
    cache: BoundedCache[str, int] = BoundedCache(8, seconds=60, clock=clock)
    cache.put("long", 1)
    cache.put("short", 2, until=110)
    cache.put("bounded", 3, until=1000)
    clock.now = 110
    assert [cache.get(key) for key in ("long", "short", "bounded")] == [1, None, 3]
    clock.now = 160
    assert [cache.get(key) for key in ("long", "short", "bounded")] == [None, None, None]


def test_without_seconds_a_value_never_expires() -> None:
    clock = Clock()
    cache: BoundedCache[str, int] = BoundedCache(1, clock=clock)
    cache.put("a", 1)
    clock.now = 1e12
    assert cache.get("a") == 1


def test_a_value_is_found_once_and_a_failure_is_not_kept() -> None:
    cache: BoundedCache[str, int] = BoundedCache(1)
    with pytest.raises(ZeroDivisionError):
        cache.get_or("a", lambda: 1 // 0)
    assert cache.get_or("a", lambda: 7) == 7
    assert cache.get_or("a", lambda: 1 // 0) == 7
    cache.remove("a")
    cache.remove("a")
    assert cache.get("a") is None


def test_threads_share_it() -> None:
    cache: BoundedCache[int, int] = BoundedCache(16)
    failures: list[BaseException] = []

    def work(seed: int) -> None:
        try:
            for number in range(2000):
                key = (number * seed) % 64
                assert cache.get_or(key, lambda key=key: key) == key  # type: ignore[misc]
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 3, 5, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(cache) <= 16
