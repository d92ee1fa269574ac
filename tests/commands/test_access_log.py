"""`flask archive verify-audit` and `whois`: what they name, and how they end."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from addon.archive.access_log_checkpoint import Checkpoints
from addon.archive.archive import Archive
from addon.archive.configured import control_signer
from addon.archive.prefixes import AUDIT, AUDIT_CHECKPOINT, AUDIT_HEADS
from addon.commands.archive import archive_cli
from addon.playback.addresses import AddressNames
from addon.settings import Settings

ENVIRONMENT = {"INTAKE_KEY": "00" * 32, "ARCHIVE_URL": ""}


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings.load({**ENVIRONMENT, "DATA_DIR": str(tmp_path)})


@pytest.fixture
def run(tmp_path):
    def command(*words: str):
        environment = {**ENVIRONMENT, "DATA_DIR": str(tmp_path)}
        return CliRunner().invoke(archive_cli, words, env=environment)

    return command


@pytest.fixture
def store(settings):
    archive = Archive.from_settings(settings)
    for number in range(3):
        archive.access_log.record("XD1", "RE1", "noted", {"n": number}, at=datetime.now(UTC))
    Checkpoints(archive.store, control_signer(settings)).step()
    return archive.store


def test_a_whole_log_ends_with_0(run, store):
    result = run("verify-audit")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "3 genuine, 0 unsigned, 0 bad, 0 missing" in result.stderr


def test_a_missing_event_is_named_and_ends_with_1(run, store):
    key = next(stat.key for stat in store.list(AUDIT))
    store.delete(key)
    result = run("verify-audit")
    assert result.exit_code == 1
    assert f"missing\t{key}\t" in result.stdout


def test_heads_kept_in_a_file_show_that_all_of_a_chain_was_removed(run, store, settings, tmp_path):
    kept = str(tmp_path / "heads.json")
    assert run("verify-audit", "--heads", kept).exit_code == 0
    for prefix in (AUDIT, AUDIT_HEADS, AUDIT_CHECKPOINT):
        for stat in list(store.list(prefix)):
            store.delete(stat.key)
    assert run("verify-audit").exit_code == 1
    Checkpoints(store, control_signer(settings)).step()  # of a sweeper that saw nothing before
    assert run("verify-audit").exit_code == 0
    result = run("verify-audit", "--heads", kept)
    assert (result.exit_code, result.stdout.count("missing")) == (1, 3)


def test_whois_prints_the_name_that_the_log_has_for_an_address(run, settings):
    (name,) = run("whois", "192.0.2.7").stdout.split()
    assert name == AddressNames.from_settings(settings).of("192.0.2.7")
