"""What most tests stand on: a real Redis, real keys, real settings, the real app."""

from __future__ import annotations

import base64
import os
import secrets
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import hypothesis
import jinja2
import pytest
import redis
from cryptography.hazmat.primitives import serialization
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket
from redis.lock import Lock
from sqlalchemy import Engine
from werkzeug.routing import Rule

from addon.archive.key_pairs import new_key_pair
from addon.archive.manifest import Signer, new_signing_key
from addon.catalogue import migrations
from addon.factory import create_app
from addon.settings import Settings
from addon.stack.redis_server import command, missing
from addon.web import context
from tests.child import Children, fork_server
from workers.services import Services

# A busy machine draws its examples slowly and answers late; neither says anything about our code.
hypothesis.settings.register_profile(
    "suite", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("suite")

pytest_plugins = ["tests.dead_workers", "tests.leftovers", "tests.distribution"]

# A developer's own .env is theirs: the variables with which dotenv and Flask leave it alone.
os.environ |= {"PYTHON_DOTENV_DISABLED": "1", "FLASK_SKIP_DOTENV": "1"}

ACCOUNT = "AC" + "0a" * 16
TOKEN = "primary-token-0001"
PUBLIC_URL = "https://hooks.example.net"


class Compiled(jinja2.BytecodeCache):
    """Templates as they were compiled for the first app of this process."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


UPGRADE = migrations._upgrade
"""The migration itself, for the tests of it."""


class MigratedOnce:
    """A new catalogue's tables in SQLite, copied from the first that this process has made."""

    def __init__(self) -> None:
        self._made: bytes | None = None

    def __call__(self, engine: Engine) -> None:
        if engine.dialect.name != "sqlite":
            return UPGRADE(engine)
        with engine.connect() as connection:
            file: Any = connection.connection.driver_connection
            if file.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                return UPGRADE(engine)
            if self._made is None:
                UPGRADE(engine)
                made = file.serialize()
                self._made = made[:18] + b"\1\1" + made[20:]  # no WAL, which needs a file
                return None
            template = sqlite3.connect(":memory:")
            template.deserialize(self._made)
            template.backup(file)
            template.close()
        engine.dispose()
        return None


@pytest.fixture(scope="session", autouse=True)
def no_waiting_for_the_same() -> Iterator[None]:
    """Templates, keys, routes and tables are made once, and the disk is not waited for.

    Most tests have an app of their own, which has the same ones. Only a power cut shows whether a
    file was synced; the tests of the order in which files are synced look at the calls.
    """
    load = cache(serialization.load_pem_private_key)
    built: dict[tuple[object, ...], Callable[..., tuple[str, str]]] = {}
    build = Rule._compile_builder

    def build_once(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        """The code of a route depends on its text alone: converters are looked up in its rule."""
        key = (rule.rule, rule.subdomain, str(rule.defaults), str(rule._trace), append_unknown)
        if key not in built:
            built[key] = build(rule, append_unknown)
        return built[key]

    with (
        patch.object(serialization, "load_pem_private_key", load),
        patch.object(Rule, "_compile_builder", build_once),
        patch.object(os, "fsync", lambda _: None),
        patch.object(migrations, "_upgrade", MigratedOnce()),
        patch.dict(Flask.jinja_options, bytecode_cache=Compiled()),
    ):
        yield


@contextmanager
def running_redis(*options: str, user: str = "") -> Iterator[str]:
    """A private server on a Unix socket; gives its URL, with `user` as name:password@."""
    with tempfile.TemporaryDirectory(prefix="addon-redis-") as folder:
        socket = Path(folder) / "redis.sock"
        argv = [*command(socket, Path(folder)), *options]
        server = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
        url = f"unix://{user}{socket}"
        try:
            while missing(url) is not None:
                assert server.poll() is None, "the test server ended"
                time.sleep(0.01)
            yield url
        finally:
            server.terminate()
            server.wait(60)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The server of this run."""
    with running_redis() as url:
        yield url


@pytest.fixture
def redis_server(redis_url: str) -> Iterator[redis.Redis]:
    """An empty real Redis; the connection is closed afterwards."""
    connection = redis.Redis.from_url(redis_url)
    connection.execute_command("FLUSHALL", "SYNC")  # else the memory is free some time later
    yield connection
    connection.close()
    # The class keeps the client of whoever locked first, and with it a connection.
    Lock.lua_release = Lock.lua_extend = Lock.lua_reacquire = None


@pytest.fixture(scope="session")
def child_starter() -> Iterator[None]:
    """The process that children come from, started once."""
    with fork_server():
        yield


@pytest.fixture
def children(child_starter: None) -> Iterator[Children]:
    """Starts functions in processes of their own."""
    starting = Children()
    yield starting
    starting.close()


@pytest.fixture(scope="session")
def made_keys() -> dict[str, str]:
    """An epoch pair and a signing key, made once: RSA keys take a while."""
    pair, signing = new_key_pair(2048), new_signing_key()
    return {
        "public": pair.public_pem,
        "private": pair.private_pem,
        "signing": signing,
        "verify": Signer(signing).public_pem,
        "intake": base64.b64encode(secrets.token_bytes(32)).decode(),
    }


@pytest.fixture
def settings(tmp_path: Path, redis_url: str, made_keys: dict[str, str]) -> Settings:
    """Settings of a whole deployment on this test's own folder."""
    return Settings.load(
        {
            "DATA_DIR": str(tmp_path / "var"),
            "REDIS_URL": redis_url,
            "PUBLIC_URL": PUBLIC_URL,
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "ARCHIVE_PUBLIC_KEYS": made_keys["public"],
            "ARCHIVE_PRIVATE_KEYS": made_keys["private"],
            "MANIFEST_SIGNING_KEY": made_keys["signing"],
            "MANIFEST_VERIFY_KEYS": made_keys["verify"],
            "INTAKE_KEY": made_keys["intake"],
            "PLAYBACK_SECRETS": "the-playback-secret-of-these-tests",
        }
    )


@pytest.fixture(autouse=True)
def apps_end() -> Iterator[None]:
    """Every app that a test makes is closed after it, as it would be when its process exits."""
    made: list[context.Context] = []
    attach = context.attach

    def attached(app: Flask, settings: Settings) -> None:
        attach(app, settings)
        made.append(app.extensions[context.EXTENSION])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(context, "attach", attached)
        yield
        for one in made:
            one.close()


@pytest.fixture
def app(settings: Settings, redis_server: redis.Redis) -> Flask:
    """The application on an empty Redis and an empty store."""
    app = create_app(settings)
    app.testing = False
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client of the application."""
    return app.test_client()


@pytest.fixture
def services(settings: Settings, redis_server: redis.Redis) -> Iterator[Services]:
    """What a job works with, on the same Redis and store as the app."""
    made = Services.from_settings(settings.for_worker())
    yield made
    made.redis.close()


@pytest.fixture
def as_worker(services: Services, monkeypatch: pytest.MonkeyPatch) -> Services:
    """Makes this process a worker: jobs called here use `services`."""
    monkeypatch.setattr("workers.services._made", {os.getpid(): services})
    return services
