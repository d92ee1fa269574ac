"""`flask check`: each finding in words, and the exit code."""

from __future__ import annotations

import sys

import pytest
from click.testing import CliRunner, Result

from addon.commands.check import LOOKS, check
from addon.settings import Settings
from tests.analysis.test_transcription import Scripted


@pytest.fixture
def run(settings: Settings, redis_server, monkeypatch: pytest.MonkeyPatch):
    def run(**changes) -> Result:
        changed = settings.replace(**changes)
        monkeypatch.setattr(Settings, "load", classmethod(lambda _cls: changed))
        return CliRunner().invoke(check)

    return run


def test_with_everything_in_order_each_line_is_fine(run) -> None:
    result = run(trusted_proxies=1, metrics_token="m" * 32)
    assert result.exit_code == 0, result.output
    assert result.output.splitlines() == [f"fine   {name}" for name in LOOKS]


def test_nothing_in_front_is_a_warning_and_no_failure(run) -> None:
    result = run(public_url="https://hooks.example.net", trusted_proxies=0)
    assert result.exit_code == 0
    assert "warn   what stands in front: PUBLIC_URL is https" in result.output
    assert "warn" not in run(public_url="http://127.0.0.1:8080", trusted_proxies=0).output


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"redis_tls_verify": False}, "warn   REDIS_TLS_VERIFY is off"),
        ({"trusted_proxies": 1}, "warn   METRICS_TOKEN is not set"),
    ],
)
def test_what_a_first_deployment_on_a_platform_has_is_a_warning(run, changes, said) -> None:
    result = run(**changes)
    assert result.exit_code == 0
    assert said in result.output


@pytest.mark.parametrize(
    ("changes", "name", "said"),
    [
        ({"twilio_account_sid": ""}, "Twilio credentials", "TWILIO_ACCOUNT_SID is not set"),
        ({"twilio_auth_token": ""}, "Twilio credentials", "TWILIO_AUTH_TOKEN is not set"),
        ({"signature_mode": "monitor"}, "signature mode", "SIGNATURE_MODE is monitor"),
        ({"redis_url": "unix:///nobody.sock"}, "queue", "does not answer (ConnectionError)"),
        ({"intake_key": ()}, "keys", "INTAKE_KEY is not set"),
        ({"manifest_signing_key": None}, "keys", "no key to sign with. Set MANIFEST_SIGNING_KEY"),
        ({"transcriber": "nobody:/x"}, "transcriber", "TRANSCRIBER"),
        ({"rules": {"": "nowhere.toml"}}, "rules", "the rules of nowhere.toml: it cannot be read"),
        ({"flex_categories": {"x": "1"}}, "rules", "FLEX_CATEGORIES names a rule that no file"),
        ({"media_hosts": ("a b",)}, "allowed hosts", "MEDIA_HOSTS"),
        ({"callback_credentials": {"x": "a:b"}}, "allowed hosts", "CALLBACK_CREDENTIALS"),
        ({"metrics_token": "x"}, "strength of secrets and addresses", "METRICS_TOKEN"),
    ],
)
def test_what_is_wrong_is_named(run, changes, name, said) -> None:
    result = run(**changes)
    assert result.exit_code == 1
    (line,) = [line for line in result.output.splitlines() if line.startswith(f"wrong  {name}:")]
    assert said in line


def test_the_transcriber_is_loaded_and_every_language_tried(run, monkeypatch) -> None:
    tried = []

    class English(Scripted):
        def words(self, samples, hints):
            tried.append(hints.language)
            if hints.language not in (None, "en"):
                raise ValueError(hints.language)
            return super().words(samples, hints)

    monkeypatch.setattr("addon.commands.check.open_transcriber", lambda setting: English())
    assert "fine   transcriber" in run(transcriber_language={"": "en"}).output
    assert tried == [None, "en"]
    said = run(transcriber_language={"": "auto", "XD1": "xx"}).output
    assert "wrong  transcriber: the model does not know the language xx" in said


def test_a_missing_extra_is_found(run, monkeypatch, tmp_path) -> None:
    for name in ("model.bin", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"")
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    said = run(transcriber=f"whisper:{tmp_path}").output
    assert "wrong  transcriber: TRANSCRIBER is set, but the packages of" in said


def test_a_model_that_cannot_be_loaded_is_found(run, tmp_path) -> None:
    pytest.importorskip("faster_whisper")
    for name in ("model.bin", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"no model")
    said = run(transcriber=f"whisper:{tmp_path}").output
    assert "wrong  transcriber: does not answer (RuntimeError)" in said
