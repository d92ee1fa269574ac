"""The table of all settings: a field is a row, and its name in upper case the variable.

Each row has a type, a default as one would write it in the environment, and a help text.
`settings.py` loads it; `make docs` writes `.env.example` and docs/settings.md from it. Why it is
pydantic-settings: decision 0406.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from addon.setting_types import (
    ByInstall,
    CallFacts,
    Days,
    DaysByInstall,
    Flag,
    Key32,
    Keys32,
    Listing,
    Moment,
    Pairs,
    Pem,
    PemPairs,
    Pems,
    Redaction,
    RuleFiles,
    SpokenKinds,
    Styles,
    Url,
    whole,
)

PLAYBACK_TTL_LEAST_S = 30
"""Less, and a link could end before the page that shows it is drawn."""

Role = Literal["web", "worker"]
"""The kinds of process that read settings. A sweeper, a job and a delivery are workers."""

ROLES: tuple[Role, ...] = ("web", "worker")
WEB: tuple[Role, ...] = ("web",)
WORKER: tuple[Role, ...] = ("worker",)

StorageClass = Literal["STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"]
"""S3's classes that can be read at once: what is archived is read back, and played."""


def _setting(
    section: str,
    default: str | None,
    text: str,
    *,
    secret: bool = False,
    example: str = "",
    kept: str | None = None,
    roles: tuple[Role, ...] = ROLES,
) -> Any:
    """A row: `default` as in the environment, `kept` the name of a file in DATA_DIR/keys, `roles`
    the processes that need it.

    A secret is left out of `repr`, so that settings in a traceback give nothing away.
    """
    extra: dict[str, Any] = {"section": section, "example": example, "kept": kept}
    extra["roles"] = list(roles)
    return Field(default, description=text, repr=not secret, json_schema_extra=extra)


_twilio = partial(_setting, "Twilio")
_storage = partial(_setting, "Queue and store")
_keys = partial(_setting, "Keys: PEM files with commas between, or PEM text")
_playback = partial(_setting, "Playback", roles=WEB)
_flex = partial(_setting, "Flex", roles=WORKER)
_ringcentral = partial(_setting, "RingCentral")
_analysis = partial(_setting, "Analysis", roles=WORKER)
_processes = partial(_setting, "Processes", roles=WEB)
_operating = partial(_setting, "Operating")


class SettingsTable(BaseSettings):
    """All settings by section. The constructor takes values by field name and reads nothing."""

    model_config = SettingsConfigDict(
        alias_generator=str.upper,
        validate_by_name=True,
        validate_default=True,
        case_sensitive=True,
        enable_decoding=False,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    twilio_account_sid: str = _twilio(
        "",
        "The account that publishes the add-on.",
        example="AC00000000000000000000000000000000",
        kept="twilio_account_sid",
    )
    twilio_auth_token: str = _twilio(
        "", "Its primary token: signs every request.", secret=True, kept="twilio_auth_token"
    )
    twilio_auth_tokens_also_accepted: Listing = _twilio(
        "",
        "Further tokens, accepted while one is rotated, with commas between.",
        secret=True,
        roles=WEB,
    )
    twilio_shared_keys: Pairs = _twilio(
        "",
        "Shared keys of webhooks signed with HMAC-SHA256: id=secret,id=secret.",
        secret=True,
        roles=WEB,
    )
    twilio_api_key: str = _twilio(
        "",
        "An API key for REST calls, preferred to the token.",
        example="SK00000000000000000000000000000000",
    )
    twilio_api_secret: str = _twilio("", "The secret of that API key.", secret=True)
    twilio_base_url: Url | None = _twilio(
        None,
        "Send every REST, IAM and TaskRouter call here instead, with unchanged paths (tests, "
        "proxies).",
    )
    twilio_realm: str | None = _twilio(
        None, "The account's region, as in `iam.<realm>.twilio.com`."
    )
    signature_mode: Literal["enforce", "monitor"] = _twilio(
        "enforce",
        "enforce refuses forged requests; monitor accepts and logs them, for the first days only.",
        roles=WEB,
    )
    signature_reuse: Literal["detect", "refuse", "report"] = _twilio(
        "detect",
        "What becomes of an accepted signature that comes again with another request: refuse "
        "refuses it, report only logs and counts it, detect refuses it where what is signed holds "
        "something that belongs to one request alone.",
        roles=WEB,
    )
    known_installs: Listing = _twilio(
        "",
        "The installs that are served, with commas between; empty: all. A request without an "
        "install is known by its configuration, or as `no-install`.",
        example="XD00000000000000000000000000000000",
        roles=WEB,
    )
    public_url: Url = _twilio(
        "http://127.0.0.1:8080",
        "What Twilio calls, without a path: it signs the exact public URL.",
        example="https://addon.example.com",
    )
    media_hosts: Listing = _twilio(
        "*.twilio.com",
        "Where recordings may be fetched from. `*.twilio.com` means https; an entry with a scheme "
        "is matched exactly, and is the only way to allow http, a port or a private address.",
        roles=WORKER,
    )
    callback_hosts: Listing = _twilio(
        "*.twilio.com", "Where results may be posted to, written like MEDIA_HOSTS.", roles=WORKER
    )
    callback_credentials: Pairs = _twilio(
        "",
        "Credentials for callbacks, with commas between: XD…=user:password of an install (https "
        "only), hooks.example.com=user:password or http://127.0.0.1:9000=user:password of a host, "
        "written like CALLBACK_HOSTS. The account's own go to twilio.com and its subdomains by "
        "https, and nowhere else.",
        secret=True,
        roles=WORKER,
    )
    callback_style: Styles = _twilio(
        "json",
        "How results are posted: json, or multipart with the document as a file; also by install, "
        "as json,XD…=multipart.",
        roles=WORKER,
    )
    webhook_hosts: Listing = _twilio(
        "",
        "Where events may be sent to, written like CALLBACK_HOSTS: the hosts of integrators, with "
        "commas between. Unset: no webhooks; see [webhooks](webhooks.md).",
        example="hooks.example.com,*.example.org",
    )
    max_upload_bytes: Annotated[int, whole(least=1024)] = _twilio(
        "536870912", "The most audio that one request may upload, in bytes.", roles=WEB
    )

    redis_url: str = _storage(
        "",
        "The queue; it must persist and must not evict. Unset: a server of our own on a socket "
        "under DATA_DIR.",
        secret=True,
        example="rediss://:password@host:6379/0",
    )
    redis_tls_verify: Flag = _storage(
        "on",
        "off believes any certificate of a rediss:// server: whoever sits on the line is believed "
        "too. For one that nobody signed, as Heroku's, set REDIS_TLS_FINGERPRINTS instead.",
    )
    redis_tls_fingerprints: Listing = _storage(
        "",
        "SHA-256 of the certificates that a rediss:// server may have, in hexadecimal with commas "
        "between; nothing else about them is checked. Two while one is replaced.",
    )
    redis_tls_ca: Pem | None = _storage(
        None, "PEM: who signed the certificate of a rediss:// server, where it is nobody public."
    )
    data_dir: Annotated[Path, AfterValidator(Path.absolute)] = _storage(
        "./var", "Keys, the embedded Redis and, by default, the archive and the catalogue."
    )
    database_url: str | None = _storage(
        None,
        "The catalogue's Postgres: postgresql://user:password@host/name, or Heroku's postgres://. "
        "Unset: SQLite under DATA_DIR. See [the catalogue](operations.md#the-catalogue).",
        secret=True,
        example="postgresql://addon@127.0.0.1/addon",
    )
    archive_url: str = _storage(
        "",
        "Where recordings are archived: file:///a/path, or s3://bucket/prefix with AWS_* as boto3 "
        "reads them. Unset: a directory under DATA_DIR.",
        example="s3://recordings/archive",
    )
    archive_storage_class: StorageClass | None = _storage(
        None,
        "The S3 class of new recordings in a bucket. Manifests, and whatever is no recording, are "
        "in the bucket's standard class.",
        example="STANDARD_IA",
    )
    archive_lock_days: Days | None = _storage(
        None,
        "For how many days a new recording may not be erased. A bucket must have been made with "
        "Object Lock.",
        example="90",
    )
    archive_lock_mode: Literal["governance", "compliance"] = _storage(
        "governance",
        "In a bucket: governance can be lifted by accounts with that permission, compliance by "
        "none.",
    )

    archive_public_keys: Pems = _keys(
        "",
        "Whom recordings are encrypted to: the epoch's public key, an offline recovery key.",
        example="keys/epoch-2026-11.pub.pem,keys/recovery.pub.pem",
        kept="archive_public_key.pem",
    )
    archive_private_keys: Pems = _keys(
        "",
        "What readers decrypt them with; workers never need these.",
        secret=True,
        kept="archive_private_key.pem",
        roles=WEB,
    )
    archive_kms_keys: Listing = _keys(
        "", "KMS keys that recordings are encrypted to as well, by ARN."
    )
    archive_local_key: Key32 | None = _keys(
        None,
        "32 bytes in base64: decrypts the epoch keys kept in the store.",
        secret=True,
        roles=WEB,
    )
    manifest_signing_key: Pem | None = _keys(
        None, "Ed25519: a worker signs manifests.", secret=True, kept="manifest_signing_key.pem"
    )
    manifest_verify_keys: Pems = _keys(
        "", "Ed25519: a reader verifies manifests.", kept="manifest_verify_key.pem"
    )
    intake_key: Keys32 = _keys(
        "",
        "32 bytes in base64: encrypts what waits for a worker. Web and workers share it. Several "
        "with commas between: the first encrypts, each opens.",
        secret=True,
        kept="intake_key",
    )
    catalogue_key: Key32 = _keys(
        "",
        "32 bytes in base64: the catalogue holds numbers, names and words as keyed digests alone. "
        "Web and workers share it. Unset: no catalogue.",
        secret=True,
        kept="catalogue_key",
    )
    control_keys: Keys32 = _keys(
        "",
        "32 bytes each in base64, newest first: sign what became of requests and the access log. "
        "Web and workers share them. Unset: a key that follows from INTAKE_KEY.",
        secret=True,
    )
    unsigned_controls_until: Moment | None = _keys(
        None,
        "Until then, API tokens, outcomes and access log events that release 0.1.0 wrote without a "
        "signature are believed; see [upgrading](operations.md#upgrading-from-010). Unset: never.",
        example="2026-12-01T00:00:00Z",
    )

    playback_secrets: Listing = _playback(
        "",
        "What playback links are signed with, newest first.",
        secret=True,
        kept="playback_secret",
    )
    playback_ttl_s: Annotated[int, whole(PLAYBACK_TTL_LEAST_S)] = _playback(
        "900",
        "How long a link lives before it is opened, in seconds; the call's own length is added.",
    )
    playback_roles: Listing = _playback("supervisor,admin", "Flex roles that may listen.")
    playback_gaps: Literal["none", "silence"] = _playback(
        "none", "Between the joined recordings of a call: none or silence."
    )
    player_origins: Listing = _playback(
        "https://flex.twilio.com", "Origins whose players may fetch audio."
    )
    oidc_issuer: Url | None = _playback(
        None,
        "Sign-in for people. Without an issuer only the owner of the machine gets in.",
    )
    oidc_client_id: str | None = _playback(None, "The client's id there.")
    oidc_client_secret: str | None = _playback(None, "And its secret.", secret=True)
    oidc_prompt: Literal["login", "select_account"] | None = _playback(
        None,
        "What the issuer asks at every sign-in: login for the password, select_account for the "
        "account. Unset: as it likes, and the password after somebody has signed out.",
        example="select_account",
    )
    oidc_allowed_domains: Listing = _playback(
        "", "Domains of the e-mail addresses that get in, with commas between."
    )

    flex_workspace_sid: str | None = _flex(
        None,
        "The TaskRouter workspace of Flex; without it no task is told anything.",
        example="WS00000000000000000000000000000000",
    )
    flex_measures: Pairs = _flex(
        "",
        "Which figure goes to which conversation measure, as "
        "agent_talk=1,customer_talk=2,silence=3.",
    )
    flex_categories: Pairs = _flex(
        "",
        "How often which rule was met goes to which conversation measure, as "
        "recording_notice=4,escalation=5; see [rules](rules.md).",
    )
    flex_labels: Pairs = _flex(
        "",
        "What to write into conversation attributes beside them, as 1=Agent talk (s),2=Customer "
        "talk (s).",
    )
    flex_segment_link: Flag = _flex(
        "off", "Write the older segment_link beside conversations.media."
    )
    flex_private_keys: PemPairs = _flex(
        "",
        "Private keys of recordings that Twilio encrypts for you, as CR…=file.pem with commas "
        "between.",
        secret=True,
    )
    flex_reconcile_every_s: Annotated[int, whole(least=0)] = _flex(
        "300",
        "How often, in seconds, the account's recordings are listed for those that no callback "
        "announced; 0 for never. It needs FLEX_WORKSPACE_SID.",
    )
    delete_at_source_after_s: Annotated[int, whole(least=0)] = _flex(
        "0",
        "Delete the recording at Twilio so many seconds after it was archived and read back: 0 "
        "never, else at least 7200, because Flex still computes its figures until then.",
    )

    ringcentral_client_id: str | None = _ringcentral(
        None,
        "The app that people sign in through at /ringcentral/recordings/<id>. Its redirect URI is "
        "PUBLIC_URL/ringcentral/callback.",
    )
    ringcentral_client_secret: str | None = _ringcentral(
        None, "Without a secret it is a public client, and PKCE alone proves it.", secret=True
    )
    ringcentral_base_url: Url = _ringcentral(
        "https://platform.ringcentral.com",
        "The platform; https://platform.devtest.ringcentral.com is the sandbox.",
    )
    ringcentral_jwt: str | None = _ringcentral(
        None,
        "A JWT credential of a service account: with it, the account's recordings are archived as "
        "well.",
        secret=True,
        roles=WORKER,
    )
    ringcentral_webhook_token: str | None = _ringcentral(
        None,
        "What RingCentral has to send with each notification; then run `flask ringcentral "
        "subscribe`. See [RingCentral](ringcentral.md).",
        secret=True,
    )

    redact_dtmf: Redaction = _analysis(
        "on",
        "Mute key tones in what is archived: on, off, or required: nobody may hear a recording "
        "unless everything found in it is muted; see [the result](analysis.md#redaction).",
        roles=ROLES,
    )
    redact_spoken: SpokenKinds = _analysis(
        "auto", "Spoken kinds that are muted: auto, on, off or [a list](redaction.md)."
    )
    agent_channel: ByInstall = _analysis(
        "1",
        "The channel the agent is on, 0 or 1; also by install or integration: "
        "1,RECORDING_DIAL=0,XD…=1.",
    )
    transcriber: str | None = _analysis(
        None,
        "whisper makes transcripts with the model that make setup WORDS=1 installed, "
        "whisper:/path/to/a/model with any other of CTranslate2's form (requirements/whisper.txt). "
        "Nothing is downloaded while the service runs.",
    )
    transcriber_language: ByInstall = _analysis(
        "auto",
        "The language that is spoken, an ISO 639-1 code, or auto: detected once a recording, in "
        "its longest speech. Also by install or integration: en,XD…=de.",
    )
    transcriber_vocabulary: ByInstall = _analysis(
        "",
        "Names and terms that a general model misspells, with semicolons between; also by install "
        "or integration: parcel desk; Robinson,XD…=Okta.",
    )
    rules: RuleFiles = _analysis(
        "starter",
        "The file of phrases that are looked for in transcripts, starter for the set that comes "
        "with the service, or off; also by install or integration, as starter,XD…=other.toml. See "
        "[rules](rules.md).",
        example="starter,XD00000000000000000000000000000000=rules.toml",
    )
    sentiment: Flag = _analysis("off", "Score the sentiment of English transcripts.")
    result_waveform: Flag = _analysis(
        "off", "Put the waveform into every result; the API always has it."
    )
    result_style: Literal["own", "call-analytics"] = _analysis(
        "own",
        "own, or call-analytics for Amazon Transcribe Call Analytics' key names beside ours.",
    )
    call_facts: CallFacts = _analysis(
        "on",
        "Facts of the call that are kept in the encrypted analysis: on for all, off for none, or "
        "some of from, to, direction, agent, queue, outcome, task_sid, started_at and "
        "duration_seconds. See [the call](analysis.md#the-call).",
        example="direction,agent,queue,outcome,started_at,duration_seconds",
    )
    retention_days: DaysByInstall = _analysis(
        "",
        "Erase recordings after so many days; also what requests that never ended have left in the "
        "intake, at the earliest after two days. Of single installs as XD…=30 or XD…=never behind "
        "it. Unset: nothing goes by age. See [erasing](operations.md#erasing-and-holding).",
        example="365,XD0123456789abcdef0123456789abcdef=30",
    )

    port: Annotated[int, whole(least=1)] | None = _processes(
        None,
        "gunicorn listens on this port of every address. Unset: 8080 of this machine alone. "
        "`flask serve` has --host and --port instead.",
        example="8080",
    )
    web_concurrency: Annotated[int, whole(least=1)] = _processes("2", "Web processes.")
    web_threads: Annotated[int, whole(least=1)] = _processes(
        "16",
        "Threads of each that work, and at most as many more for invocations; no client that is "
        "slow holds one.",
    )
    web_connections: Annotated[int, whole(least=16)] = _processes(
        "1000",
        "Connections of each; beyond that the oldest idle one is dropped for a new one.",
    )
    connections_per_address: Annotated[int, whole(least=4)] = _processes(
        "250", "Of these, how many one address may have, or one /64 of IPv6."
    )
    trusted_proxies: Annotated[int, whole(least=0)] | None = _processes(
        None,
        "How many proxies of yours a request passes: so many entries of X-Forwarded-For are "
        "believed, from the right. Unset: 1 on Heroku, elsewhere 0, and the header is ignored.",
        example="1",
    )
    max_unverified_bytes: Annotated[int, whole(least=1024)] = _processes(
        "1073741824",
        "Bytes of uploads whose signature is not verified yet that may lie on this machine, "
        "shared out evenly among the web processes; beyond it 503, and Twilio asks again.",
    )
    workers: Annotated[int, whole(least=1)] | None = _processes(
        None,
        "Worker processes for long recordings, beside those for short ones and deliveries. Unset: "
        "2 under `flask serve`, elsewhere one a core.",
        example="2",
        roles=WORKER,
    )
    dyno: str | None = _processes(
        None,
        "Heroku sets it. Then X-Forwarded-* is believed from every address, because only the "
        "router reaches a dyno.",
    )

    metrics_token: str | None = _operating(
        None,
        "Without it /metrics answers this machine only, and with TRUSTED_PROXIES nobody; with it, "
        "whoever sends it as a bearer token.",
        secret=True,
        roles=WEB,
    )
    sentry_dsn: str | None = _operating(
        None,
        "Report errors to Sentry (requirements/sentry.txt), without anything of a call or a "
        "caller.",
        secret=True,
    )
    otel_exporter_otlp_endpoint: Url | None = _operating(
        None,
        "Where an OpenTelemetry collector listens: with it and requirements/tracing.txt every "
        "request is one trace. Other OTEL_ variables work as its documentation says.",
        example="http://127.0.0.1:4318",
    )
    log_level: Literal["debug", "info", "warning", "error"] = _operating(
        "info", "debug, info, warning or error."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is the library's
        init_settings: PydanticBaseSettingsSource,
        *_positional: Any,
        **_named: Any,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Nothing but what the constructor is given: `Settings.load` says what is read."""
        return (init_settings,)
