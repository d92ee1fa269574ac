"""Redis is asked and tried: what it says about itself, and what it does with a write."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from addon.checks import redis_server
from tests.conftest import running_redis


@pytest.fixture(scope="module")
def private() -> Iterator[str]:
    """A server of this module's own, which its tests reconfigure."""
    with running_redis() as url:
        yield url


@pytest.fixture
def server(private: str) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(private)
    yield client
    for name, value in (
        ("appendonly", "yes"),
        ("maxmemory", "0"),
        ("maxmemory-policy", "noeviction"),
    ):
        client.config_set(name, value)
    client.replicaof("NO", "ONE")
    client.close()


def test_a_password_that_is_refused_is_one_sentence(deployment):
    with running_redis("--requirepass", "right", user=":right@") as url:
        wrong = url.replace("right", "false")
        (found,) = deployment.found("Redis", REDIS_URL=wrong)
        assert found.startswith("wrong: Redis refuses the password of REDIS_URL")
        (found,) = deployment.found("Redis", REDIS_URL=url.replace(":right@", ""))
        assert found.startswith("wrong: Redis refuses the password of REDIS_URL, or that it has")
        assert deployment.found("Redis", REDIS_URL=url) == []


def test_a_replica_is_found_by_writing(deployment, private, server):
    server.replicaof("127.0.0.1", "1")
    (found,) = deployment.found("Redis", REDIS_URL=private)
    assert "is a replica and takes no write" in found


def test_without_persistence_or_with_eviction_it_is_said(deployment, private, server):
    subject = "what Redis keeps"
    assert deployment.found(subject, REDIS_URL=private) == []
    server.config_set("appendonly", "no")
    server.config_set("maxmemory-policy", "allkeys-lru")
    evicts, forgets = deployment.found(subject, REDIS_URL=private)
    assert evicts.startswith("wrong: Redis evicts keys (allkeys-lru)")
    assert forgets.startswith("warning: Redis keeps no append-only file")


def test_a_redis_that_is_nearly_full_is_a_warning(deployment, private, server):
    used = int(server.info("memory")["used_memory"])
    server.config_set("maxmemory", int(used * 1.1))
    (found,) = deployment.found("room in Redis", REDIS_URL=private)
    assert found.startswith("warning: Redis has used 9")


def test_a_file_that_could_not_be_written_is_wrong():
    info = {"aof_enabled": 1, "aof_last_write_status": "err"}
    (found,) = redis_server._persistence(info)
    assert (found.level, "ENOSPC" in found.remedy) == ("wrong", True)


@pytest.mark.parametrize(
    ("version", "said"), [("5.0.14", 1), ("6.0.16", 1), ("6.2.0", 0), ("8.1", 0)]
)
def test_an_old_server_is_refused(version, said):
    assert len(list(redis_server._version({"redis_version": version}))) == said


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://10.0.0.7:6379", ["redis://", "no password"]),
        ("redis://:x@cache.example.com", ["redis://"]),
        ("redis://:x@redis:6379", []),
        ("rediss://cache.example.com", ["no password"]),
        ("rediss://:x@cache.example.com", []),
        ("redis://localhost", []),
    ],
)
def test_a_line_that_others_can_reach_needs_tls_and_a_password(deployment, url, said):
    found = deployment.found("line to Redis", REDIS_URL=url)
    assert len(found) == len(said)
    assert all(words in one for words, one in zip(said, found, strict=True))
