"""`flask archive erase`: of a person or a customer, past what is bad, and no false nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner, Result

from addon.archive.archive import Archive
from addon.archive.holds import Hold
from addon.catalogue import Catalogue
from addon.commands.archive import archive_cli
from addon.errors import Tampered
from addon.playback.tokens import Tokens
from addon.settings import Settings
from addon.webhooks.endpoints import Endpoints
from tests.archive.recordings import CALL, RECORDING, TENANT, archived
from tests.catalogue.conftest import KEY
from tests.catalogue.recordings import document

OTHER = "XD" + "9" * 32
ADA = {"from": "+4930123456", "to": "+15550100", "direction": "inbound", "agent": "Ada Lovelace"}
BO = {"from": "+4930123457", "to": "+15550100", "direction": "inbound", "agent": "Ada"}

Run = Callable[..., Result]


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    changed = settings.replace(catalogue_key=KEY)
    monkeypatch.setattr(Settings, "load", classmethod(lambda _: changed))
    return changed


@pytest.fixture
def archive(settings: Settings) -> Archive:
    """Two of Ada's calls in two installs, one of somebody else, all in the catalogue."""
    made, catalogue = Archive.from_settings(settings), Catalogue.from_settings(settings)
    for tenant, recording_id, call in (
        (TENANT, RECORDING, ADA),
        (OTHER, "RE1", ADA),
        (TENANT, "RE2", BO),
    ):
        said = document("hello", call)
        facts = {"recording_id": recording_id, "tenant": tenant}
        if recording_id == "RE2":
            facts["call_sid"] = "CA2"
        manifest = archived(made, b"audio", analysis=said, **facts)
        catalogue.write([catalogue.row(manifest, said)])
    catalogue.note_comparison(datetime.now(UTC))
    catalogue.close()
    return made


@pytest.fixture
def run() -> Run:
    return lambda *arguments: CliRunner().invoke(archive_cli, ["erase", *arguments])


def left(archive: Archive) -> set[str]:
    return {
        entry.recording_id for tenant in (TENANT, OTHER) for entry in archive.list(tenant).entries
    }


GO = ("--reason", "asked by her", "--yes")


def test_a_number_is_found_whole_in_every_install_and_nobody_elses(run: Run, archive: Archive):
    shown = run("--number", "+49 30 123456", "--dry-run")
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.splitlines() == [f"{OTHER}/RE1", f"{TENANT}/{RECORDING}"]
    assert len(left(archive)) == 3
    assert run("--number", "0049 30 123456", *GO).exit_code == 0
    assert left(archive) == {"RE2"}
    assert "0 recordings" in run("--number", "+4930123456", "--dry-run").stderr


def test_a_number_that_is_no_international_one_may_miss_some(run: Run, archive: Archive):
    asked = run("--number", "030 123456", "--dry-run")
    assert asked.exit_code == 1
    assert "not in international form" in asked.stderr


def test_an_agent_is_found_by_the_whole_name_alone(run: Run, archive: Archive):
    assert run("--agent", "ada lovelace", "--tenant", TENANT, *GO).exit_code == 0
    assert left(archive) == {"RE1", "RE2"}
    assert run("--agent", "Ada", *GO).exit_code == 0
    assert left(archive) == {"RE1"}


def test_a_call_is_found_without_the_catalogue(run: Run, archive: Archive, monkeypatch):
    blind = Settings.load().replace(catalogue_key=b"")
    monkeypatch.setattr(Settings, "load", classmethod(lambda _: blind))
    assert run("--call", CALL, *GO).exit_code == 0
    assert left(archive) == {"RE2"}
    asked = run("--number", "+4930123456", "--dry-run")
    assert asked.exit_code == 1
    assert "cannot be known" in asked.output
    assert "0 recordings" not in asked.output


def test_what_the_catalogue_does_not_know_is_said_and_ends_with_1(
    run: Run, archive: Archive, settings: Settings
):
    catalogue = Catalogue.from_settings(settings)
    dumb = archived(archive, b"x", analysis=document("hi"), recording_id="RE3")
    catalogue.write([catalogue.row(dumb, document("hi"))])
    catalogue.write([catalogue.row(archived(archive, b"x", analysis={}, recording_id="RE4"), None)])
    catalogue.note_comparison(datetime(2026, 1, 1, tzinfo=UTC))
    catalogue.close()
    archive.store.put("intake/XRopen", [b"sealed"])
    asked = run("--number", "+49000", "--dry-run")
    assert asked.exit_code == 1
    for sentence in (
        "1 recordings are in the catalogue without",
        "1 recordings do not say their parties",
        "last compared with the archive at 2026-01-01",
        "requests are unfinished",
    ):
        assert sentence in asked.stderr


def test_one_bad_recording_is_named_and_the_others_go(run: Run, archive: Archive, settings):
    archive.holds.place(Hold(TENANT, RECORDING, "Cy", reason="case 7"), archive.manifest)
    key = f"recordings/{TENANT}/RE2/manifest.json"
    archive.store.put(key, [b"junk"], if_absent=False)
    archived(archive, b"x", recording_id="RE5")
    shown = run("--install", TENANT, "--dry-run")
    assert f"{TENANT}/{RECORDING}\ton hold: case 7" in shown.output
    done = run("--install", TENANT, *GO)
    assert done.exit_code == 1
    assert f"bad\t{TENANT}/{RECORDING}\t" in done.output
    assert f"bad\t{TENANT}/RE2\t" in done.output
    assert "1 erased, 2 bad" in done.output
    assert archive.is_erased(TENANT, "RE5")
    with pytest.raises(Tampered):
        archive.manifest(TENANT, "RE2")


def test_a_customer_who_leaves_keeps_neither_token_nor_endpoint(
    run: Run, archive: Archive, settings: Settings
):
    hosts = settings.replace(webhook_hosts=("hooks.example.com",))
    Endpoints.from_settings(hosts, archive.store).create(TENANT, "https://hooks.example.com/")
    tokens = Tokens.from_settings(settings, archive.store)
    tokens.issue(TENANT)
    tokens.issue(OTHER)
    done = run("--install", TENANT, *GO)
    assert done.exit_code == 0, done.output
    assert left(archive) == {"RE1"}
    assert [one.install for one in Tokens.from_settings(settings, archive.store).all()] == [OTHER]
    assert list(Endpoints.from_settings(hosts, archive.store).of(TENANT)) == []


def test_it_asks_first_and_wants_to_know_what_and_why(run: Run, archive: Archive):
    assert run("--install", TENANT, "--reason", "x").exit_code == 1
    for wrong in ((), ("RE1", "--install", OTHER), ("--call", CALL, "--yes")):
        assert run(*wrong).exit_code == 2
    assert len(left(archive)) == 3
