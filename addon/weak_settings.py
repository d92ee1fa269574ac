"""Finds settings that work and protect too little: short secrets, plain http, hosts of anybody.

`flask check` names them, and so do web and workers when they start, each of what it holds. They are
not refused: a deployment that runs with one must not stop because of an upgrade (decision 0411).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from addon.settings import Settings

SECRET_LENGTH = 32
"""Characters: 128 bits where they are hexadecimal, and nobody's memorable word."""

PUBLIC_SUFFIXES = frozenset({"ac", "co", "com", "edu", "gov", "net", "org"})
"""Second labels under which a country's registry sells names, as in co.uk."""

SHARED_HOSTS = (
    "amazonaws.com",
    "appspot.com",
    "azurewebsites.net",
    "cloudfront.net",
    "github.io",
    "herokuapp.com",
    "netlify.app",
    "ngrok.app",
    "ngrok.io",
    "ngrok-free.app",
    "pages.dev",
    "run.app",
    "vercel.app",
    "web.app",
    "workers.dev",
)
"""Domains below which anybody gets a name. No list of these is complete; these are the usual."""


def weak_settings(settings: Settings) -> list[str]:
    """A sentence for each weak setting, its variable first; none repeats a value that is secret."""
    return [*too_weak(settings), *risks(settings)]


def too_weak(settings: Settings) -> list[str]:
    """Those for which `flask check` fails."""
    return [*_short(settings), *_plain(settings), *_hosts_of_anybody(settings)]


def risks(settings: Settings) -> list[str]:
    """Those of which it warns: a first deployment on a platform has them and must go live."""
    return [*_unverified_redis(settings), *_no_metrics_token(settings)]


def _short(settings: Settings) -> Iterator[str]:
    secrets: dict[str, Iterable[str | None]] = {
        "PLAYBACK_SECRETS": settings.playback_secrets,
        "METRICS_TOKEN": [settings.metrics_token],
        "RINGCENTRAL_WEBHOOK_TOKEN": [settings.ringcentral_webhook_token],
    }
    for name, texts in secrets.items():
        if any(text and len(text) < SECRET_LENGTH for text in texts):
            yield f"{name} has a secret shorter than {SECRET_LENGTH} characters: it can be guessed"


def _plain(settings: Settings) -> Iterator[str]:
    urls = {
        "PUBLIC_URL": (settings.public_url, "recordings and links pass in the clear"),
        "OIDC_ISSUER": (settings.oidc_issuer, "whoever is on the way can sign in as anybody"),
    }
    for name, (url, why) in urls.items():
        if url and urlsplit(url).scheme == "http" and not _is_loopback(urlsplit(url).hostname):
            yield f"{name} is http: {why}"


def _unverified_redis(settings: Settings) -> Iterator[str]:
    if not settings.redis_tls_verify and not settings.redis_tls_fingerprints:
        yield (
            "REDIS_TLS_VERIFY is off without REDIS_TLS_FINGERPRINTS: whoever is on the way to "
            "Redis is believed"
        )


def _no_metrics_token(settings: Settings) -> Iterator[str]:
    if settings.trusted_proxies and not settings.metrics_token:
        yield (
            "METRICS_TOKEN is not set and requests are forwarded (TRUSTED_PROXIES, or Heroku): "
            "/metrics is closed to every scraper"
        )


def _hosts_of_anybody(settings: Settings) -> Iterator[str]:
    hosts = {
        "MEDIA_HOSTS": settings.media_hosts,
        "CALLBACK_HOSTS": settings.callback_hosts,
        "CALLBACK_CREDENTIALS": settings.callback_credentials,
    }
    for name, entries in hosts.items():
        for entry in entries:
            if entry.startswith("*.") and _is_anybodys(entry.removeprefix("*.").lower()):
                yield f"{name} has {entry}: anybody can have a host there"


def _is_anybodys(domain: str) -> bool:
    labels = domain.split(".")
    is_registry = len(labels) == 2 and len(labels[1]) == 2 and labels[0] in PUBLIC_SUFFIXES
    return len(labels) == 1 or is_registry or domain.endswith(SHARED_HOSTS)


def _is_loopback(host: str | None) -> bool:
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return host == "localhost"
