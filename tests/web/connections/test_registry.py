"""Connections are counted where they belong, and by nothing else."""

from __future__ import annotations

import socket

import pytest

from addon.web.connections.connection import Connection, State
from addon.web.connections.limits import Limits
from addon.web.connections.registry import Group, Registry

LIMITS = Limits(per_address=2, answers=1)


def connection(peer: str = "192.0.2.1") -> Connection:
    with socket.socket() as sock:
        return Connection(sock, (peer, 1), ("192.0.2.2", 2))


def added(registry: Registry, peer: str = "192.0.2.1") -> Connection:
    made = connection(peer)
    registry.add(made, registry.groups_for(made))
    return made


def test_an_address_is_full_by_its_own_connections_alone() -> None:
    registry = Registry(LIMITS, 10)
    two = [added(registry), added(registry)]
    added(registry, "192.0.2.9")
    assert registry.group_of("192.0.2.1").full
    assert not registry.group_of("192.0.2.9").full
    registry.remove(two[0])
    assert not registry.group_of("192.0.2.1").full
    assert registry.everything.count == 2


def test_an_address_that_has_left_begins_anew() -> None:
    registry = Registry(LIMITS, 10)
    new = connection()
    groups = registry.groups_for(new)
    registry.remove(added(registry))
    registry.add(new, groups)
    assert registry.group_of("192.0.2.1").count == 1


def test_behind_a_proxy_a_connection_counts_for_whom_it_carries() -> None:
    registry = Registry(Limits(per_address=2, trusted_proxies=1), 10)
    proxy = added(registry)
    assert registry.group_of("192.0.2.1").count == 0
    for address in ("198.51.100.1", "198.51.100.2"):
        registry.move(proxy, registry.group_of(address))
    assert registry.group_of("198.51.100.1").count == 0
    assert registry.group_of("198.51.100.2").count == 1
    assert registry.everything.count == 1


@pytest.mark.parametrize("stalled", [False, True])
def test_an_upload_gives_way_only_where_it_stands_still(stalled: bool) -> None:
    class Spooled:
        spooled = 1

    registry = Registry(LIMITS, 10)
    upload = added(registry)
    upload.body = Spooled()  # type: ignore[assignment]
    registry.await_client(upload, State.BODY)
    if stalled:
        upload.progress -= LIMITS.stalled_s
    assert (registry.stalled_upload() is upload) is stalled


def test_of_too_many_answers_the_one_that_stands_still_is_named() -> None:
    registry = Registry(LIMITS, 10)
    first, second = added(registry), added(registry, "192.0.2.9")
    registry.await_client(first, State.SENDING)
    assert registry.answer_too_many() is None
    registry.await_client(second, State.SENDING)
    assert registry.answer_too_many() is first


def test_the_oldest_idle_connection_is_dropped_first() -> None:
    group = Group(limit=4)
    connections = [connection() for _ in range(4)]
    slow, fresh, younger, kept = connections
    for number, each in enumerate(connections):
        each.earned_at = float(number)
    assert group.droppable() is None
    group.slow[slow] = None
    group.fresh |= {fresh: None, younger: None}
    group.kept[kept] = None
    dropped = []
    while (found := group.droppable()) is not None:
        dropped.append(found)
        group.forget(found)
    assert dropped == [kept, slow, fresh, younger]
