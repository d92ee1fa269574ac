from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from addon.errors import QueueUnavailable
from addon.redis_keys import SIGNATURE_USE
from addon.requests.connections import web_connection
from addon.requests.signature_uses import SignatureUse, SignatureUses
from tests.workers.test_planted_in_redis import SPOILT, spoil

KEY = bytes(32)


def use(
    signature: str = "TPEzSRfZHGUo0Dpi5BTrq2Kf3yA=",
    request: str = "XR1",
    audio: str = "a",
    *,
    bound: bool = True,
) -> SignatureUse:
    return SignatureUse.of(KEY, signature, [request, None], audio, bound=bound)


@pytest.fixture
def uses(services) -> SignatureUses:
    return services.signature_uses


def test_a_use_holds_nothing_of_what_it_is_made_of() -> None:
    made = use(request="XR1", audio="https://media.twilio.com/x")
    text = str(asdict(made))
    assert all(word not in text for word in ("TPEz", "XR1", "media"))
    assert made == use(request="XR1", audio="https://media.twilio.com/x")
    assert made.signature != SignatureUse.of(b"1" * 32, "TPEz", [], "", bound=True).signature


def test_a_first_use_is_new_and_the_same_again_is_known(uses) -> None:
    assert uses.reserve(use()) == ("new", True)
    assert uses.reserve(use()) == ("the same", True)
    assert uses.reserve(use(signature="another")) == ("new", True)


@pytest.mark.parametrize("settled", [False, True])
@pytest.mark.parametrize("bound", [False, True])
def test_another_use_is_told_by_what_differs(uses, settled: bool, bound: bool) -> None:
    uses.reserve(use())
    if settled:
        uses.settle(use())
    assert uses.reserve(use(request="XR2", bound=bound)) == ("another request", True)
    assert uses.reserve(use(audio="b", bound=bound)) == ("other audio", True)
    assert uses.reserve(use())[0] == "the same"


@pytest.mark.parametrize("command", SPOILT.values(), ids=SPOILT)
def test_what_is_planted_in_its_place_lets_one_use_pass_and_no_second(uses, command) -> None:
    spoil(uses._redis, SIGNATURE_USE + use().signature, command)
    assert uses.reserve(use()) == ("new", True)
    assert uses.reserve(use(request="XR2")) == ("another request", True)


def test_a_settled_use_is_in_the_store_and_no_longer_in_redis(uses, redis_server) -> None:
    uses.reserve(use())
    uses.settle(use())
    assert redis_server.keys("signature:*") == []
    assert [each.key for each in uses.store.list()] == [f"signatures/{use().signature}"]
    uses.settle(use())
    assert uses.reserve(use(request="XR2"))[0] == "another request"
    assert redis_server.keys("signature:*") == []


def test_a_use_that_requests_may_share_goes_to_no_store(uses) -> None:
    shared = use(bound=False)
    assert uses.reserve(shared) == ("new", False)
    uses.settle(shared)
    assert list(uses.store.list()) == []
    assert uses.reserve(replace(shared, request="0")) == ("another request", False)


def test_a_restored_use_counts_as_before(uses, redis_server) -> None:
    uses.reserve(use())
    redis_server.flushall()
    uses.restore(use())
    uses.restore(None)
    assert uses.reserve(use(request="XR2"))[0] == "another request"


def test_what_is_planted_in_the_store_counts_for_nothing_and_is_replaced(uses) -> None:
    uses.store.put(f"signatures/{use().signature}", [b"{}"])
    assert uses.reserve(use()) == ("new", True)
    uses.settle(use())
    assert uses.reserve(use(request="XR2"))[0] == "another request"


def test_a_use_that_another_release_wrote_differently_is_none() -> None:
    assert SignatureUse.from_document(None) is None
    assert SignatureUse.from_document({"signature": "x"}) is None
    assert SignatureUse.from_document(asdict(use()) | {"new": 1}) == use()


def test_without_redis_nothing_is_accepted(services, settings) -> None:
    gone = web_connection("redis://127.0.0.1:1/0")
    with pytest.raises(QueueUnavailable):
        SignatureUses.from_settings(settings, services.store, gone).reserve(use())


def test_the_key_of_the_digests_is_not_the_key_of_the_intake(uses, settings) -> None:
    (key,) = uses.keys
    assert len(key) == 32
    assert uses.keys != settings.intake_key


@pytest.mark.parametrize("planted", ["", "{", "[]", '{"signature": 1}'])
def test_what_is_planted_in_redis_stops_no_genuine_request(uses, services, planted: str) -> None:
    services.redis.set(SIGNATURE_USE + use().signature, planted)
    assert uses.reserve(use()) == ("new", True)


def test_a_signature_that_was_accepted_under_an_older_key_is_known(uses, settings, services):
    new = b"n" * 32
    uses.reserve(use())
    later = SignatureUse.of(new, "TPEzSRfZHGUo0Dpi5BTrq2Kf3yA=", ["XR2", None], "a", bound=True)
    assert uses.reserve(later, use(request="XR2"))[0] == "another request"
    uses.settle(use())
    assert uses.reserve(later, use(request="XR2"))[0] == "another request"
    both = settings.replace(intake_key=(new, *settings.intake_key))
    assert len(SignatureUses.from_settings(both, services.store, services.redis).keys) == 2
