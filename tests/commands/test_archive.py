"""`flask archive` as an operator types it, over a real directory and real keys."""

from __future__ import annotations

import getpass
import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from addon.archive.archive import Archive
from addon.archive.directory import DirectoryStore
from addon.archive.key_pairs import KeyPair, new_key_pair
from addon.archive.keys import DecryptionKeys, EncryptionKeys
from addon.archive.manifest import Signer, new_signing_key
from addon.archive.names import files
from addon.commands.archive import archive_cli
from addon.settings import Settings
from addon.webhooks.outbox import Outbox
from tests.archive.recordings import CALL, RECORDING, TENANT, archived, noise

OTHER = "XD" + "9" * 32
CONTENT = noise(100_000)
LOCAL = bytes(range(32))

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def pairs() -> list[KeyPair]:
    return [new_key_pair(2048), new_key_pair(2048)]


@pytest.fixture(scope="module")
def signing_key() -> str:
    return new_signing_key()


@pytest.fixture
def archive(tmp_path: Path, pairs: list[KeyPair], signing_key: str) -> Archive:
    archive = Archive(
        DirectoryStore(tmp_path / "archive"),
        encryption_keys=EncryptionKeys.of_public_keys([pairs[0].public_pem]),
        decryption_keys=DecryptionKeys.of_private_keys([pairs[0].private_pem]),
        signer=Signer(signing_key),
    )
    archived(archive, CONTENT, analysis={"x": 1})
    return archive


@pytest.fixture
def environment(tmp_path: Path, pairs: list[KeyPair], signing_key: str) -> dict[str, str]:
    return {
        "DATA_DIR": str(tmp_path / "data"),
        "ARCHIVE_URL": (tmp_path / "archive").as_uri(),
        "ARCHIVE_PUBLIC_KEYS": pairs[0].public_pem,
        "ARCHIVE_PRIVATE_KEYS": pairs[0].private_pem,
        "MANIFEST_SIGNING_KEY": signing_key,
        "MANIFEST_VERIFY_KEYS": Signer(signing_key).public_pem,
    }


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    runner = CliRunner()

    def run(*arguments: str, **changes: str) -> Result:
        return runner.invoke(archive_cli, arguments, env=environment | changes)

    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    return run


def rows(result: Result) -> list[list[str]]:
    assert result.exit_code == 0, result.output
    return [line.split("\t") for line in result.stdout.splitlines()]


class TestList:
    def test_a_recording_is_a_line(self, run: Run, archive: Archive) -> None:
        (row,) = rows(run("list"))
        assert row == [
            "2026-11-20 23:59:58",
            TENANT,
            RECORDING,
            CALL,
            "wav",
            "7.4 s",
            f"{len(CONTENT)} B",
        ]

    def test_every_tenant_is_listed_beyond_a_page(
        self, run: Run, archive: Archive, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(60):
            archived(archive, b"x", tenant=OTHER, recording_id=f"RE{number}", call_sid=None)
        assert len(rows(run("list"))) == 61
        assert len(rows(run("list", "--tenant", OTHER))) == 60

    def test_a_day_and_a_call_are_listed(self, run: Run, archive: Archive) -> None:
        archived(archive, b"x", recording_id="RE1", call_sid="CA1", duration_seconds=None)
        assert len(rows(run("list", "--day", "2026-11-20"))) == 2
        assert rows(run("list", "--day", "2026-11-21")) == []
        assert [row[2] for row in rows(run("list", "--call", "CA1"))] == ["RE1"]

    def test_manifests_come_as_json(self, run: Run, archive: Archive) -> None:
        (line,) = run("list", "--json").stdout.splitlines()
        assert json.loads(line) == archive.manifest(TENANT, RECORDING).as_document()


class TestGet:
    def test_the_file_is_the_recording(self, run: Run, archive: Archive, tmp_path: Path) -> None:
        path = tmp_path / "call.wav"
        assert run("get", RECORDING, "-o", str(path)).exit_code == 0
        assert path.read_bytes() == CONTENT
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_its_name_is_the_recordings_unless_said(self, run: Run, archive: Archive) -> None:
        assert run("get", RECORDING).exit_code == 0
        assert Path(f"{RECORDING}.wav").read_bytes() == CONTENT

    def test_the_trail_says_who_took_it(self, run: Run, archive: Archive) -> None:
        run("get", RECORDING, "-o", "-")
        (line,) = run("audit", RECORDING).stdout.splitlines()
        event = json.loads(line)
        assert event["event"] == "exported"
        assert event["by"] == f"operator {getpass.getuser()}"

    def test_it_goes_to_standard_output(self, run: Run, archive: Archive) -> None:
        assert run("get", RECORDING, "-o", "-").stdout_bytes == CONTENT

    @pytest.mark.parametrize(
        ("redaction", "word"),
        [("incomplete", "incomplete"), ("off", "off"), (None, "not known"), ("complete", None)],
    )
    def test_a_recording_that_listeners_may_not_hear_comes_with_a_word(
        self, run: Run, archive: Archive, redaction: Any, word: str | None
    ) -> None:
        reason = "The end is lost." if redaction == "incomplete" else None
        said = {"redaction": redaction, "redaction_reason": reason}
        archived(archive, b"digits", recording_id="RE7", **said)
        result = run("get", "RE7", "-o", "-", REDACT_DTMF="required")
        assert (result.exit_code, result.stdout_bytes) == (0, b"digits")
        assert ("digits may be audible" in result.stderr) == (word is not None)
        assert (word or "") in result.stderr and (reason or "") in result.stderr

    def test_a_damaged_recording_leaves_no_file(
        self, run: Run, archive: Archive, tmp_path: Path
    ) -> None:
        key = f"recordings/{TENANT}/{RECORDING}/audio.esdk"
        content = bytearray(archive.store.get(key))
        content[-1] ^= 1
        archive.store.put(key, [bytes(content)], if_absent=False)
        folder = tmp_path / "out"
        folder.mkdir()
        result = run("get", RECORDING, "-o", str(folder / "call.wav"))
        assert result.exit_code == 1
        assert "damaged" in result.output
        assert list(folder.iterdir()) == []

    def test_an_unknown_recording_is_said_so(self, run: Run, archive: Archive) -> None:
        result = run("get", "RE0")
        assert result.exit_code == 1
        assert "RE0" in result.output

    def test_of_several_tenants_one_must_be_named(self, run: Run, archive: Archive) -> None:
        archived(archive, b"theirs", tenant=OTHER)
        result = run("get", RECORDING, "-o", "-")
        assert result.exit_code == 2
        assert OTHER in result.output
        assert run("get", RECORDING, "--tenant", OTHER, "-o", "-").stdout_bytes == b"theirs"

    def test_the_missing_key_is_named(
        self, run: Run, archive: Archive, pairs: list[KeyPair]
    ) -> None:
        result = run("get", RECORDING, ARCHIVE_PRIVATE_KEYS=pairs[1].private_pem)
        assert result.exit_code == 1
        assert pairs[0].name in result.output
        assert "ARCHIVE_PRIVATE_KEYS" in result.output


class TestVerify:
    def test_whole_recordings_pass(self, run: Run, archive: Archive) -> None:
        assert run("verify", RECORDING).stdout == f"{RECORDING}: whole\n"
        result = run("verify", "--all")
        assert result.exit_code == 0
        assert result.stderr.startswith("1 verified, 0 bad, 0.1 MB")

    def test_bad_ones_are_named(self, run: Run, archive: Archive) -> None:
        archive.store.put(
            f"recordings/{TENANT}/{RECORDING}/audio.esdk", [b"damaged"], if_absent=False
        )
        archived(archive, b"x", recording_id="RE1")
        result = run("verify", "--all")
        assert result.exit_code == 1
        assert result.stdout.startswith(f"bad\t{TENANT}/{RECORDING}\t")
        assert result.stderr.startswith("1 verified, 1 bad")
        assert run("verify", RECORDING).exit_code == 1

    def test_without_a_key_ciphertext_is_compared(
        self, run: Run, archive: Archive, environment: dict[str, str]
    ) -> None:
        environment.pop("ARCHIVE_PRIVATE_KEYS")
        result = run("verify", "--all")
        assert result.exit_code == 0
        assert "no key that opens" in result.stderr

    def test_it_stops_with_where_to_go_on(
        self, run: Run, archive: Archive, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("RE1", "RE3"):
            archived(archive, b"x", recording_id=name)
        verified = archive.__class__.manifest

        def interrupted(self: Archive, tenant: str, recording_id: str) -> Any:
            if recording_id == "RE3":
                raise KeyboardInterrupt
            return verified(self, tenant, recording_id)

        monkeypatch.setattr(Archive, "manifest", interrupted)
        result = run("verify", "--all")
        assert f"go on with --after {TENANT}/{RECORDING}" in result.stderr
        monkeypatch.undo()
        result = run("verify", "--all", "--after", f"{TENANT}/{RECORDING}")
        assert result.stderr.startswith("1 verified")

    def test_it_wants_to_know_what(self, run: Run, archive: Archive) -> None:
        assert run("verify").exit_code == 2
        assert run("verify", "--all", "--after", "nonsense").exit_code == 2


class TestErase:
    def test_a_recording_goes_and_its_trail_stays(self, run: Run, archive: Archive) -> None:
        assert run("erase", RECORDING, "--reason", "asked", "--yes").exit_code == 0
        assert rows(run("list")) == []
        (event,) = run("audit", RECORDING, "--tenant", TENANT).stdout.splitlines()
        assert json.loads(event)["reason"] == "asked"

    def test_an_unknown_recording_is_said_so(self, run: Run, archive: Archive) -> None:
        result = run("erase", "RE0", "--reason", "asked", "--yes")
        assert result.exit_code == 1
        assert "RE0" in result.output

    def test_it_asks_first(self, run: Run, archive: Archive) -> None:
        assert run("erase", RECORDING, "--reason", "asked").exit_code == 1
        assert len(rows(run("list"))) == 1

    def test_a_lock_is_named_with_its_date(self, run: Run, archive: Archive) -> None:
        until = datetime.now(UTC) + timedelta(days=3)
        archive.store.retain(f"recordings/{TENANT}/{RECORDING}/audio.esdk", until)
        result = run("erase", RECORDING, "--reason", "asked", "--yes")
        assert result.exit_code == 1
        assert f"{until:%Y-%m-%d}" in result.output

    def test_an_integrator_is_told_of_it(
        self, run: Run, archive: Archive, environment: dict[str, str]
    ) -> None:
        keys = {"INTAKE_KEY": "00" * 32, "WEBHOOK_HOSTS": "hooks.example.com"}
        outbox = Outbox.from_settings(Settings.load(environment | keys), archive.store)
        outbox.endpoints.create(TENANT, "https://hooks.example.com/")
        assert run("erase", RECORDING, "--reason", "asked", "--yes", **keys).exit_code == 0
        (name,) = outbox.pending()
        event = outbox.event(name.split("-")[0])
        assert (event.type, event.recording_id) == ("recording.erased", RECORDING)


def test_an_erased_recordings_trail_needs_its_tenant(run: Run, archive: Archive) -> None:
    assert run("audit", RECORDING).stdout == ""
    run("erase", RECORDING, "--reason", "asked", "--yes")
    result = run("audit", RECORDING)
    assert result.exit_code == 2
    assert "--tenant" in result.output


class TestReencrypt:
    def test_recordings_are_sealed_for_the_present_keys(
        self, run: Run, archive: Archive, pairs: list[KeyPair]
    ) -> None:
        keys = {
            "ARCHIVE_PUBLIC_KEYS": pairs[1].public_pem,
            "ARCHIVE_PRIVATE_KEYS": pairs[0].private_pem + pairs[1].private_pem,
        }
        result = run("reencrypt", "--all", **keys)
        assert result.exit_code == 0, result.output
        assert result.stderr.startswith("1 sealed anew, 0 bad")
        only_new = {"ARCHIVE_PRIVATE_KEYS": pairs[1].private_pem}
        assert run("get", RECORDING, "-o", "-", **only_new).stdout_bytes == CONTENT
        assert run("reencrypt", "--all", **keys).stderr.startswith("0 sealed anew")
        assert run("reencrypt", RECORDING, **keys).stdout == f"{RECORDING}: sealed anew\n"

    def test_it_wants_to_know_what(self, run: Run, archive: Archive) -> None:
        assert run("reencrypt").exit_code == 2


def test_a_wrong_setting_is_named(run: Run, archive: Archive) -> None:
    result = run("verify", RECORDING, ARCHIVE_PRIVATE_KEYS="no/such/file")
    assert result.exit_code == 1
    assert "ARCHIVE_PRIVATE_KEYS" in result.output


def test_check_index_names_what_is_missing_and_mends_it(run: Run, archive: Archive) -> None:
    assert run("check-index").exit_code == 0
    archive.store.delete(f"ids/{RECORDING}/{TENANT}")
    result = run("check-index")
    assert result.exit_code == 1
    assert f"not in the index: ids/{RECORDING}/{TENANT}" in result.output
    assert run("check-index", "--mend").exit_code == 0
    assert run("check-index").exit_code == 0


def test_list_passes_over_a_planted_entry(run: Run, archive: Archive) -> None:
    before = run("list").output
    archive.store.put(f"days/{OTHER}/2026-11-20/000000-{RECORDING}", ())
    archive.store.put(f"days/{TENANT}/2026-11-20/000000-{RECORDING}", ())
    assert run("list").output == before


def test_list_names_a_bad_manifest_and_goes_on(run: Run, archive: Archive) -> None:
    before = run("list").stdout
    archived(archive, b"x", recording_id="RE0")
    key = files(TENANT, "RE0").manifest
    archive.store.put(key, [b"junk"], if_absent=False)
    for options in ((), ("--json",)):
        result = run("list", *options)
        assert result.exit_code == 1
        assert len(result.stdout.splitlines()) == 1
        assert result.stderr.startswith(f"{TENANT}\tRE0\t")
    assert run("list").stdout == before
