"""Addresses take turns, and each one's tasks keep their order."""

from __future__ import annotations

from collections.abc import Callable

from addon.web.connections.turns import Turns


def order(*networks: str) -> list[str]:
    """The order in which these are taken, each numbered within its address."""
    turns, taken = Turns(), []

    def task(name: str) -> Callable[[], None]:
        return lambda: taken.append(name)

    for place, network in enumerate(networks):
        turns.put(network, task(f"{network}{networks[:place].count(network)}"))
    for _ in networks:
        turns.take()()
    return taken


def test_each_address_has_one_turn_where_another_has_one() -> None:
    assert order("a", "a", "a", "a", "b", "c", "c") == ["a0", "b0", "c0", "a1", "c1", "a2", "a3"]


def test_tasks_of_one_address_keep_their_order() -> None:
    assert order("a", "a", "a") == ["a0", "a1", "a2"]


def test_an_address_that_comes_again_waits_for_the_others() -> None:
    turns, taken = Turns(), []
    for name in ("a", "b"):
        turns.put(name, lambda name=name: taken.append(name))  # type: ignore[misc]
    turns.take()()
    turns.put("a", lambda: taken.append("a again"))
    turns.take()()
    turns.take()()
    assert taken == ["a", "b", "a again"]


def test_it_is_known_whether_a_task_waits() -> None:
    turns = Turns()
    assert not turns.waiting
    turns.put("a", lambda: None)
    assert turns.waiting
    turns.take()
    assert not turns.waiting
