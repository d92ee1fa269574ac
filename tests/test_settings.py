"""Settings: everything has a default that works, and a wrong value names its variable."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from addon.errors import SettingsError
from addon.setting_roles import kept_files
from addon.settings import Settings, default_redis_url
from tests.settings_pages import rows

KEY = base64.b64encode(bytes(range(32))).decode()


def test_nothing_has_to_be_set(tmp_path):
    settings = Settings.load({"DATA_DIR": str(tmp_path)})
    assert settings.redis_embedded
    assert settings.archive_url == f"file://{tmp_path}/archive"
    assert settings.signature_mode == "enforce"
    assert settings.media_hosts == settings.callback_hosts == ("*.twilio.com",)
    assert settings.redact_dtmf == "on"
    assert settings.delete_at_source_after_s == 0


def test_it_is_frozen():
    with pytest.raises(ValidationError):
        Settings().public_url = "https://elsewhere.example"


WRONG = {
    "PUBLIC_URL": [
        "hooks.example.net",
        "ftp://x",
        "https://a.example?b=1",
        "https://u:p@a.example",
    ],
    "SIGNATURE_MODE": ["off", "Enforce"],
    "TWILIO_BASE_URL": ["//x", "https://"],
    "TWILIO_SHARED_KEYS": ["no-equals", "=secret", "id="],
    "MAX_UPLOAD_BYTES": ["many", "-1", "1.5", "10"],
    "ARCHIVE_URL": ["/var/archive", "ftp://host/x", "file://relative"],
    "CATALOGUE_KEY": ["short"],
    "INTAKE_KEY": ["short", base64.b64encode(b"x" * 31).decode(), "!" * 44],
    "ARCHIVE_PUBLIC_KEYS": ["/nowhere/key.pem"],
    "DELETE_AT_SOURCE_AFTER_S": ["1", "7199", "soon"],
    "REDACT_DTMF": ["perhaps", "2", "require"],
    "AGENT_CHANNEL": ["2", "left", "XD1=5"],
    "TRANSCRIBER_LANGUAGE": ["english", "EN", "en,de", "XD1=automatic"],
    "TRANSCRIBER_VOCABULARY": ["parcel desk, Robinson"],
    "CALLBACK_STYLE": ["xml", "XD1=form", "json,XD1=", "=multipart"],
    "RETENTION_DAYS": ["0", "-3", "a year"],
    "PLAYBACK_TTL_S": ["0", "1"],
    "PLAYBACK_GAPS": ["music"],
    "LOG_LEVEL": ["loud"],
    "FLEX_CATEGORIES": ["refund", "refund=11", "refund=1,complaint=1"],
    "FLEX_MEASURES": ["talk=1", "silence=11", "silence=one", "silence=1,crosstalk=1"],
    "FLEX_LABELS": ["0=none", "agent=1"],
    "FLEX_PRIVATE_KEYS": ["CR1=/nowhere/key.pem", "/nowhere/key.pem"],
    "FLEX_RECONCILE_EVERY_S": ["-1", "often"],
    "REDIS_TLS_VERIFY": ["maybe"],
    "ARCHIVE_STORAGE_CLASS": ["standard", "GLACIER"],
    "ARCHIVE_LOCK_DAYS": ["0", "-1", "1.5", "a month"],
    "ARCHIVE_LOCK_MODE": ["strict"],
    "PORT": ["http", "0"],
    "WEB_CONCURRENCY": ["0", "two"],
    "WEB_THREADS": ["0"],
    "WORKERS": ["0", "many"],
    "RESULT_STYLE": ["other"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_a_wrong_value_is_named_and_not_repeated(name, value, tmp_path):
    env = {"DATA_DIR": str(tmp_path), "REDIS_URL": "rediss://localhost", name: value}
    with pytest.raises(SettingsError) as found:
        Settings.load(env)
    assert found.value.message.startswith(name)
    if "KEY" in name and "/" not in value:
        assert value not in found.value.message


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("on", "on"),
        ("TRUE", "on"),
        ("1", "on"),
        ("off", "off"),
        ("no", "off"),
        ("0", "off"),
        ("required", "required"),
        ("Required", "required"),
    ],
)
def test_tones_are_muted_kept_or_have_to_be_muted(given, value, tmp_path):
    assert Settings.load({"DATA_DIR": str(tmp_path), "REDACT_DTMF": given}).redact_dtmf == value


@pytest.mark.parametrize("name", [name.upper() for name in Settings.model_fields])
def test_no_message_repeats_a_value_whatever_is_wrong_with_it(name, tmp_path):
    value = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC=BKcwggSjAgEAAoIBAQC7"
    try:
        Settings.load({"DATA_DIR": str(tmp_path), name: value})
    except SettingsError as error:
        assert name in error.message
        assert value not in error.message
        assert value[:20] not in error.message


def test_a_kept_key_that_is_damaged_is_named_and_not_repeated(tmp_path):
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "archive_private_key.pem").write_text("MIIEvQIBADANBgkqhkiG9w0BAQEFAASC")
    with pytest.raises(SettingsError, match=r"^ARCHIVE_PRIVATE_KEYS must be PEM") as found:
        Settings.load({"DATA_DIR": str(tmp_path)})
    assert "MIIE" not in found.value.message


def test_an_empty_value_counts_as_unset(tmp_path):
    names = ("REDIS_URL", "ARCHIVE_URL", "INTAKE_KEY", "OIDC_ISSUER", "RETENTION_DAYS")
    settings = Settings.load({"DATA_DIR": str(tmp_path), **dict.fromkeys(names, " ")})
    assert settings == Settings.load({"DATA_DIR": str(tmp_path)})


def test_secrets_are_not_in_the_repr(tmp_path, made_keys):
    path = tmp_path / "voice.pem"
    path.write_text(made_keys["private"])
    env = {
        "DATA_DIR": str(tmp_path),
        "ARCHIVE_PRIVATE_KEYS": made_keys["private"],
        "MANIFEST_SIGNING_KEY": made_keys["signing"],
        "TWILIO_SHARED_KEYS": "id=very-secret-3",
        "CALLBACK_CREDENTIALS": "XD1=user:very-secret-8",
        "FLEX_PRIVATE_KEYS": f"CR1={path}",
        "REDIS_URL": "redis://:very-secret@host",
        "RINGCENTRAL_CLIENT_ID": "app",
        "INTAKE_KEY": KEY,
        "CATALOGUE_KEY": KEY,
        "ARCHIVE_LOCAL_KEY": KEY,
        "CONTROL_KEYS": KEY,
    }
    secrets = [row.variable for row in rows() if row.secret]
    settings = Settings.load(dict.fromkeys(secrets, "very-secret") | env)
    assert all(getattr(settings, name.lower()) for name in secrets)
    for text in (repr(settings), str(settings)):
        assert "very-secret" not in text
        assert "PRIVATE KEY" not in text
        assert "\\x1f" not in text


def test_keys_are_kept_under_the_data_folder(tmp_path):
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "intake_key").write_text(KEY + "\n")
    (keys / "twilio_auth_token").write_text("kept")
    (keys / "playback_secret").write_text("kept-too")
    settings = Settings.load({"DATA_DIR": str(tmp_path)})
    assert settings.intake_key == (bytes(range(32)),)
    assert settings.twilio_auth_token == "kept"
    assert settings.playback_secrets == ("kept-too",)
    assert Settings.load({"DATA_DIR": str(tmp_path), "TWILIO_AUTH_TOKEN": "given"}) != settings


def test_pem_comes_as_text_or_as_files(tmp_path):
    pem = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"
    first, second = tmp_path / "a.pem", tmp_path / "b.pem"
    first.write_text(pem)
    second.write_text(pem + pem)
    by_text = Settings.load({"ARCHIVE_PUBLIC_KEYS": pem.replace("\n", "\\n")})
    by_file = Settings.load({"ARCHIVE_PUBLIC_KEYS": f"{first}, {second}"})
    assert by_text.archive_public_keys == (pem,)
    assert by_file.archive_public_keys == (pem, pem, pem)


def test_a_worker_has_no_key_to_read_with(made_keys):
    env = {"ARCHIVE_PRIVATE_KEYS": made_keys["private"], "ARCHIVE_LOCAL_KEY": KEY}
    settings = Settings.load(env)
    assert settings.archive_private_keys
    for worker in (settings.for_worker(), Settings.load(env, role="worker")):
        assert worker.archive_private_keys == ()
        assert worker.archive_local_key is None


def test_a_role_reads_no_file_that_it_does_not_need(tmp_path):
    keys = tmp_path / "keys"
    keys.mkdir()
    for name in kept_files().values():
        (keys / name).write_text("kept")
    for name in ("intake_key", "catalogue_key"):
        (keys / name).write_text(KEY)
    for name in ("archive_private_key.pem", "playback_secret"):
        (keys / name).unlink()
        (keys / name).mkdir()  # as good as a file that this process may not read
    for name in ("archive_public_key.pem", "manifest_signing_key.pem", "manifest_verify_key.pem"):
        (keys / name).unlink()
    env = {"DATA_DIR": str(tmp_path)}
    assert Settings.load(env, role="worker").intake_key
    with pytest.raises(SettingsError, match="cannot be read"):
        Settings.load(env, role="web")


def test_credentials_come_from_the_folder_that_systemd_or_a_container_names(tmp_path):
    secrets, keys = tmp_path / "secrets", tmp_path / "keys"
    secrets.mkdir()
    keys.mkdir()
    (secrets / "INTAKE_KEY").write_text(KEY + "\n")
    (secrets / "TWILIO_AUTH_TOKEN").write_text("handed over")
    (secrets / "PLAYBACK_SECRETS").write_text("a,b")
    (keys / "twilio_auth_token").write_text("kept")
    env = {"DATA_DIR": str(tmp_path), "CREDENTIALS_DIRECTORY": str(secrets)}
    settings = Settings.load(env)
    assert settings.intake_key == (bytes(range(32)),)
    assert settings.twilio_auth_token == "handed over"
    assert settings.playback_secrets == ("a", "b")
    assert Settings.load(env, role="worker").playback_secrets == ()
    assert Settings.load({**env, "TWILIO_AUTH_TOKEN": "given"}).twilio_auth_token == "given"
    (secrets / "METRICS_TOKEN").write_bytes(b"\xff")
    with pytest.raises(SettingsError, match="CREDENTIALS_DIRECTORY has a file METRICS_TOKEN"):
        Settings.load(env)


def test_the_socket_lies_under_the_data_folder_or_where_it_is_short_enough():
    near, far = Path("/srv/var"), Path("/srv/" + "deep/" * 40)
    assert default_redis_url(near) == "unix:///srv/var/redis/redis.sock"
    assert default_redis_url(far) == default_redis_url(far)
    assert default_redis_url(far) != default_redis_url(far / "er")
    assert len(default_redis_url(far)) < 110 or os.environ.get("TMPDIR")


def test_agent_channels_by_install_and_integration():
    settings = Settings.load({"AGENT_CHANNEL": "0, RECORDING_DIAL=1"})
    assert settings.agent_channel == {"": "0", "RECORDING_DIAL": "1"}


def test_the_style_of_results_by_install():
    assert Settings.load({}).callback_style == {"": "json"}
    assert Settings.load({"CALLBACK_STYLE": "XD1=multipart"}).callback_style == {
        "": "json",
        "XD1": "multipart",
    }
    both = Settings.load({"CALLBACK_STYLE": "multipart, XD1=json"}).callback_style
    assert both == {"": "multipart", "XD1": "json"}


def test_private_keys_of_flex_are_read_by_their_sid(tmp_path, made_keys):
    path = tmp_path / "voice.pem"
    path.write_text(made_keys["private"])
    settings = Settings.load({"DATA_DIR": str(tmp_path), "FLEX_PRIVATE_KEYS": f"CR1={path}"})
    assert settings.flex_private_keys == {"CR1": made_keys["private"]}
    assert made_keys["private"] not in repr(settings)
    assert settings.for_worker().flex_private_keys == settings.flex_private_keys


def test_other_values_are_taken_for_known_settings_only():
    assert Settings().replace(retention_days={"": 3}).retention_days == {"": 3}
    with pytest.raises(TypeError, match="retention_weeks"):
        Settings().replace(retention_weeks=3)


def test_given_values_alone_make_settings_whatever_the_environment_says(monkeypatch):
    monkeypatch.setenv("LOG_LEVEL", "error")
    assert Settings().log_level == Settings.load({}).log_level == "info"
    assert Settings.load().log_level == "error"
