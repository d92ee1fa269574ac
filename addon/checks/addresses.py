"""Checks of the service's own addresses, and of those that it may go to."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from addon.checks.finding import Finding, warning, wrong
from addon.settings import Settings
from addon.weak_settings import risks, too_weak
from workers.marketplace import check_hosts


def public_url(settings: Settings) -> Iterator[Finding]:
    """PUBLIC_URL is absolute, without a path, and one that Twilio can call."""
    parts = urlsplit(settings.public_url)
    if parts.path:
        yield wrong(
            "PUBLIC_URL has a path: Twilio signs another address than the one that is compared",
            "Give scheme and host alone, as https://addon.example.com.",
        )
    if not _is_private(parts.hostname or ""):
        return
    sentence = f"PUBLIC_URL is {parts.scheme}://{parts.netloc}, which Twilio cannot call"
    remedy = "Set it to the https address that Twilio's console has."
    is_deployed = settings.dyno or settings.port or settings.trusted_proxies
    yield wrong(sentence, remedy) if is_deployed else warning(sentence, remedy)


def in_front(settings: Settings) -> Iterator[Finding]:
    """The service speaks no TLS: something in front does, and says so by TRUSTED_PROXIES."""
    if settings.public_url.startswith("https:") and not settings.trusted_proxies:
        yield warning(
            "PUBLIC_URL is https and TRUSTED_PROXIES is 0: behind a proxy all callers count as "
            "one, and without one they reach this server directly",
            "See docs/deploy/reverse-proxy.md.",
        )


def allowed_hosts(settings: Settings) -> Iterator[Finding]:
    """Every entry of the lists of hosts can be understood. Raises SettingsError."""
    check_hosts(settings)
    yield from ()


def strength(settings: Settings) -> Iterator[Finding]:
    """Settings that work and protect too little (addon/weak_settings.py)."""
    yield from map(wrong, too_weak(settings))
    yield from map(warning, risks(settings))


def sign_in(settings: Settings) -> Iterator[Finding]:
    """People can sign in where an issuer is set: it needs the client's id."""
    if settings.oidc_issuer and not settings.oidc_client_id:
        yield wrong(
            "OIDC_ISSUER is set and OIDC_CLIENT_ID is not: nobody can sign in",
            "Register a client there and set both.",
        )


def _is_private(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal"))
