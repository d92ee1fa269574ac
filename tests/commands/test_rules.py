"""`flask rules`: a file is checked, and tried on an archived recording with the reader's keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from addon.analysis.rules import STARTER_FILE
from addon.archive.archive import Archive
from addon.commands.rules import rules_cli
from tests.analysis.spoken import result
from tests.archive.recordings import RECORDING, TENANT, archived, noise
from tests.commands.test_archive import Run, archive, environment, pairs, signing_key

__all__ = ["archive", "environment", "pairs", "signing_key"]

SAID = result(
    ("agent", 1.0, "Hello, this call is being accorded."),
    ("customer", 9.0, "I want to speak to a super visor about 4 [redacted]"),
)
TALK = "RE" + "7" * 32


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(rules_cli, arguments, env=environment)

    return run


@pytest.fixture
def talk(archive: Archive) -> str:
    archived(archive, noise(1000), recording_id=TALK, analysis={"result": SAID})
    return TALK


def test_what_each_rule_would_have_found_is_a_line_with_its_place(run: Run, talk: str) -> None:
    done = run("test", "starter", "--recording", talk)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    place = lines.index("escalation:") + 1
    assert lines[place] == "  10.1 to 11.8 s, customer, 98 % alike: speak to a super visor"
    assert lines[lines.index("recording_notice:") + 1].endswith("this call is being accorded.")
    assert "refund: not found" in lines


def test_a_file_of_ones_own_is_tried_before_it_is_used(run: Run, talk: str, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('[thanks]\nphrases = ["thank you"]\nrequired = true\n')
    done = run("test", "own.toml", "--recording", talk, "--tenant", TENANT)
    assert done.stdout.splitlines() == ["thanks:", "  missing, any."]


def test_a_recording_without_a_transcript_is_a_sentence(run: Run, archive: Archive) -> None:
    silent = {name: part for name, part in SAID.items() if name != "transcript"}
    archived(archive, noise(1000), recording_id=TALK, analysis={"result": silent})
    done = run("test", "starter", "--recording", TALK)
    assert done.exit_code == 1
    assert done.stderr == "Error: There is no transcript. No transcriber is configured.\n"


@pytest.mark.parametrize("name", [RECORDING, "RE0"])
def test_a_recording_without_a_result_or_unknown_is_a_sentence(
    run: Run,
    archive: Archive,
    name: str,
) -> None:
    done = run("test", "starter", "--recording", name)
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: ")


def test_a_file_is_checked(run: Run, tmp_path: Path) -> None:
    shown = run("show")
    assert shown.stdout == STARTER_FILE.read_text(encoding="utf-8")
    (tmp_path / "own.toml").write_text(shown.stdout)
    assert run("check", "own.toml").stdout == "own.toml: 8 rules, fine\n"
    (tmp_path / "own.toml").write_text("[x]\nphrases = 3\n")
    done = run("check", "own.toml")
    assert done.exit_code == 1
    assert "own.toml: line 2, rule x, field phrases: must be a list" in done.stderr


def test_the_remedy_for_a_file_that_was_named_at_a_prompt_speaks_of_no_setting(run: Run) -> None:
    done = run("check", "none.toml")
    assert done.exit_code == 1
    assert "Correct the file" in done.stderr
    assert "variable" not in done.stderr
