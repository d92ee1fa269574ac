"""`flask archive sign-controls` over what release 0.1.0 left, as an upgrade runs it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from addon.archive.configured import control_signer
from addon.archive.opening import store_of
from addon.archive.prefixes import OUTCOMES, TOKENS
from addon.archive.store import Store
from addon.checks import records
from addon.commands.archive import archive_cli
from addon.commands.sign_controls import CONTROLS
from addon.errors import Unauthenticated
from addon.playback.tokens import Tokens
from addon.requests.intake_store import IntakeStore
from addon.settings import Settings

ASSETS = Path(__file__).parent.parent / "requests" / "assets"
LAST = json.loads((ASSETS / "release-0.1.0.json").read_text())
ENVIRONMENT = {"INTAKE_KEY": "00" * 32, "PLAYBACK_SECRETS": "s" * 40}
UPGRADING = {"UNSIGNED_CONTROLS_UNTIL": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
Run = Callable[..., Result]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load({**ENVIRONMENT, "DATA_DIR": str(tmp_path)})


@pytest.fixture
def store(settings: Settings) -> Store:
    return store_of(settings)


@pytest.fixture
def text(settings: Settings, store: Store) -> str:
    """A token's text and an outcome, left as the last release wrote them."""
    tokens = Tokens.from_settings(settings, store)
    text, _ = tokens.issue("XD1", "crm")
    (stat,) = store.list(TOKENS)
    store.put(stat.key, [LAST["api_token"].encode()], if_absent=False)
    store.put(OUTCOMES + "XR1", [LAST["outcome"].encode()])
    return text


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(*words: str, env: Mapping[str, str] = UPGRADING, **options: object) -> Result:
        environment = {**ENVIRONMENT, "DATA_DIR": str(tmp_path), "ARCHIVE_URL": "", **env}
        arguments = ["sign-controls", *words]
        return CliRunner().invoke(archive_cli, arguments, env=environment, **options)

    return run


def test_what_the_last_release_left_is_believed_from_then_on(run, settings, store, text) -> None:
    tokens = Tokens.from_settings(settings, store)
    intake_store = IntakeStore.from_settings(settings, store)
    with pytest.raises(Unauthenticated):
        tokens.find(text)
    assert not intake_store.has_outcome("XR1")
    result = run("--yes")
    assert result.exit_code == 0, result.output
    assert "2 signed, 0 bad" in result.stderr
    assert tokens.find(text).install == "XD1"
    assert intake_store.outcome("XR1")["answer"] == "delivered"
    assert "0 signed, 0 bad" in run().stderr


def test_unsigned_tokens_are_listed_and_signed_only_when_they_are_called_ours(
    run, settings, store, text
) -> None:
    result = run(input="n\n")
    assert result.exit_code == 1
    assert "XD1" in result.stdout
    assert text not in result.output
    with pytest.raises(Unauthenticated):
        Tokens.from_settings(settings, store).find(text)
    assert run(input="y\n").exit_code == 0
    assert Tokens.from_settings(settings, store).find(text)


def test_what_is_not_ours_is_named_and_ends_with_1(run, store) -> None:
    store.put(OUTCOMES + "XR2", [b"garbage"])
    result = run()
    assert result.exit_code == 1
    assert "bad\trequests/XR2" in result.stdout


def test_a_change_of_keys_makes_nothing_genuine_that_somebody_planted(run, store, text) -> None:
    """Only an upgrade signs what is unsigned: otherwise it was put there by somebody else."""
    planted = {
        OUTCOMES + "XR2": LAST["outcome"],
        "audit/XD1/RE1/20260101T000000.000000Z-00000000.json": '{"at": "x", "event": "erased"}',
        "flex/deletions/20260101T000000Z-AC1-RE1": '{"version": 1}',
        "signatures/00": '{"version": 1}',
    }
    for key, content in planted.items():
        store.put(key, [content.encode()])
    before = {stat.key: stat.etag for stat in store.list()}
    result = run("--yes", env={"CONTROL_KEYS": "11" * 32, "PLAYBACK_SECRETS": "n" * 40})
    assert result.exit_code == 1
    assert "0 signed, 6 bad" in result.stderr
    assert {stat.key: stat.etag for stat in store.list()} == before


def test_every_kind_of_control_survives_a_change_of_keys(run, settings, store) -> None:
    old, new = (settings.replace(control_keys=(bytes([each]) * 32,)) for each in (1, 2))
    for prefix, kind in CONTROLS.items():
        key = prefix if prefix.endswith(".json") else f"{prefix}x"
        store.put(key, [control_signer(old).sign(kind, key, {"version": 1})])
    assert run(env={"CONTROL_KEYS": f"{'02' * 32},{'01' * 32}"}).exit_code == 0
    for prefix, kind in CONTROLS.items():
        for stat in store.list(prefix):
            assert control_signer(new).verified(kind, stat.key, store.get(stat.key))


def test_check_says_that_tokens_are_not_signed_yet(run, settings, text) -> None:
    (found,) = records.tokens(settings)
    assert "1 API tokens open nothing" in found.sentence
    run("--yes")
    assert list(records.tokens(settings)) == []


def test_tokens_survive_another_playback_secret_once_they_are_signed_again(
    run, settings, store
) -> None:
    text, _ = Tokens.from_settings(settings, store).issue("XD1")
    both = {"PLAYBACK_SECRETS": f"{'n' * 40},{'s' * 40}"}
    assert run(env=both).exit_code == 0
    newer = settings.replace(playback_secrets=("n" * 40,))
    assert Tokens.from_settings(newer, store).find(text).install == "XD1"
    assert list(records.tokens(newer)) == []
    (found,) = records.tokens(settings)
    assert "1 API tokens open nothing" in found.sentence


def test_a_revoked_token_stays_revoked_once_it_was_put_back_and_signed_again(
    run, settings, store
) -> None:
    tokens = Tokens.from_settings(settings, store)
    text, token = tokens.issue("XD1")
    (stat,) = store.list(TOKENS)
    record = store.get(stat.key)
    tokens.revoke(token.name)
    store.put(stat.key, [record])
    assert run(env={"PLAYBACK_SECRETS": f"{'n' * 40},{'s' * 40}"}).exit_code == 0
    newer = settings.replace(playback_secrets=("n" * 40,))
    with pytest.raises(Unauthenticated):
        Tokens.from_settings(newer, store).find(text)


def test_outcomes_survive_another_intake_key_once_they_are_signed_with_control_keys(
    run, settings, store
) -> None:
    IntakeStore.from_settings(settings, store).record_outcome("XR1", {"answer": "delivered"})
    controls = bytes(range(32))
    assert run(env={"CONTROL_KEYS": controls.hex()}).exit_code == 0
    changed = settings.replace(intake_key=(b"x" * 32,), control_keys=(controls,))
    assert IntakeStore.from_settings(changed, store).has_outcome("XR1")
