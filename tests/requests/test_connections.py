"""Connections to Redis: the web gives up soon enough to answer, a worker rides an outage out."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from addon.errors import SettingsError
from addon.requests.connections import check_folder, web_connection, worker_connection
from addon.settings import Settings
from tests.requests.tls_redis import TlsRedis


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}"


def test_the_web_does_not_wait_for_a_silent_redis(silent):
    connection = web_connection(silent)
    with pytest.raises(redis.TimeoutError):
        connection.ping()
    connection.connection_pool.disconnect()


def test_each_wait_of_the_web_is_less_than_half_a_second():
    """So that two of them still leave time to answer within a second."""
    pool = web_connection("redis://127.0.0.1:1").connection_pool
    limits = pool.connection_kwargs
    waits = (pool.timeout, limits["socket_timeout"], limits["socket_connect_timeout"])
    assert max(waits) < 0.5


def test_a_worker_waits_for_a_redis_that_is_slow():
    connection = worker_connection("redis://127.0.0.1:1")
    assert connection.connection_pool.connection_kwargs["socket_timeout"] >= 5


@pytest.fixture(scope="module")
def tls_redis(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsRedis]:
    """A Redis behind TLS, with a certificate that nobody signed."""
    path = redis_url.removeprefix("unix://")
    with TlsRedis(path, tmp_path_factory.mktemp("tls")) as running:
        yield running


def url_of(tls_redis: TlsRedis, **env: str) -> str:
    return Settings.load({"REDIS_URL": tls_redis.url, **env}).redis_url


def with_colons(fingerprint: str) -> str:
    """As openssl prints it."""
    return ":".join(fingerprint[place : place + 2] for place in range(0, 64, 2))


def answers(url: str) -> bool:
    """True where both kinds of connection are answered, False where neither is."""
    found = []
    for connect in (web_connection, worker_connection):
        connection = connect(url)
        patient = {"socket_timeout": 30, "socket_connect_timeout": 30}
        connection.connection_pool.connection_kwargs |= {**patient, "retry": Retry(NoBackoff(), 0)}
        try:
            found.append(bool(connection.ping()))
        except redis.ConnectionError:
            found.append(False)
        finally:
            connection.connection_pool.disconnect()
    assert len(set(found)) == 1
    return found[0]


def test_a_certificate_that_nobody_signed_is_refused(tls_redis):
    assert not answers(url_of(tls_redis))


@pytest.mark.parametrize(
    "written", [str, str.upper, lambda text: ":".join(text[n : n + 2] for n in range(0, 64, 2))]
)
def test_a_pinned_certificate_is_believed(tls_redis, written):
    assert answers(url_of(tls_redis, REDIS_TLS_FINGERPRINTS=written(tls_redis.fingerprint)))


def test_one_of_several_pins_is_enough(tls_redis):
    pins = f"{'0' * 64},{tls_redis.fingerprint}"
    assert answers(url_of(tls_redis, REDIS_TLS_FINGERPRINTS=pins))


@pytest.mark.parametrize("verify", ["on", "off"])
def test_another_certificate_than_the_pinned_is_refused_before_the_password_is_sent(
    tls_redis, verify
):
    before = tls_redis.received
    env = {"REDIS_TLS_FINGERPRINTS": "ab" * 32, "REDIS_TLS_VERIFY": verify}
    assert not answers(url_of(tls_redis, **env))
    assert tls_redis.received == before


def test_a_certificate_of_an_authority_of_ones_own_is_believed(tls_redis):
    assert answers(url_of(tls_redis, REDIS_TLS_CA=tls_redis.certificate))


@pytest.mark.parametrize("pin", ["ab", "g" * 64, "ab" * 33, "ab" * 32 + ",x"])
def test_what_is_no_fingerprint_is_said_at_the_start(tls_redis, pin):
    with pytest.raises(SettingsError, match=r"^REDIS_TLS_FINGERPRINTS"):
        url_of(tls_redis, REDIS_TLS_FINGERPRINTS=pin)


def test_a_socket_in_a_folder_that_another_user_put_there_is_refused(tmp_path, monkeypatch):
    shared, own = tmp_path / "tmp", tmp_path / "tmp" / "addon-redis"
    own.mkdir(parents=True)
    shared.chmod(0o1777)
    check_folder(own)
    monkeypatch.setattr(os, "geteuid", lambda: own.stat().st_uid + 1)
    if own.stat().st_uid == 0:  # as root every folder is root's
        os.chown(own, 12345, -1)
    with pytest.raises(redis.ConnectionError, match="another user"):
        check_folder(own)
    connection = worker_connection(f"unix://{own}/redis.sock")
    connection.connection_pool.connection_kwargs["retry"] = Retry(NoBackoff(), 0)
    with pytest.raises(redis.ConnectionError, match="another user"):
        connection.ping()
    shared.chmod(0o755)
    check_folder(own)


def test_a_socket_without_a_folder_is_a_redis_that_does_not_answer(tmp_path):
    with pytest.raises(redis.ConnectionError):
        check_folder(Path(tmp_path / "none"))
