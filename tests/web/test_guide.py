"""Guides as pages, and their examples: each runs as it stands there, in every language."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from twilio.request_validator import RequestValidator

from addon.archive.archive import Archive
from addon.factory import create_app
from addon.settings import Settings
from addon.web import guide
from addon.web.docs import FOLDER, example
from tests.browser import stand
from tests.playback.sounds import RECORDING, TENANT, archived, file_of
from tests.web.people import Browser
from tests.web.playing import bearer

GUIDE = FOLDER / "api.md"
CONTENT = file_of(20_000)
SILENCE = 12.345
ANALYSIS = {
    "status": "successful",
    "result": {"conversation": {"silence_percent": SILENCE}, "flags": [], "segments": []},
}

PARTS = re.compile(r"(?ms)^## ([^\n]+)$|^```(sh|python|js)\n(.*?)^```")


def examples(page: Path) -> Iterator[tuple[str, int, str, str]]:
    """Section, number within it, language and text of each example."""
    section, seen = "", {}
    for heading, language, text in PARTS.findall(page.read_text()):
        if heading:
            section, seen = heading, {}
            continue
        seen[language] = seen.get(language, 0) + 1
        yield section, seen[language], language, text


FOUND = list(examples(GUIDE))
ids = [f"{section}-{number}-{language}" for section, number, language, _ in FOUND]

EXPECTED = {
    ("List recordings", 1): RECORDING,
    ("Read an analysis", 1): str(SILENCE),
    ("Three ways to the audio", 1): "/media/",
}
"""A word in the output; the file and the erasure are looked at themselves."""

COMMANDS = {
    "sh": ["bash", "-eu", "-c"],
    "python": [sys.executable, "-c"],
    "js": ["node", "--input-type=module", "--eval"],
}


@pytest.fixture
def service(settings: Settings, redis_server: object) -> Iterator[Settings]:
    """A service with one recording, on a port of its own."""
    archived(Archive.from_settings(settings), CONTENT, analysis=ANALYSIS)
    with stand.served(settings) as running:
        yield running


def run(text: str, language: str, service: Settings, folder: Path, token: str) -> str:
    """The output of an example at the address of a service."""
    command = COMMANDS[language]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed: its examples are not run")
    environment = {"PATH": os.environ["PATH"], "TOKEN": token, "ID": RECORDING}
    assert guide.EXAMPLE_ADDRESS in text
    answer = subprocess.run(
        [*command, text.replace(guide.EXAMPLE_ADDRESS, service.public_url)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


@pytest.mark.parametrize(("section", "number", "language", "text"), FOUND, ids=ids)
def test_an_example_does_what_its_section_says(
    service: Settings, tmp_path: Path, section: str, number: int, language: str, text: str
):
    token = bearer(create_app(service), TENANT)["Authorization"].removeprefix("Bearer ")
    folder = tmp_path / "client"
    folder.mkdir()
    output = run(text, language, service, folder, token)
    if section == "Erasing":
        assert not Archive.from_settings(service).find(RECORDING)
    elif (section, number) == ("Three ways to the audio", 2):
        assert (folder / f"{RECORDING}.wav").read_bytes() == CONTENT
        assert [path.name for path in folder.iterdir()] == [f"{RECORDING}.wav"]
    else:
        assert EXPECTED[section, number] in output


def test_every_example_is_there_in_three_languages():
    groups: dict[tuple[str, int], list[str]] = {}
    for section, number, language, _ in FOUND:
        groups.setdefault((section, number), []).append(language)
    assert len(groups) >= 5
    assert all(found == ["sh", "python", "js"] for found in groups.values())


def test_the_page_has_the_readers_own_address_and_no_other(app: Flask, settings: Settings):
    page = Browser(app).get("/docs/api").text
    assert guide.EXAMPLE_ADDRESS not in page
    assert f"{settings.public_url}/api/v1/recordings" in page
    assert page.count('class="tabs"') == len(FOUND) / 3


def test_markdown_becomes_headings_with_ids_tables_and_links_into_the_site(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text(
        "# Title\n\n## Some words\n\n[a](analysis.md#x) [b](other.md) [c](https://a.example)\n\n"
        "| a |\n|---|\n| <b>1</b> |\n\n```\n<one>\n```\n"
    )
    html = guide.html(page, "https://b.example")
    assert "Title" not in html
    assert '<h2 id="some-words">' in html
    assert '<a href="/docs/result">a</a> b <a href="https://a.example">c</a>' in html
    assert '<div class="table-wrap" tabindex="0"><table>' in html
    assert "&lt;b&gt;1&lt;/b&gt;" in html
    assert '<pre tabindex="0"><code>&lt;one&gt;' in html


CALLBACK = list(examples(FOLDER / "callback.md"))
SID, SECRET = "AC" + "7" * 32, "the-auth-token-of-an-account"
URL = "https://app.example.com/recordings?from=twilio"


def program(language: str, last: str) -> str:
    """All examples of the page about callbacks in a language, and a last line that uses them."""
    return "\n".join([*(text for _, _, known, text in CALLBACK if known == language), last])


def output_of(language: str, last: str) -> str:
    command = COMMANDS[language]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed: its examples are not run")
    text = program(language, last)
    answer = subprocess.run([*command, text], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


CHECKS = {
    "python": "print(is_from_twilio({}, {}, {}, {}))",
    "js": "console.log(isFromTwilio({}, {}, {}, {}))",
}


@pytest.mark.parametrize("language", CHECKS)
def test_the_callback_example_knows_twilios_signature_from_any_other(language: str):
    form = {"AddOns": '{"a": "\u00e9 +%"}', "AccountSid": SID, "empty": ""}
    genuine = RequestValidator(SECRET).compute_signature(URL, form)
    wrong = {
        "another URL": (URL + "x", form, genuine, SECRET),
        "another field": (URL, {**form, "empty": "x"}, genuine, SECRET),
        "another token": (URL, form, genuine, SECRET + "x"),
        "none": (URL, form, "", SECRET),
    }
    lines = [CHECKS[language].format(*map(json.dumps, given)) for given in wrong.values()]
    last = CHECKS[language].format(*map(json.dumps, (URL, form, genuine, SECRET)))
    found = output_of(language, "\n".join([last, *lines])).lower().split()
    assert found == ["true", *["false"] * len(wrong)]


class Twilio(BaseHTTPRequestHandler):
    """Asks for credentials and leads to another host, which must not get them."""

    def do_GET(self) -> None:
        server: Any = self.server
        server.seen.append((self.path, self.headers.get("Authorization")))
        if self.path == "/data":
            basic = base64.b64encode(f"{SID}:{SECRET}".encode()).decode()
            known = self.headers.get("Authorization") == f"Basic {basic}"
            self.send_response(307 if known else 401)
            self.send_header("Location", f"http://localhost:{server.server_port}/stored")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = json.dumps(example("dual")).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def twilio() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Twilio)
    server.seen = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


FETCHES = {
    "sh": "",
    "python": "print(summary(result_of({form}, {sid}, {secret})))",
    "js": "console.log(summary(await resultOf({form}, {sid}, {secret})))",
}


@pytest.mark.parametrize("language", FETCHES)
def test_the_callback_example_fetches_and_gives_the_credentials_to_twilio_alone(
    twilio: Any, language: str, monkeypatch: pytest.MonkeyPatch
):
    address = f"http://127.0.0.1:{twilio.server_port}/data"
    for name, value in {"ACCOUNT_SID": SID, "AUTH_TOKEN": SECRET, "PAYLOAD_URL": address}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NO_PROXY", "*")
    add_ons = {"results": {"recording_analysis": {"payload": [{"url": address}]}}}
    given = {"form": {"AddOns": json.dumps(add_ons)}, "sid": SID, "secret": SECRET}
    given = {name: json.dumps(value) for name, value in given.items()}
    output = output_of(language, FETCHES[language].format(**given))
    (first, with_credentials), (second, without) = twilio.seen
    assert (first, second, without) == ("/data", "/stored", None)
    assert with_credentials is not None
    talk = example("dual")["result"]["conversation"]
    assert str(talk["silence_percent"]) in output
