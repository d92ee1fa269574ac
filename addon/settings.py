"""Every setting, read from the environment once, checked, and frozen.

This module alone reads the environment; everything else is handed a `Settings`. A wrong value stops
the start with the variable's name. Keys and secrets that are unset are looked for under
`DATA_DIR/keys`, where `flask serve` makes them once; this module never makes or changes a file.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from addon.environment import Environment
from addon.errors import SettingsError

SOCKET_PATH_LIMIT = 100
"""A Unix socket's path may be 104 bytes long on macOS and 108 on Linux, the final zero included."""

DELETE_AT_SOURCE_FLOOR_S = 7200
"""Flex computes its own figures up to two hours after a call (spec/protocol 4.4)."""

CALLBACK_STYLES = ("json", "multipart")
"""How a result may be posted; nobody documents which an install expects (spec/protocol 1.8)."""

FLEX_FIGURES = ("agent_talk", "customer_talk", "silence", "crosstalk")
"""What FLEX_MEASURES may put into a slot: the figures that Insights loses (spec/protocol 6.2)."""

FLEX_SLOTS = tuple(str(number) for number in range(1, 11))
"""Insights has ten conversation measures and ten conversation attributes."""

FLEX_RECONCILE_DEFAULT_S = 300
"""Status callbacks are best effort (spec/protocol 4.1): what none announced is found this soon."""

PLAYBACK_TTL_DEFAULT_S = 900
"""Long enough to open a link and press play; a grant stretches itself by the call's own length."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings; field names are the variables' names in lower case (spec/interfaces 3).

    Secrets are left out of `repr`, so that a settings object in a traceback gives nothing away.
    """

    twilio_account_sid: str = ""
    twilio_auth_token: str = field(default="", repr=False)
    twilio_auth_tokens_also_accepted: tuple[str, ...] = field(default=(), repr=False)
    twilio_shared_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    twilio_api_key: str = ""
    twilio_api_secret: str = field(default="", repr=False)
    twilio_base_url: str | None = None
    twilio_realm: str | None = None
    signature_mode: Literal["enforce", "monitor"] = "enforce"
    public_url: str = "http://127.0.0.1:8080"
    media_hosts: tuple[str, ...] = ("*.twilio.com",)
    callback_hosts: tuple[str, ...] = ("*.twilio.com",)
    callback_credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    callback_style: Mapping[str, str] = field(default_factory=lambda: {"": "json"})
    max_upload_bytes: int = 512 * 1024 * 1024
    redis_url: str = ""
    redis_embedded: bool = True
    data_dir: Path = Path("var")
    archive_url: str = ""
    archive_public_keys: tuple[str, ...] = ()
    archive_private_keys: tuple[str, ...] = field(default=(), repr=False)
    archive_kms_keys: tuple[str, ...] = ()
    archive_local_key: bytes | None = field(default=None, repr=False)
    archive_storage_class: str | None = None
    archive_lock_days: int | None = None
    manifest_signing_key: str | None = field(default=None, repr=False)
    manifest_verify_keys: tuple[str, ...] = ()
    intake_key: bytes = field(default=b"", repr=False)
    playback_secrets: tuple[str, ...] = field(default=(), repr=False)
    playback_ttl_s: int = PLAYBACK_TTL_DEFAULT_S
    playback_roles: tuple[str, ...] = ("supervisor", "admin")
    playback_gaps: Literal["none", "silence"] = "none"
    player_origins: tuple[str, ...] = ("https://flex.twilio.com",)
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: str | None = field(default=None, repr=False)
    oidc_allowed_domains: tuple[str, ...] = ()
    ringcentral_client_id: str | None = None
    ringcentral_client_secret: str | None = field(default=None, repr=False)
    ringcentral_base_url: str = "https://platform.ringcentral.com"
    ringcentral_jwt: str | None = field(default=None, repr=False)
    ringcentral_webhook_token: str | None = field(default=None, repr=False)
    flex_workspace_sid: str | None = None
    flex_measures: Mapping[str, str] = field(default_factory=dict)
    flex_labels: Mapping[str, str] = field(default_factory=dict)
    flex_segment_link: bool = False
    flex_private_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    flex_reconcile_every_s: int = FLEX_RECONCILE_DEFAULT_S
    delete_at_source_after_s: int = 0
    redact_dtmf: bool = True
    agent_channel: Mapping[str, str] = field(default_factory=lambda: {"": "1"})
    retention_days: int | None = None
    transcriber: str | None = None
    result_waveform: bool = False
    result_style: Literal["own", "call-analytics"] = "own"
    sentiment: bool = False
    metrics_token: str | None = field(default=None, repr=False)
    sentry_dsn: str | None = field(default=None, repr=False)
    otel_exporter_otlp_endpoint: str | None = None
    log_level: str = "info"

    @classmethod
    def load(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read and check everything. Raises SettingsError with the variable's name first."""
        source = Environment(os.environ if env is None else env)
        settings = cls(**_everything(source))
        _check(settings)
        return settings

    def for_worker(self) -> Settings:
        """The same without the archive's private keys: a worker writes what it cannot read."""
        return replace(self, archive_private_keys=(), archive_local_key=None)


def _everything(env: Environment) -> dict[str, Any]:
    data_dir = Path(env.text("DATA_DIR", "./var")).absolute()
    keys = env.keys_under(data_dir / "keys")
    values = _twilio(keys) | _storage(keys, data_dir) | _playback(keys) | _behaviour(keys)
    return {"data_dir": data_dir} | values


def _twilio(env: Environment) -> dict[str, Any]:
    return {
        "twilio_account_sid": env.secret("TWILIO_ACCOUNT_SID") or "",
        "twilio_auth_token": env.secret("TWILIO_AUTH_TOKEN") or "",
        "twilio_auth_tokens_also_accepted": env.listing("TWILIO_AUTH_TOKENS_ALSO_ACCEPTED"),
        "twilio_shared_keys": env.pairs("TWILIO_SHARED_KEYS"),
        "twilio_api_key": env.text("TWILIO_API_KEY", ""),
        "twilio_api_secret": env.text("TWILIO_API_SECRET", ""),
        "twilio_base_url": env.url("TWILIO_BASE_URL"),
        "twilio_realm": env.optional("TWILIO_REALM"),
        "signature_mode": env.choice("SIGNATURE_MODE", ("enforce", "monitor")),
        "public_url": env.url("PUBLIC_URL") or "http://127.0.0.1:8080",
        "media_hosts": env.listing("MEDIA_HOSTS", ("*.twilio.com",)),
        "callback_hosts": env.listing("CALLBACK_HOSTS", ("*.twilio.com",)),
        "callback_credentials": env.pairs("CALLBACK_CREDENTIALS"),
        "callback_style": {"": "json"} | env.pairs("CALLBACK_STYLE", bare=""),
        "max_upload_bytes": env.integer("MAX_UPLOAD_BYTES", 512 * 1024 * 1024, least=1024),
        "flex_workspace_sid": env.optional("FLEX_WORKSPACE_SID"),
        "flex_measures": env.pairs("FLEX_MEASURES"),
        "flex_labels": env.pairs("FLEX_LABELS"),
        "flex_segment_link": env.flag("FLEX_SEGMENT_LINK", default=False),
        "flex_private_keys": env.pem_pairs("FLEX_PRIVATE_KEYS"),
        "flex_reconcile_every_s": env.integer(
            "FLEX_RECONCILE_EVERY_S", FLEX_RECONCILE_DEFAULT_S, least=0
        ),
        "delete_at_source_after_s": env.integer("DELETE_AT_SOURCE_AFTER_S", 0, least=0),
    }


def _storage(env: Environment, data_dir: Path) -> dict[str, Any]:
    return {
        "redis_url": _redis_url(env) or default_redis_url(data_dir),
        "redis_embedded": env.optional("REDIS_URL") is None,
        "archive_url": env.optional("ARCHIVE_URL") or (data_dir / "archive").as_uri(),
        "archive_public_keys": env.pems("ARCHIVE_PUBLIC_KEYS", "archive_public_key.pem"),
        "archive_private_keys": env.pems("ARCHIVE_PRIVATE_KEYS", "archive_private_key.pem"),
        "archive_kms_keys": env.listing("ARCHIVE_KMS_KEYS"),
        "archive_local_key": env.key32("ARCHIVE_LOCAL_KEY"),
        "archive_storage_class": env.optional("ARCHIVE_STORAGE_CLASS"),
        "archive_lock_days": env.days("ARCHIVE_LOCK_DAYS"),
        "manifest_signing_key": env.pem("MANIFEST_SIGNING_KEY", "manifest_signing_key.pem"),
        "manifest_verify_keys": env.pems("MANIFEST_VERIFY_KEYS", "manifest_verify_key.pem"),
        "intake_key": env.key32("INTAKE_KEY", "intake_key") or b"",
        "retention_days": env.days("RETENTION_DAYS"),
    }


def _redis_url(env: Environment) -> str | None:
    """REDIS_URL; redis-py takes from its query whether the server's certificate must be signed."""
    url = env.optional("REDIS_URL")
    verify = env.flag("REDIS_TLS_VERIFY", default=True)
    if url is None or verify or not url.startswith("rediss:"):
        return url
    return f"{url}{'&' if '?' in url else '?'}ssl_cert_reqs=none&ssl_check_hostname=false"


def _playback(env: Environment) -> dict[str, Any]:
    return {
        "playback_secrets": env.secrets("PLAYBACK_SECRETS", "playback_secret"),
        "playback_ttl_s": env.integer("PLAYBACK_TTL_S", PLAYBACK_TTL_DEFAULT_S, least=30),
        "playback_roles": env.listing("PLAYBACK_ROLES", ("supervisor", "admin")),
        "playback_gaps": env.choice("PLAYBACK_GAPS", ("none", "silence")),
        "player_origins": env.listing("PLAYER_ORIGINS", ("https://flex.twilio.com",)),
        "oidc_issuer": env.url("OIDC_ISSUER"),
        "oidc_client_id": env.optional("OIDC_CLIENT_ID"),
        "oidc_client_secret": env.optional("OIDC_CLIENT_SECRET"),
        "oidc_allowed_domains": env.listing("OIDC_ALLOWED_DOMAINS"),
        "ringcentral_client_id": env.optional("RINGCENTRAL_CLIENT_ID"),
        "ringcentral_client_secret": env.optional("RINGCENTRAL_CLIENT_SECRET"),
        "ringcentral_base_url": env.url("RINGCENTRAL_BASE_URL")
        or "https://platform.ringcentral.com",
        "ringcentral_jwt": env.optional("RINGCENTRAL_JWT"),
        "ringcentral_webhook_token": env.optional("RINGCENTRAL_WEBHOOK_TOKEN"),
    }


def _behaviour(env: Environment) -> dict[str, Any]:
    return {
        "redact_dtmf": env.flag("REDACT_DTMF", default=True),
        "agent_channel": env.pairs("AGENT_CHANNEL", bare="") or {"": "1"},
        "transcriber": env.optional("TRANSCRIBER"),
        "result_waveform": env.flag("RESULT_WAVEFORM", default=False),
        "result_style": env.choice("RESULT_STYLE", ("own", "call-analytics")),
        "sentiment": env.flag("SENTIMENT", default=False),
        "otel_exporter_otlp_endpoint": env.url("OTEL_EXPORTER_OTLP_ENDPOINT"),
        "metrics_token": env.optional("METRICS_TOKEN"),
        "sentry_dsn": env.optional("SENTRY_DSN"),
        "log_level": env.choice("LOG_LEVEL", ("info", "debug", "warning", "error")),
    }


def _check(settings: Settings) -> None:
    delay = settings.delete_at_source_after_s
    if 0 < delay < DELETE_AT_SOURCE_FLOOR_S:
        raise SettingsError(
            f"DELETE_AT_SOURCE_AFTER_S is {delay}; it must be 0 (never) or at least "
            f"{DELETE_AT_SOURCE_FLOOR_S}, because Flex still computes its figures until then"
        )
    if not settings.archive_url.startswith(("file:///", "s3://")):
        raise SettingsError("ARCHIVE_URL must start with file:/// or s3://")
    if settings.ringcentral_jwt and not settings.ringcentral_client_id:
        raise SettingsError("RINGCENTRAL_CLIENT_ID is not set, but RINGCENTRAL_JWT is")
    if any(value not in ("0", "1") for value in settings.agent_channel.values()):
        raise SettingsError("AGENT_CHANNEL must give channel 0 or 1")
    if set(settings.callback_style.values()) - set(CALLBACK_STYLES):
        raise SettingsError(f"CALLBACK_STYLE must give one of: {', '.join(CALLBACK_STYLES)}")
    _check_flex(settings)


def _check_flex(settings: Settings) -> None:
    slots = list(settings.flex_measures.values())
    if set(settings.flex_measures) - set(FLEX_FIGURES) or set(slots) - set(FLEX_SLOTS):
        raise SettingsError(
            f"FLEX_MEASURES must give some of {', '.join(FLEX_FIGURES)} a slot from 1 to 10"
        )
    if len(set(slots)) < len(slots):
        raise SettingsError("FLEX_MEASURES gives two figures the same slot")
    if set(settings.flex_labels) - set(FLEX_SLOTS):
        raise SettingsError("FLEX_LABELS must give texts to slots from 1 to 10")


def default_redis_url(data_dir: Path) -> str:
    """The embedded server's socket: under `data_dir`, or where that path is too long, a short one.

    The same `data_dir` always gives the same socket, so that a second terminal finds the server.
    """
    socket = data_dir / "redis" / "redis.sock"
    if len(os.fsencode(socket)) > SOCKET_PATH_LIMIT:
        name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
        socket = Path(tempfile.gettempdir()) / f"addon-redis-{name}.sock"
    return f"unix://{quote(os.fsencode(socket))}"
