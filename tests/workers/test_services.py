"""The services of a process: made once, from settings without the archive's private keys."""

from __future__ import annotations

import os

import pytest

import workers.services
from addon.settings import Settings
from workers.services import services


@pytest.fixture(autouse=True)
def loaded(settings, monkeypatch):
    """The environment says what the test's settings say, and nothing was made yet."""
    monkeypatch.setattr(
        Settings, "load", classmethod(lambda _, role: {"worker": settings.for_worker()}[role])
    )
    monkeypatch.setattr(workers.services, "_made", {})
    yield
    for made in workers.services._made.values():
        made.redis.close()


def test_a_process_makes_them_once():
    assert services() is services()


def test_a_fork_makes_its_own_and_forgets_those_of_its_parent():
    parents = services()
    workers.services._made = {os.getpid() + 1: parents}
    assert services() is not parents
    assert list(workers.services._made) == [os.getpid()]
    parents.redis.close()


def test_a_worker_has_no_private_key_of_the_archive(settings):
    assert settings.archive_private_keys
    assert not services().settings.archive_private_keys
    assert not services().archive.decryption_keys


def test_states_counters_and_dispatcher_share_one_connection():
    made = services()
    assert made.states.redis is made.counters.redis is made.dispatcher.redis is made.redis
