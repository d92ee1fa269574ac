"""`flask conform` as a command: its options, its outputs, its exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from addon.commands.conform import conform_command
from tests.commands.conformance.double import CREDENTIALS, TOKEN, Double
from tests.commands.conformance.spoilt import AnswersWithABody
from tests.stack.running import free_port

Conform = Callable[..., Result]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def conform(port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Conform:
    def run(*options: str) -> Result:
        return CliRunner().invoke(conform_command, ["--listen", str(port), *options])

    origin = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", TOKEN)
    monkeypatch.setenv("CALLBACK_CREDENTIALS", f"{origin}={':'.join(CREDENTIALS)}")
    return run


@pytest.fixture
def double() -> Iterator[Double]:
    with Double().running() as running:
        yield running


def test_what_passes_ends_with_0_and_says_so(conform: Conform, double: Double) -> None:
    asked = ("--only", "answer-202", "--only", "callback-credentials")
    result = conform("--to", double.url, *asked)
    assert result.exit_code == 0, result.output
    assert result.stdout == "2 passed, 0 failed, 0 not tried\n"
    assert "[ 2/2] pass " in result.stderr


def test_a_failure_ends_with_1_and_is_in_every_output(conform: Conform, tmp_path: Path) -> None:
    junit = tmp_path / "conform.xml"
    with AnswersWithABody().running() as spoilt:
        asked = ("--only", "answer-202", "--json", "--junit", str(junit))
        result = conform("--to", spoilt.url, *asked)
    assert result.exit_code == 1
    (clause,) = json.loads(result.stdout)["clauses"]
    assert (clause["result"], "has a body" in clause["reason"]) == ("fail", True)
    assert ElementTree.parse(junit).getroot().get("failures") == "1"


def test_token_schema_address_and_names_come_from_options(
    conform: Conform,
    double: Double,
    port: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "another")
    token, schema = tmp_path / "token", tmp_path / "schema.json"
    token.write_text(f"{TOKEN}\n")
    schema.write_text('{"required": ["request_sid"]}')
    result = conform(
        *("--to", double.url, "--auth-token-file", str(token), "--schema", str(schema)),
        *("--callback-address", f"http://127.0.0.1:{port}", "--only", "result-schema"),
        *("--field", "audio=audio-data", "--mode", "multipart"),
    )
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--only", "nothing"), "no clause is called nothing; there are signature-missing"),
        (("--field", "colour=red"), "--field takes MEANING=NAME"),
        (("--field", "audio="), "--field takes MEANING=NAME"),
        (("--schema", __file__), "is no JSON Schema"),
        (("--listen", "here"), "is no HOST:PORT"),
        (("--only", "answer-202"), "does not answer"),
        (("--callback-address", "http://127.0.0.1:9"), "does not lead here"),
    ],
)
def test_what_cannot_be_tried_ends_with_2_and_a_sentence(
    conform: Conform, options: tuple[str, ...], says: str
) -> None:
    result = conform("--to", "http://127.0.0.1:9/hook", *options)
    assert (result.exit_code, says in result.stderr) == (2, True), result.output


def test_without_a_token_nothing_is_sent(
    conform: Conform, double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TWILIO_AUTH_TOKEN")
    result = conform("--to", double.url)
    assert (result.exit_code, "--auth-token-file" in result.stderr) == (2, True)


def test_a_port_that_is_taken_is_said(conform: Conform, double: Double) -> None:
    taken = double.url.removeprefix("http://").removesuffix("/hook")
    result = conform("--to", double.url, "--listen", taken)
    assert (result.exit_code, "cannot be listened on" in result.stderr) == (2, True)
