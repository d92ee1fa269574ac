"""The configurations of docs/deploy/reverse-proxy.md, run by the real nginx and Caddy."""

from __future__ import annotations

import base64
import contextlib
import http.client
import itertools
import re
import secrets
import select
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from addon.settings import Settings
from tests.calls import wav
from tests.conftest import ACCOUNT, PUBLIC_URL, TOKEN
from tests.stack.running import ROOT, free_port
from tests.web import requests as send
from tests.web.serving import Served, served

pytestmark = pytest.mark.stack

PAGE = (ROOT / "docs/deploy/reverse-proxy.md").read_text(encoding="utf-8")
SHARE = 4
"""Connections that one address may have."""

UPLOAD = send.first_sample(wav(30.0))


def block(language: str) -> str:
    """The page's configuration of that kind."""
    found = re.search(f"^```{language}\n(.*?)^```", PAGE, re.M | re.S)
    assert found is not None
    return found[1]


def nginx(folder: Path, port: int, upstream: int) -> list[str]:
    config = block("nginx").replace("127.0.0.1:8080", f"127.0.0.1:{upstream}")
    config = config.replace("listen 443 ssl", f"listen 127.0.0.1:{port}")
    config = re.sub(r"^\s*ssl_.*\n", "", config, flags=re.M)
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    file = folder / "nginx.conf"
    file.write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/log;\n"
        f"events {{}}\nhttp {{\n{paths}{config}}}\n"
    )
    return ["nginx", "-p", str(folder), "-c", str(file), "-e", f"{folder}/log"]


def caddy(folder: Path, port: int, upstream: int) -> list[str]:
    config = block("caddyfile").replace("127.0.0.1:8080", f"127.0.0.1:{upstream}")
    config = config.replace("addon.example.com", f"http://127.0.0.1:{port}")
    file = folder / "Caddyfile"
    file.write_text(config.replace("{\n", "{\n    admin off\n", 1))
    return ["caddy", "run", "--config", str(file), "--adapter", "caddyfile"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: Any, redis_url: str, made_keys: dict[str, str]) -> Iterator[Served]:
    settings = Settings.load(
        {
            "DATA_DIR": str(tmp_path_factory.mktemp("proxied")),
            "REDIS_URL": redis_url,
            "PUBLIC_URL": PUBLIC_URL,
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "INTAKE_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
            "ARCHIVE_PUBLIC_KEYS": made_keys["public"],
            "ARCHIVE_PRIVATE_KEYS": made_keys["private"],
            "MANIFEST_SIGNING_KEY": made_keys["signing"],
            "PLAYBACK_SECRETS": "a-playback-secret-for-tests-0001",
        }
    )
    with served(settings, TRUSTED_PROXIES="1", CONNECTIONS_PER_ADDRESS=str(SHARE)) as running:
        yield running


@pytest.fixture(params=[nginx, caddy])
def front(request: Any, server: Served, tmp_path: Path) -> Iterator[int]:
    """The port of a proxy."""
    name = request.param.__name__
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    port = free_port()
    with running(request.param(tmp_path, port, server.port), tmp_path, port):
        yield port


@contextlib.contextmanager
def running(command: list[str], folder: Path, port: int) -> Iterator[None]:
    environment = {"PATH": "/usr/sbin:/usr/bin:/usr/local/bin", "HOME": str(folder)}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                assert process.poll() is None, "the proxy ended"
                assert time.monotonic() < deadline
                time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(60)


def invoke(port: int, shape: send.Shape, **more: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {
        "X-Twilio-VendorAccountSid": ACCOUNT,
        "X-Twilio-AddOnInstallSid": send.INSTALL,
        "X-Twilio-RequestSid": send.new_sid(),
        "X-Twilio-Signature": send.signature(PUBLIC_URL + shape.path, shape.signed),
        "Content-Type": shape.content_type,
        **more,
    }
    try:
        connection.request("POST", shape.path, shape.body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_invocations_and_uploads_pass(front: int) -> None:
    for shape in (send.url_only(), UPLOAD, send.json_body()):
        assert invoke(front, shape) == 202


def test_a_forgery_is_refused_through_the_proxy(front: int) -> None:
    assert invoke(front, UPLOAD, **{"X-Twilio-Signature": "A" * 27 + "="}) == 403


def test_nothing_of_an_upload_lies_on_the_proxys_disk(front: int, tmp_path: Path) -> None:
    assert invoke(front, UPLOAD) == 202
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size > 20_000]
    assert kept == []


def test_a_stranger_cannot_choose_the_address_that_is_counted(front: int, server: Served) -> None:
    """However it calls itself, beyond its share one of its requests is dropped for each new one.

    Seen at the service: Caddy tells a client nothing before its body has come. A new one is refused
    while the service looks at all the others, and comes again.
    """
    head = (
        f"POST /recording-analysis HTTP/1.1\r\nHost: 127.0.0.1:{front}\r\n"
        "Content-Length: 900000\r\n"
        f"X-Twilio-Signature: {'A' * 27}=\r\nX-Forwarded-For: 198.51.100."
    )
    with contextlib.ExitStack() as clients:

        def another() -> socket.socket:
            client = socket.create_connection(("127.0.0.1", front), 60, ("127.0.0.9", 0))
            clients.enter_context(client).sendall(f"{head}{next(numbers)}\r\n\r\n".encode())
            return client

        numbers, held = itertools.count(), set[str]()
        for number in range(2 * SHARE):
            held = _until_one_comes(server.port, held, another)
            assert len(held) == min(number + 1, SHARE)
        assert invoke(front, send.url_only()) == 202


def _until_one_comes(port: int, before: set[str], begin: Callable[[], socket.socket]) -> set[str]:
    """The peers of the service's connections, once there is a new one and no more than may be."""
    client, deadline = begin(), time.monotonic() + 60
    while True:
        found = _peers(port)
        if found - before and len(found) <= SHARE:
            return found
        assert time.monotonic() < deadline, found
        if select.select([client], [], [], 0.02)[0]:
            client = begin()


def _peers(port: int) -> set[str]:
    """Established connections at this port, by the other end."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {row[2] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "01"}
