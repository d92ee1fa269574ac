"""Invocations that are accepted together: each as if it were alone, and the disk is asked once."""

from __future__ import annotations

import os
import stat
import time
from functools import partial

import pytest
from flask import Flask

from addon import redis_commands
from addon.factory import create_app
from addon.group_commit import run
from addon.redis_keys import OVERLOADED
from addon.requests.selection import OVERLOADED_TTL_S
from addon.web.connections.turns import GROUPED
from addon.web.invocations import GATHER_S
from tests.calls import wav
from tests.web import requests as send
from tests.web.test_invocations import jobs

AUDIO = wav(1.0)


@pytest.fixture
def app(settings) -> Flask:
    return create_app(settings)


def post(app: Flask, sid: str, **options: str) -> int:
    """Its callback names the request, as the Marketplace's do: each has its own signature."""
    fields = [("callback", f"https://marketplace.example.com/v1/cb/{sid}"), ("duration", "1")]
    shape = send.multipart(fields, AUDIO, name="audio-data", filename="a.wav")
    return shape.post(app.test_client(), sid, **options).status_code


def test_each_is_whole_and_queued_once_with_one_sync_of_their_folder(
    app, services, redis_server, monkeypatch
):
    post(app, send.new_sid())  # folders and connections are made by the first
    events: list[str] = []
    real_sync, real_ask = os.fsync, redis_commands.execute_all

    def fsync(handle: int) -> None:
        events.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        real_sync(handle)

    def ask(client, commands):
        events.append(f"{len(commands)} commands")
        return real_ask(client, commands)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(redis_commands, "execute_all", ask)
    sids = [send.new_sid() for _ in range(5)]
    assert run([partial(post, app, sid) for sid in sids]) == [202] * 5
    assert events == ["5 commands", *["file"] * 5, "folder", "5 commands"]
    assert {job.split("-")[1] for job in jobs(redis_server)} >= set(sids)
    for sid in sids:
        assert b"".join(services.intake_store.open(sid).audio) == AUDIO


def test_of_two_deliveries_of_a_request_in_a_group_one_is_queued(app, services, redis_server):
    sid, other = send.new_sid(), send.new_sid()
    tasks = [partial(post, app, each) for each in (sid, sid, other)]
    assert run(tasks) == [202] * 3
    assert sorted(job.split("-")[1] for job in jobs(redis_server)) == sorted([sid, other])
    assert services.states.get(sid).duplicates == 1


def test_a_forgery_in_a_group_is_refused_alone(app, services):
    sids = [send.new_sid() for _ in range(3)]
    forged = partial(post, app, sids[1], sign=send.signature("https://elsewhere.example.com"))
    assert sorted(run([partial(post, app, sids[0]), forged, partial(post, app, sids[2])])) == [
        202,
        202,
        403,
    ]
    assert [services.intake_store.is_waiting(sid) for sid in sids] == [True, False, True]


def test_all_are_told_to_send_again_where_redis_does_not_answer(app, monkeypatch):
    def gone(*_: object) -> None:
        raise redis_commands.RedisConnectionError

    monkeypatch.setattr(redis_commands, "execute_all", gone)
    assert run([partial(post, app, send.new_sid()) for _ in range(3)]) == [503] * 3


def test_one_that_could_not_be_written_is_told_to_send_again_and_the_others_are_durable(
    app, services, monkeypatch
):
    post(app, send.new_sid())
    real, calls = os.fsync, [0]

    def fsync(handle: int) -> None:
        calls[0] += 1
        if calls[0] == 2:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    sids = [send.new_sid() for _ in range(3)]
    assert sorted(run([partial(post, app, sid) for sid in sids])) == [202, 202, 503]
    assert [services.intake_store.is_waiting(sid) for sid in sids] == [True, False, True]


@pytest.mark.parametrize(
    ("changes", "grouped"),
    [
        ({}, True),
        ({"signature_mode": "monitor"}, False),
        ({"archive_url": "s3://bucket/prefix"}, False),
    ],
    ids=["a folder", "monitor mode", "a bucket, where many threads write at once"],
)
def test_requests_are_grouped_where_it_is_quick(settings, changes, grouped):
    app = create_app(settings.model_copy(update=changes))
    assert ("/recording-analysis" in app.extensions[GROUPED].paths) is grouped


def test_they_wait_for_others_where_results_are_seconds_away_and_only_then(
    app, services, redis_server, monkeypatch
):
    gather_s = app.extensions[GROUPED].gather_s
    assert post(app, send.new_sid()) == 202
    assert gather_s() == 0
    redis_server.set(OVERLOADED, 1)
    assert post(app, send.new_sid()) == 202
    assert gather_s() == GATHER_S
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + OVERLOADED_TTL_S + 0.001)
    assert gather_s() == 0
