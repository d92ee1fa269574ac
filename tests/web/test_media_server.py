"""Playback from the real server: what reaches a socket, and what a broken connection looks like."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from addon.archive.access_log_check import AccessLogCheck
from addon.archive.archive import Archive
from addon.archive.configured import control_signer
from addon.playback.grants import Grants
from addon.settings import Settings
from tests.conftest import ACCOUNT, TOKEN
from tests.playback.sounds import RECORDING, TENANT, archived, file_of
from tests.web.serving import Served, served

CONTENT = file_of(200_000)
LONG = 64 * 1024 * 1024
pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def settings(tmp_path_factory, redis_url, made_keys) -> Settings:
    return Settings.load(
        {
            "DATA_DIR": str(tmp_path_factory.mktemp("served")),
            "REDIS_URL": redis_url,
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "ARCHIVE_PUBLIC_KEYS": made_keys["public"],
            "ARCHIVE_PRIVATE_KEYS": made_keys["private"],
            "MANIFEST_SIGNING_KEY": made_keys["signing"],
            "PLAYBACK_SECRETS": "the-playback-secret-of-these-tests",
            "INTAKE_KEY": "00" * 32,
        }
    )


@pytest.fixture(scope="module")
def archive(settings) -> Archive:
    archive = Archive.from_settings(settings)
    archived(archive, CONTENT)
    return archive


@pytest.fixture(scope="module")
def server(settings, archive) -> Iterator[Served]:
    with served(settings) as running:
        yield running


@pytest.fixture
def link(settings) -> Callable[..., str]:
    grants = Grants.from_settings(settings)

    def path(recording_id: str = RECORDING, **facts) -> str:
        grant = grants.issue(TENANT, recording_id=recording_id, listener="x", **facts)
        return f"/media/{grants.token(grant)}"

    return path


def get(server: Served, path: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = server.connect()
    connection.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    answer = connection.getresponse()
    try:
        return answer, answer.read()
    finally:
        connection.close()


def damaged(
    settings: Settings, archive: Archive, name: str, place: int, content: bytes = CONTENT
) -> None:
    archived(archive, content, recording_id=name)
    root = Path(urlsplit(settings.archive_url).path)
    path = root / "recordings" / TENANT / name / "audio.esdk"
    stored = bytearray(path.read_bytes())
    stored[place] ^= 1
    path.write_bytes(stored)


def test_the_whole_and_its_parts_arrive(server, link):
    answer, body = get(server, link())
    assert (answer.status, body) == (200, CONTENT)
    answer, body = get(server, link(), Range="bytes=70000-700000")
    assert (answer.status, body) == (206, CONTENT[70_000:700_001])
    answer, body = get(server, link(), Range="bytes=0-0,-1")
    assert int(answer.headers["Content-Length"]) == len(body)


def test_one_connection_serves_many_ranges(server, link):
    connection, path = server.connect(), link()
    for start in range(0, 400_000, 50_000):
        connection.request("GET", path, headers={"Range": f"bytes={start}-{start + 99}"})
        assert connection.getresponse().read() == CONTENT[start : start + 100]
    connection.request("HEAD", path)
    assert connection.getresponse().read() == b""
    connection.request("GET", path, headers={"Range": "bytes=-5"})
    assert connection.getresponse().read() == CONTENT[-5:]
    connection.close()


def test_damage_on_the_way_breaks_the_connection(server, settings, archive, link):
    damaged(settings, archive, "REdamaged", 400_000)
    with pytest.raises(http.client.IncompleteRead) as broken:
        get(server, link("REdamaged"))
    assert len(broken.value.partial) < 400_000
    assert CONTENT.startswith(broken.value.partial)
    answer, body = get(server, link("REdamaged"), Range="bytes=0-99")
    assert (answer.status, body) == (206, CONTENT[:100])


def test_damage_in_a_later_part_of_several_breaks_it_too(server, settings, archive, link):
    damaged(settings, archive, "REparts", 400_000)
    with pytest.raises(http.client.IncompleteRead):
        get(server, link("REparts"), Range="bytes=0-9,390000-410000")


def test_damage_breaks_a_converted_download_too(server, settings, archive, link):
    damaged(settings, archive, "REconverted", 2_300_000, file_of(600_000))
    with pytest.raises(http.client.IncompleteRead):
        get(server, link("REconverted", purpose="download") + "?format=flac")


def test_a_client_that_could_not_see_a_download_break_off_gets_none(server, archive, link):
    archived(archive, CONTENT, recording_id="REold")
    url = link("REold", purpose="download")
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
        client.sendall(f"GET {url}?format=mp3 HTTP/1.0\r\nHost: x\r\n\r\n".encode())
        answer = client.makefile("rb").read()
    assert b" 422 " in answer.partition(b"\r\n")[0]
    assert get(server, f"{url}?format=mp3")[0].status == 200


def test_damage_found_before_the_status_is_a_status(server, settings, archive, link):
    damaged(settings, archive, "REfirst", 600_000)
    answer, body = get(server, link("REfirst", purpose="download") + "?format=flac")
    assert (answer.status, answer.headers["Content-Type"]) == (502, "application/problem+json")
    assert b"fLaC" not in body


def test_memory_does_not_grow_with_the_recording(server, archive, link):
    archived(archive, bytes(LONG), recording_id="RElong", format="wav")
    get(server, link("RElong"), Range="bytes=0-99")
    before = server.peak_memory()
    _, body = get(server, link("RElong"))
    assert len(body) == LONG
    assert server.peak_memory() - before < 16 * 1024 * 1024


def test_who_leaves_early_is_on_record_with_what_he_got(server, archive, link, settings):
    archived(archive, bytes(LONG), recording_id="REleft", format="wav")
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(f"GET {link('REleft')} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        client.recv(1000)
    events = wait_for(lambda: sent(archive, "REleft"))
    ((start, stop),) = events[0]["ranges"]
    assert start == 0
    assert 0 < stop < LONG


def test_the_access_log_is_complete_when_the_server_stops(settings, archive, link):
    archived(archive, CONTENT, recording_id="REstop")
    with served(settings) as running:
        for start in (0, 1000, 2000):
            get(running, link("REstop"), Range=f"bytes={start}-{start + 9}")
    assert sum(event["requests"] for event in sent(archive, "REstop")) == 3
    check = AccessLogCheck(archive.store, control_signer(settings))
    assert {finding.state for finding in check.run()} == {"genuine"}
    assert max(check.heads.values()) >= 2, "its head is written when it ends"


def sent(archive: Archive, recording_id: str) -> list[dict[str, Any]]:
    """The events of what was sent."""
    events = archive.access_log.events(TENANT, recording_id)
    return [event for event in events if event["event"] == "heard"]


def wait_for(found: Callable[[], list], patience_s: float = 60.0) -> list:
    """What comes from another process within a while."""
    import time

    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if result := found():
            return result
        time.sleep(0.05)
    raise AssertionError("it never came")
