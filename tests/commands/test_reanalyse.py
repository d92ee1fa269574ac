"""`flask archive reanalyse` as an operator types it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result

from addon.archive.batch import Finding
from addon.commands.archive import archive_cli
from addon.requests import scheduling
from addon.settings import Settings
from tests.archive.recordings import RECORDING, TENANT
from workers.reanalysis import Reanalysis, Selection

Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings, redis_server: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """The command with a whole deployment's settings; its priority is not this process's."""
    nice: list[int] = []
    monkeypatch.setattr(os, "setpriority", lambda which, who, priority: nice.append(priority))

    def invoke(*arguments: str, **changes: object) -> Result:
        changed = settings.replace(**changes)
        monkeypatch.setattr(Settings, "load", classmethod(lambda cls, role=None: changed))
        result = CliRunner().invoke(archive_cli, ["reanalyse", *arguments])
        assert all(each >= scheduling.LONG_NICE for each in nice)
        return result

    yield invoke


def finds(monkeypatch: pytest.MonkeyPatch, *findings: Finding) -> list[Selection]:
    """Makes a run find these; gives what was selected."""
    asked: list[Selection] = []

    def found(self: Reanalysis) -> Iterator[Finding]:
        asked.append(self.selection)
        yield from findings

    monkeypatch.setattr(Reanalysis, "run", found)
    monkeypatch.setattr(Reanalysis, "candidates", found)
    return asked


def test_it_says_what_is_missing_where_no_key_opens(run: Run) -> None:
    result = run(archive_private_keys=())
    assert result.exit_code == 1
    assert "ARCHIVE_PRIVATE_KEYS" in result.output
    assert "Traceback" not in result.output


def test_it_says_what_is_missing_without_a_key_to_sign(run: Run) -> None:
    result = run(manifest_signing_key=None)
    assert result.exit_code == 1
    assert "MANIFEST_SIGNING_KEY" in result.output


def test_a_transcript_needs_a_transcriber(run: Run) -> None:
    result = run("--only", "transcript")
    assert result.exit_code == 1
    assert "TRANSCRIBER" in result.output


def test_an_empty_archive_needs_nothing(run: Run) -> None:
    result = run()
    assert result.exit_code == 0, result.output
    assert "0 analysed again, 0 bad" in result.output


@pytest.mark.parametrize("further", [(), ("--dry-run",)])
@pytest.mark.parametrize("install", ["nope", "../nope", "XD" + "0" * 32])
def test_an_install_without_a_recording_is_named_and_no_zero_is_said(
    run: Run, install: str, further: tuple[str, ...]
) -> None:
    result = run("--install", install, *further)
    assert result.exit_code == 1
    assert "0 " not in result.output.replace(install, "")
    assert "Traceback" not in result.output


def test_options_narrow_it_down(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = finds(monkeypatch)
    monkeypatch.setattr(Reanalysis, "require_install", lambda self: None)
    model = {"transcriber": "whisper:/a/model"}
    run("--install", TENANT, "--since", "2026-11-01", "--only", "transcript", **model)
    (selection,) = asked
    assert selection.install == TENANT
    assert selection.since is not None
    assert selection.since.isoformat() == "2026-11-01T00:00:00+00:00"
    assert selection.only_transcript


def test_a_dry_run_counts(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    states = ["unfinished", "unfinished", "current", "bad"]
    finds(monkeypatch, *(Finding(TENANT, RECORDING, state) for state in states))  # type: ignore[arg-type]
    assert run("--dry-run").output == "2 to analyse again, 1 current, 1 bad\n"


def test_a_bad_recording_is_named_and_the_exit_code_says_so(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = Finding(TENANT, RECORDING, "bad", problem="it is damaged")
    finds(monkeypatch, bad, Finding(TENANT, "RE9", "whole", 1_000_000))
    result = run()
    assert result.exit_code == 1
    assert f"bad\t{TENANT}/{RECORDING}\tit is damaged" in result.output
    assert "1 analysed again, 1 bad, 1.0 MB" in result.output
