"""Every command line that README, the docs and the site show is run by a test, out of the page.

Lines of `flask` and curl run here, one after the other in one scene: an archived recording on a
real Redis, a strict double of Twilio, and the service on a port. What another test runs is named
with it, and what no test can run with the reason.
"""

from __future__ import annotations

import html
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import pytest
from click.testing import CliRunner
from flask import Flask

from addon.commands import Commands
from addon.factory import create_app
from addon.settings import Settings
from tests.calls import wav
from tests.commands.test_invoke import at_work
from tests.conftest import ACCOUNT
from tests.stack.running import free_port
from tests.test_documented_commands import ROOT, command_of
from tests.workers.flexing import Flex, flex

__all__ = ["flex"]

PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("samples/*.md")]
    if not path.is_relative_to(ROOT / "docs" / "decisions")
    and not path.is_relative_to(ROOT / "docs" / "spec")
)
SITE = sorted(ROOT.glob("addon/web/templates/docs/*.html"))

PROGRAMS = {"flask", "make", "git", "curl", "python", "pip", "cp", "install", "useradd"}
PROGRAMS |= {"systemctl", "journalctl", "docker", "heroku", "sudo", "psql", "redis-cli"}
"""First words by which a line that is not fenced is told from other text."""

RUN_ELSEWHERE = {
    r"curl .*(api/v1/recordings|PAYLOAD_URL)": "tests/web/test_guide.py",
    r"python recover\.py ": "tests/archive/test_recovery.py",
    r"flask archive reanalyse --only transcript$": "tests/commands/test_reanalyse.py",
    r"flask rules test .*--recording": "tests/commands/test_rules.py",
    r"flask conform --to ": "tests/commands/test_conform.py",
    r"flask archive erase ": "tests/commands/test_archive_erase.py",
    r"flask archive export ": "tests/commands/test_archive_export.py",
    r"flask archive hold ": "tests/commands/test_archive_hold.py",
    r"flask serve$": "tests/commands/test_local_stack.py",
    r"make setup$": "tests/deploy/test_setup.py",
    r"make run( |$)": "tests/commands/test_demo.py",
}
"""Lines that another test runs, or the same steps with other addresses."""

NOT_RUN = {
    r"git clone |cd <it>": "it names no address: whoever publishes the code has one",
    r"make test": "it is this suite",
    r"flask --debug run ": "Flask's own server, which restarts itself for a developer until Ctrl-C",
    r"pip install ": "it asks PyPI",
    r"python samples/make_call\.py$": "it needs a speech synthesiser that CI does not have",
    r"(useradd|systemctl|journalctl|install|cp|sudo) ": "it needs root, on a machine with systemd",
    r"docker ": "it needs a container engine",
    r"heroku ": "it needs an account at Heroku",
    r"export ": "settings for the lines that follow",
}
"""Lines that no test runs, and why."""

TO_PASTE = "\n## Lines to paste\n"
"""The last part of docs/deploy/README.md, for machines of others: test_lines_to_paste.py holds it
to units, services and commands, and test_drills.py runs its backup, restore and rotation."""

FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.M | re.S)


def lines_of(path: Path) -> Iterator[str]:
    """The command lines of a page: fenced, indented, or in the blocks of a page of the site."""
    text = path.read_text(encoding="utf-8").partition(TO_PASTE)[0]
    if path.suffix == ".html":
        blocks = re.findall(r"<pre[^>]*><code>([^{<]*)</code></pre>", text)
        known = [html.unescape(block) for block in blocks]
        fenced = [block for block in known if block.split()[0].split("/")[-1] in PROGRAMS]
        indented = []
    else:
        blocks = FENCE.findall(text)
        fenced = [block for language, block in blocks if language in ("", "sh", "bash", "console")]
        indented = re.findall(r"^    (\S.*)$", FENCE.sub("", text), re.M)
    for block in fenced:
        for line in block.replace("\\\n", " ").splitlines():
            yield from commands_of(line)
    for line in indented:
        for command in commands_of(line):
            if command.split()[0] in PROGRAMS:
                yield command


def commands_of(line: str) -> Iterator[str]:
    """The commands of a line, without comment and folder of the program."""
    for command in re.split(r" && ", re.sub(r"(^|\s+)#( .*|$)", "", line)):
        if command.strip():
            yield re.sub(r"^\.venv/bin/", "", " ".join(command.split()))


def listed(line: str) -> str | None:
    """The entry of one of the two lists that speaks of a line."""
    return next((each for each in (*RUN_ELSEWHERE, *NOT_RUN) if re.match(each, line)), None)


ALL = [(path, line) for path in (*PAGES, *SITE) for line in lines_of(path)]
FLASK = [line for _, line in ALL if line.startswith(("flask ", "curl ")) and not listed(line)]
MAKE = sorted({line for _, line in ALL if line.startswith("make ")})
PYTHON = [line for _, line in ALL if line.startswith("python ") and not listed(line)]


def test_every_line_is_run_or_listed_with_its_reason():
    for path, line in ALL:
        ours = line.split()[0] in ("flask", "curl", "make", "python")
        assert ours or listed(line), f"{path}: {line!r} is run by no test, and nobody says why"
    for place in RUN_ELSEWHERE.values():
        assert (ROOT / place).exists(), place


def test_no_entry_of_the_lists_is_of_a_line_that_is_gone():
    used = {listed(line) for _, line in ALL}
    general = {"docker ", "heroku ", "(useradd|systemctl|journalctl|install|cp|sudo) "}
    assert {*RUN_ELSEWHERE, *NOT_RUN} - used - general == set()


@pytest.mark.parametrize("line", MAKE)
def test_what_make_would_run_is_a_command_with_these_options(app: Flask, line: str):
    words = [word for word in shlex.split(line)[1:] if word != "-C" and not word.startswith("/")]
    done = subprocess.run(
        ["make", "--dry-run", *words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for given in re.findall(r"-m flask (.*)", done.stdout):
        command = command_of(app, shlex.split(given))
        arguments = [word for word in shlex.split(given)[1:] if word]
        with command.make_context(command.name, arguments):
            pass


@dataclass
class Scene:
    """What the placeholders of the pages stand for; those of a line come of the lines before."""

    names: dict[str, str] = field(default_factory=dict)

    def words(self, line: str) -> list[str]:
        """The words of a line with its placeholders filled in."""
        for name, value in self.names.items():
            line = line.replace(name, value)
        assert not re.search(r"…|<\w+>", line), f"{line!r} has a placeholder that nobody fills"
        return shlex.split(line)

    def learn(self, line: str, out: str, err: str) -> None:
        """Take the names that later lines need."""
        if line.startswith("flask tokens issue --scope webhooks"):
            self.names["$TOKEN"] = out.strip()
        if line.startswith("flask tokens list"):
            self.names["<name>"] = out.split("\t")[0]
        if line.startswith("flask webhooks create"):
            self.names["<id>"] = err.split()[0]


@pytest.fixture
def scene(flex: Flex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """A folder with a call, an archive with a recording, and the service that `flask` finds."""
    port = free_port()
    recording = flex.record(audio=wav(2.0))
    flex.announce(recording)
    assert flex.work(recording)
    flex.configure(
        public_url=f"http://127.0.0.1:{port}",
        webhook_hosts=("hooks.example.com",),
        callback_hosts=tuple(f"http://127.0.0.1:{each}" for each in (free_port(),)),
    )
    monkeypatch.chdir(tmp_path)
    (tmp_path / "call.wav").write_bytes(wav(1.0))
    (tmp_path / "samples").mkdir()
    shutil.copy(tmp_path / "call.wav", tmp_path / "samples" / "call.wav")
    monkeypatch.setattr(Settings, "load", classmethod(lambda _cls, *_, **__: flex.settings))
    with at_work(create_app(flex.settings), port):
        public = flex.settings.public_url
        yield Scene({"RE…": recording, "XD…": ACCOUNT, "https://recordings.example.com": public})


def run(scene: Scene, line: str, callback: int) -> None:
    """One line, that of `flask` in this process, with the file that it writes into."""
    program, *words = scene.words(line)
    if program == "curl":
        subprocess.run([program, "--fail", *words], check=True, stdout=subprocess.DEVNULL)
        return
    target = words.index(">") if ">" in words else len(words)
    words, file = words[:target], words[target + 1 :]
    if words[0] == "invoke":
        words += ["--port", str(callback), "--wait", "60"]
    with patch.object(os, "setpriority"):  # a command lowers its own process's, not the tests'
        result = CliRunner().invoke(Commands(), words)
    assert result.exit_code == 0, f"{line}\n{result.output}\n{result.exception!r}"
    for name in file:
        Path(name).write_text(result.stdout)
    scene.learn(line, result.stdout, result.stderr)


def test_every_line_does_what_it_says_without_an_error(scene: Scene, flex: Flex):
    [origin] = flex.settings.callback_hosts
    callback = int(origin.rpartition(":")[2])
    flex.configure(media_hosts=(*flex.settings.media_hosts, origin))
    for line in FLASK:
        run(scene, line, callback)


def test_every_python_line_runs(tmp_path: Path):
    shutil.copy(ROOT / "docs" / "result.schema.json", tmp_path)
    shutil.copy(ROOT / "docs" / "examples" / "dual.json", tmp_path / "result.json")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for line in PYTHON:
        subprocess.run(["sh", "-c", line], cwd=tmp_path, env={"PATH": path}, check=True)
