"""Sets of tokens: sealed in Redis, refreshed once, and dead once they were ended."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from addon.errors import QueueUnavailable, RingCentralUnavailable, Unauthenticated
from addon.ringcentral import token_store
from addon.ringcentral.oauth import Tokens
from addon.ringcentral.token_store import TokenStore
from addon.vault import Vault

NAME = "a1" * 32


@pytest.fixture
def store(redis_server, clock):
    return TokenStore(redis_server, Vault(["secret"], "ringcentral tokens"), clock)


@pytest.fixture
def tokens(clock):
    return Tokens("access-0", "refresh-0", clock.now + 3600, "user-1")


class Server:
    """Gives a next set for each refresh token, once."""

    def __init__(self, clock):
        self.clock = clock
        self.calls = 0
        self.valid = {"refresh-0"}
        self._lock = threading.Lock()

    def renew(self, tokens):
        with self._lock:
            self.calls += 1
            if tokens.refresh not in self.valid:
                raise Unauthenticated("refused")
            self.valid = {f"refresh-{self.calls}"}
            return Tokens(
                f"access-{self.calls}", f"refresh-{self.calls}", self.clock.now + 3600, "user-1"
            )


def test_what_holds_is_used_as_it_is(store, tokens, clock):
    server = Server(clock)
    store.keep(NAME, tokens, 100)
    assert store.fresh(NAME, server.renew) == tokens
    assert server.calls == 0


def test_nothing_in_redis_can_be_read(store, tokens, redis_server):
    store.keep(NAME, tokens, 100)
    everything = b"".join(redis_server.dump(key) for key in redis_server.keys("*"))
    assert b"access-0" not in everything and b"refresh-0" not in everything


@pytest.mark.parametrize("seconds", [3541, 3600, 100_000])
def test_what_ends_soon_is_renewed_and_stored_before_its_use(store, tokens, clock, seconds):
    server = Server(clock)
    store.keep(NAME, tokens, 100)
    clock.now += seconds
    found = store.fresh(NAME, server.renew)
    assert found.access == "access-1"
    assert store.find(NAME) == found


def test_a_renewal_does_not_prolong_the_session(store, tokens, clock, redis_server):
    store.keep(NAME, tokens, 100)
    clock.now += 4000
    store.fresh(NAME, Server(clock).renew)
    (key,) = redis_server.keys("ringcentral:tokens:*")
    assert 0 < redis_server.ttl(key) <= 100


def test_many_threads_renew_once(store, tokens, clock, redis_server):
    """A refresh token works once: whoever came second with it would be signed out."""
    server = Server(clock)
    store.keep(NAME, tokens, 100)
    clock.now += 4000
    begin = threading.Barrier(8)

    def use(_):
        begin.wait(60)
        own = TokenStore(redis_server, Vault(["secret"], "ringcentral tokens"), clock)
        return own.fresh(NAME, server.renew).access

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(use, range(8))) == {"access-1"}
    assert server.calls == 1


def test_sessions_are_renewed_independently(store, tokens, clock):
    """One that hangs at RingCentral must not hold up another person's."""
    store.keep("one", tokens, 100)
    store.keep("two", tokens, 100)
    clock.now += 4000
    inside, leave = threading.Event(), threading.Event()

    def slow(_tokens):
        inside.set()
        assert leave.wait(60)
        return replace(tokens, expires_at=clock.now + 3600)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(store.fresh, "one", slow)
        assert inside.wait(60)
        assert store.fresh("two", Server(clock).renew).access == "access-1"
        leave.set()
        assert first.result(60)


def test_waiting_too_long_for_another_renewal_is_an_error(
    store, tokens, clock, redis_server, monkeypatch
):
    monkeypatch.setattr(token_store, "WAIT_S", 0.05)
    store.keep(NAME, tokens, 100)
    clock.now += 4000
    held = redis_server.lock(f"ringcentral:tokens:{NAME}:lock", timeout=10)
    with held, pytest.raises(RingCentralUnavailable):
        store.fresh(NAME, Server(clock).renew)


def test_a_session_ended_meanwhile_does_not_come_back(store, tokens, clock):
    store.keep(NAME, tokens, 100)
    clock.now += 4000

    def signs_out_meanwhile(_tokens):
        store.end(NAME)
        return tokens

    with pytest.raises(Unauthenticated):
        store.fresh(NAME, signs_out_meanwhile)
    assert store.find(NAME) is None


def test_a_refused_renewal_ends_the_session(store, tokens, clock):
    store.keep(NAME, replace(tokens, refresh="used-already"), 100)
    clock.now += 4000
    with pytest.raises(Unauthenticated):
        store.fresh(NAME, Server(clock).renew)
    assert store.find(NAME) is None


def test_a_renewal_that_cannot_be_had_just_now_ends_nothing(store, tokens, clock):
    store.keep(NAME, tokens, 100)
    clock.now += 4000

    def away(_tokens):
        raise RingCentralUnavailable("away")

    with pytest.raises(RingCentralUnavailable):
        store.fresh(NAME, away)
    assert store.fresh(NAME, Server(clock).renew).access == "access-1"


def test_where_nothing_is_kept_only_a_lasting_set_is_made(store, tokens):
    with pytest.raises(Unauthenticated):
        store.fresh(NAME, lambda _: tokens)
    assert store.fresh(NAME, lambda _: tokens, life_s=100) == tokens
    assert store.find(NAME) == tokens


def test_a_set_under_a_secret_that_is_gone_has_ended(store, tokens, redis_server, clock):
    store.keep(NAME, tokens, 100)
    assert (
        TokenStore(redis_server, Vault(["another"], "ringcentral tokens"), clock).find(NAME) is None
    )
    rotated = TokenStore(redis_server, Vault(["another", "secret"], "ringcentral tokens"), clock)
    assert rotated.find(NAME) == tokens


def test_a_set_copied_to_another_session_does_not_open(store, tokens, redis_server):
    store.keep("mine", tokens, 100)
    redis_server.copy("ringcentral:tokens:mine", "ringcentral:tokens:yours")
    assert store.find("yours") is None


def test_without_redis_nobody_is_signed_out_by_mistake(clock, no_redis):
    store = TokenStore(no_redis, Vault(["secret"], "ringcentral tokens"), clock)
    with pytest.raises(QueueUnavailable):
        store.find(NAME)
