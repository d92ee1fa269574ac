"""Every command, make target and setting that a page names can be given as it stands there."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from flask import Flask

from addon.settings import Settings

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob(".github/**/*.md")])
FILES = [ROOT / "Procfile", ROOT / "compose.yaml", *ROOT.glob("docs/deploy/*.service")]

FLASK = re.compile(r"(?:^|[`\s/])flask ((?:[a-z-]|--)[^`\n|&)…]*)")
MAKE = re.compile(r"(?:^|`)make(?: -C \S+)? ([a-z]+)", re.M)
MODULE = re.compile(r"python -m ([a-z_.]+)")
VARIABLE = re.compile(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+)(?:=[^`]*)?`")

OF_FLASK = {"run", "routes", "shell", "--debug"}

OF_OTHERS = {
    *("AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL_S3", "AWS_SECRET_ACCESS_KEY"),
    *("AWS_", "OTEL_", "OPENBLAS_NUM_THREADS", "REQUEST_URI"),
    *("INTELLIGENT_TIERING", "STANDARD_IA"),
}
"""What libraries read, and values."""

OTHER_WORDS = re.compile(r"RECORDING_[A-Z]+|PR_SET_[A-Z]+|RWF_[A-Z]+|SO_[A-Z]+|WAVE_FORMAT_[A-Z]+")
"""Twilio's usage keys, constants of the kernel and of formats."""


def constants() -> set[str]:
    """Names that modules here give to values."""
    files = [*ROOT.glob("addon/**/*.py"), *ROOT.glob("workers/*.py")]
    texts = (path.read_text(encoding="utf-8") for path in files)
    return {name for text in texts for name in re.findall(r"^([A-Z]\w+)(?::| =)", text, re.M)}


def code_of(path: Path) -> str:
    """A page's code: spans and blocks; the whole of a file that is no page."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".md":
        return text
    blocks = re.findall(r"^```(?:sh|bash|)\n(.*?)^```", text, re.M | re.S)
    indented = re.findall(r"^    \S.*$", text, re.M)
    spans = re.findall(r"`[^`\n]+`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
    return "\n".join([*blocks, *(line.strip() for line in indented), *spans])


def flask_commands(text: str) -> Iterator[list[str]]:
    """Every `flask …` as words, without comments and without what stands for a value."""
    for given in FLASK.findall(text):
        words = shlex.split(given.partition(" #")[0].replace("'", ""))
        yield [word for word in words if word not in ("…", "...")]


def command_of(app: Flask, words: list[str]) -> click.Command:
    """The command that words lead to. Raises LookupError for a name that is none."""
    command: click.Command = app.cli
    for word in words:
        if not isinstance(command, click.Group) or word.startswith("-"):
            break
        found = command.get_command(click.Context(command), word)
        if found is None:
            raise LookupError(word)
        command = found
    return command


@pytest.mark.parametrize("path", [*PAGES, *FILES], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_flask_command_exists_with_its_options(app: Flask, path: Path):
    for words in flask_commands(code_of(path)):
        if words[0] in OF_FLASK:
            continue
        command = command_of(app, words)
        known = {name for parameter in command.params for name in parameter.opts}
        options = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert options <= known | {"--help"}, words


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_make_target_exists(path: Path):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(MAKE.findall(code_of(path))) <= targets


@pytest.mark.parametrize("path", [*PAGES, *FILES], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_that_is_to_be_run_exists(path: Path):
    for name in MODULE.findall(code_of(path)):
        name = name.rstrip(".")
        assert importlib.util.find_spec(name) is not None, name


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_setting_that_a_page_names_is_read(path: Path):
    known = {name.upper() for name in Settings.model_fields} | OF_OTHERS | constants()
    named = set(VARIABLE.findall(path.read_text(encoding="utf-8")))
    assert {name for name in named - known if not OTHER_WORDS.fullmatch(name)} == set()


def test_a_command_that_is_gone_is_noticed(app: Flask):
    [words] = flask_commands("`flask archive burn RE…`")
    with pytest.raises(LookupError):
        command_of(app, words)
