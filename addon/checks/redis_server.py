"""Checks of Redis: it answers, writes, persists, never evicts, is new enough and has room."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import redis
from redis.exceptions import RedisError, ResponseError

from addon.checks.finding import Finding, warning, wrong
from addon.redis_errors import as_unavailable
from addon.requests import connections
from addon.requests.admission import TIGHT, Memory
from addon.requests.readiness import write_to_redis
from addon.settings import Settings

LEAST_VERSION = (6, 2)
"""The move between two lists came with it (spec/runtime 1)."""

CLOCK_S = 5.0
"""Redis's clock and ours may differ by so much: leases live for four seconds."""

Info = Mapping[str, Any]


def answers(settings: Settings) -> Iterator[Finding]:
    """It takes a write and a script, is no replica, and is new enough. Raises QueueUnavailable."""
    client = connections.web_connection(settings.redis_url)
    try:
        with as_unavailable():
            client.ping()
            write_to_redis(client)
        yield from _version(_info(client, "server"))
        yield from _clock(client)
    finally:
        client.close()


def keeps_jobs(settings: Settings) -> Iterator[Finding]:
    """It persists every write and never evicts a key."""
    client = connections.web_connection(settings.redis_url)
    try:
        yield from _eviction(_info(client, "memory"))
        yield from _persistence(_info(client, "persistence"))
    finally:
        client.close()


def room(settings: Settings) -> Iterator[Finding]:
    """It has memory left; a release that mends a full one must not be stopped (decision 0703)."""
    client = connections.web_connection(settings.redis_url)
    try:
        info = _info(client, "memory")
    finally:
        client.close()
    memory = Memory(_number(info.get("used_memory")), _number(info.get("maxmemory")))
    if memory.share >= TIGHT:
        yield warning(
            f"Redis has used {memory.share:.0%} of its maxmemory; at 80 % nothing new is accepted",
            "Give it more memory, or more workers to what waits.",
        )


def line(settings: Settings) -> Iterator[Finding]:
    """The line to Redis is encrypted and Redis asks for a password, where others could reach it."""
    parts = urlsplit(settings.redis_url)
    host = parts.hostname or ""
    if parts.scheme == "unix" or _is_loopback(host):
        return
    if parts.scheme == "redis" and "." in host:  # a single word is a name in a container's network
        yield warning(
            "REDIS_URL is redis://: password and jobs pass in the clear",
            "Use rediss://, where the line leaves this machine.",
        )
    if not parts.password:
        yield warning(
            "REDIS_URL has no password: whoever reaches the server is believed",
            "Set requirepass there, and the password in REDIS_URL.",
        )


def _version(info: Info) -> Iterator[Finding]:
    text = str(info.get("redis_version") or info.get("valkey_version") or "")
    numbers = tuple(int(part) for part in text.split(".")[:2] if part.isdigit())
    if numbers and numbers < LEAST_VERSION:
        yield wrong(
            f"Redis is version {text}; it must be {'.'.join(map(str, LEAST_VERSION))} or newer",
            "Upgrade the server.",
        )


def _clock(client: redis.Redis) -> Iterator[Finding]:
    try:
        seconds, _micro = client.time()
    except RedisError:
        return
    apart = abs(time.time() - float(seconds))
    if apart > CLOCK_S:
        yield warning(
            f"Redis's clock and this machine's are {apart:.0f} s apart",
            "Let both be set by NTP.",
        )


def _eviction(info: Info) -> Iterator[Finding]:
    policy = info.get("maxmemory_policy")
    if policy not in (None, "noeviction"):
        yield wrong(
            f"Redis evicts keys ({policy}); the request states need noeviction",
            "Set maxmemory-policy noeviction.",
        )


def _persistence(info: Info) -> Iterator[Finding]:
    if not info:
        yield warning(
            "Redis does not tell whether it persists", "Ask its host for an append-only file."
        )
        return
    if not info.get("aof_enabled"):
        yield warning(
            "Redis keeps no append-only file: each restart loses what was queued, and the sweeper "
            "queues it again from the store",
            "Set appendonly yes.",
        )
    for field, what in (
        ("aof_last_write_status", "the append-only file"),
        ("rdb_last_bgsave_status", "its snapshot"),
    ):
        if info.get(field, "ok") != "ok":
            yield wrong(
                f"Redis could not write {what} the last time",
                "Look for a full disk on its machine (ENOSPC) and at its log.",
            )


def _info(client: redis.Redis, section: str) -> Info:
    """A section of INFO; empty where the host forbids it. Raises RedisError."""
    try:
        told: Any = client.info(section)
    except ResponseError:
        return {}
    return told if isinstance(told, dict) else {}


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
