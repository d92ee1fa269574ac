"""The outbox: what is promised is in the store, whatever comes in between."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from addon.archive.prefixes import WEBHOOK_EVENTS, WEBHOOK_PENDING
from addon.errors import NotFound, NotStored, StoreUnavailable
from addon.webhooks.events import Event
from addon.webhooks.outbox import DeliveryName, Outbox

INSTALL = "XD" + "1" * 32
OTHER = "XD" + "2" * 32
URL = "https://hooks.example.com/"

EVENT = Event(
    "msg_1", "recording.ready", INSTALL, "RE1", "2026-11-26T09:00:00.000+00:00", {"install": "x"}
)


def test_a_promise_is_one_mark_an_endpoint_and_the_event(outbox, endpoints, services):
    ids = {endpoints.create(INSTALL, URL).id for _ in range(2)}
    endpoints.create(OTHER, URL)
    names = outbox.promise(EVENT)
    assert {DeliveryName.parse(name).endpoint_id for name in names} == ids
    assert sorted(outbox.pending()) == sorted(names)
    assert outbox.event("msg_1") == EVENT
    (stat,) = services.store.list(WEBHOOK_EVENTS)
    assert b"recording.ready" not in services.store.get(stat.key)


def test_a_promise_that_is_repeated_sends_nothing_twice(outbox, endpoints):
    endpoints.create(INSTALL, URL)
    (name,) = outbox.promise(EVENT)
    outbox.settle(DeliveryName.parse(name))
    assert outbox.promise(EVENT) == []
    assert list(outbox.pending()) == []


def test_a_promise_that_a_crash_cut_short_is_made_again(outbox, endpoints, services, monkeypatch):
    endpoints.create(INSTALL, URL)
    endpoints.create(INSTALL, URL)
    put, left = services.store.put, [2]

    def dying(key, blocks, **options):
        if not left[0]:
            raise StoreUnavailable("killed")
        left[0] -= 1
        return put(key, blocks, **options)

    with monkeypatch.context() as patch:
        patch.setattr(services.store, "put", dying)
        with pytest.raises(StoreUnavailable):
            outbox.promise(EVENT)
    assert len(list(outbox.pending())) == 2
    assert len(outbox.promise(EVENT)) == 2


def test_an_event_that_is_put_in_another_event_s_place_is_none(outbox, endpoints, services):
    endpoints.create(INSTALL, URL)
    outbox.promise(EVENT)
    content = services.store.get(f"{WEBHOOK_EVENTS}msg_1")
    services.store.put(f"{WEBHOOK_EVENTS}msg_2", [content])
    with pytest.raises(NotFound):
        outbox.event("msg_2")


def test_a_planted_object_swallows_no_event(outbox, endpoints, services):
    endpoints.create(INSTALL, URL)
    services.store.put(f"{WEBHOOK_EVENTS}msg_1", [b"planted"])
    assert len(outbox.promise(EVENT)) == 1
    assert outbox.event("msg_1") == EVENT


def test_nobody_who_takes_it_means_that_nothing_is_written(outbox, endpoints, services):
    endpoints.create(INSTALL, URL, ["recording.erased"])
    endpoints.create(OTHER, URL)
    assert outbox.promise(EVENT) == []
    assert outbox.promise(replace(EVENT, type="category.matched")) == []
    for prefix in (WEBHOOK_EVENTS, WEBHOOK_PENDING):
        assert list(services.store.list(prefix)) == []


@pytest.mark.parametrize(
    "text", ["", "a", "a-b-c", "..-b", "a/b", "-b", "a-", "a-b\n", "é-b", "a.-b"]
)
def test_what_is_no_name_of_a_delivery_is_refused(text):
    with pytest.raises(NotStored):
        DeliveryName.parse(text)


def test_a_name_is_read_as_it_is_written():
    name = DeliveryName("msg_1", "whk_1")
    assert DeliveryName.parse(str(name)) == name


def test_a_new_control_key_opens_everything_once_it_is_encrypted_anew(settings, services):
    old, new = b"o" * 32, b"n" * 32
    before = Outbox.from_settings(settings.replace(control_keys=(old,)), services.store)
    made = before.endpoints.create(INSTALL, URL)
    before.promise(EVENT)
    known = before.endpoints.get(INSTALL, made.id)
    before.endpoints.failed(known, "410", for_good=True, tries=1, now=datetime.now(UTC))
    Outbox.from_settings(settings.replace(control_keys=(new, old)), services.store).encrypt_anew()
    after = Outbox.from_settings(settings.replace(control_keys=(new,)), services.store)
    found = after.endpoints.get(INSTALL, made.id)
    assert (found.endpoint, found.state) == (made, "disabled")
    assert after.event("msg_1") == EVENT
