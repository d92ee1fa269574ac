"""The guide to the API: each example of docs/api.md runs as it stands there, in every language."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from addon.archive.archive import Archive
from addon.factory import create_app
from addon.settings import Settings
from addon.web import guide
from addon.web.docs import FOLDER
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

EXAMPLES = re.findall(r"(?ms)^## ([^\n]+)$|^```(sh|python|js)\n(.*?)^```", GUIDE.read_text())


def examples() -> Iterator[tuple[str, int, str, str]]:
    """Section, number within it, language and text of each example."""
    section, seen = "", {}
    for heading, language, text in EXAMPLES:
        if heading:
            section, seen = heading, {}
            continue
        seen[language] = seen.get(language, 0) + 1
        yield section, seen[language], language, text


FOUND = list(examples())
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
