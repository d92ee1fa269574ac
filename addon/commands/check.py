"""`flask check`: the settings, the queue, the store and the keys, each in words."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click
import numpy as np

from addon.analysis.rules import check_rules
from addon.analysis.whisper import open_transcriber
from addon.analysis.words import Hints
from addon.archive.archive import Archive
from addon.archive.opening import store_of
from addon.archive.prefixes import OUTCOMES, TOKENS
from addon.archive.store import WEB_PATIENCE
from addon.catalogue import Catalogue
from addon.errors import AddonError
from addon.playback.tokens import Tokens
from addon.requests.connections import web_connection
from addon.settings import Settings
from addon.weak_settings import risks, too_weak
from workers.marketplace import check_hosts

Finding = str | None


@click.command("check")
def check() -> None:
    """Say what is missing or does not answer; exit 1 where anything is wrong."""
    settings = Settings.load()
    findings = [(name, _found(look, settings)) for name, look in LOOKS.items()]
    for name, finding in findings:
        print(f"{'wrong' if finding else 'fine ':5}  {name}{': ' + finding if finding else ''}")
    if risk := _front(settings):
        print(f"warn   what stands in front: {risk}")
    for risk in risks(settings):
        print(f"warn   {risk}")
    if any(finding for _, finding in findings):
        sys.exit(1)


def _found(look: Callable[[Settings], Finding], settings: Settings) -> Finding:
    try:
        return look(settings)
    except AddonError as error:
        return f"{error.message}. {error.remedy}"
    except Exception as error:
        return f"does not answer ({type(error).__name__})"


def _twilio(settings: Settings) -> Finding:
    if not settings.twilio_account_sid:
        return "TWILIO_ACCOUNT_SID is not set"
    if not settings.twilio_auth_token:
        return "TWILIO_AUTH_TOKEN is not set: no invocation could be verified"
    return None


def _modes(settings: Settings) -> Finding:
    if settings.signature_mode != "enforce":
        return "SIGNATURE_MODE is monitor: unsigned requests are accepted and only logged"
    if settings.signature_reuse == "report":
        return "SIGNATURE_REUSE is report: one captured request makes any number of recordings"
    return None


def _front(settings: Settings) -> Finding:
    """The service speaks no TLS: something in front does, and says so by TRUSTED_PROXIES."""
    if settings.public_url.startswith("https:") and not settings.trusted_proxies:
        return (
            "PUBLIC_URL is https and TRUSTED_PROXIES is 0. Behind a proxy all callers count as "
            "one; without one they reach this server directly. See docs/deploy/reverse-proxy.md."
        )
    return None


def _queue(settings: Settings) -> Finding:
    return None if web_connection(settings.redis_url).ping() else "Redis does not answer"


def _durable(settings: Settings) -> Finding:
    info = web_connection(settings.redis_url).info("memory")
    policy = info.get("maxmemory_policy") if isinstance(info, dict) else None
    if policy not in (None, "noeviction"):
        return f"Redis evicts keys ({policy}); the request states need noeviction"
    return None


def _store(settings: Settings) -> Finding:
    store = store_of(settings, patience=WEB_PATIENCE)
    store.stat(OUTCOMES + "release-check")
    if settings.archive_lock_days is not None and not store.can_retain():
        return "ARCHIVE_LOCK_DAYS is set, but the bucket was not made with Object Lock"
    return None


def _keys(settings: Settings) -> Finding:
    archive = Archive.from_settings(settings)
    _ = archive.encryption_keys, archive.signer
    if not settings.intake_key:
        return "INTAKE_KEY is not set: accepted requests could not be kept"
    return None


def _catalogue(settings: Settings) -> Finding:
    """Open it, which also brings its tables up to this release."""
    if not settings.catalogue_key:
        return None
    catalogue = Catalogue.from_settings(settings)
    catalogue.installs()
    catalogue.close()
    return None


def _tokens(settings: Settings) -> Finding:
    store = store_of(settings, patience=WEB_PATIENCE)
    stored = sum(1 for _ in store.list(TOKENS))
    count = stored - sum(1 for _ in Tokens.from_settings(settings, store).all())
    if count:
        return f"{count} open nothing, unsigned or signed with another key: sign-controls or revoke"
    return None


def _transcriber(settings: Settings) -> Finding:
    """Load the model and let it hear a second of silence, in every language that is set."""
    transcriber = open_transcriber(settings.transcriber)
    if transcriber is None:
        return None
    for code in sorted({"auto", *settings.transcriber_language.values()}):
        try:
            transcriber.words(np.zeros(8000, np.float32), Hints.of(code, ""))
        except ValueError:
            return f"the model does not know the language {code} of TRANSCRIBER_LANGUAGE"
    return None


def _rules(settings: Settings) -> Finding:
    check_rules(settings.rules, settings.flex_categories)
    return None


def _hosts(settings: Settings) -> Finding:
    check_hosts(settings)
    return None


def _weak(settings: Settings) -> Finding:
    return "; ".join(too_weak(settings)) or None


LOOKS: dict[str, Callable[[Settings], Finding]] = {
    "Twilio credentials": _twilio,
    "signature mode": _modes,
    "queue": _queue,
    "queue's eviction policy": _durable,
    "store": _store,
    "keys": _keys,
    "catalogue": _catalogue,
    "API tokens": _tokens,
    "transcriber": _transcriber,
    "rules": _rules,
    "allowed hosts": _hosts,
    "strength of secrets and addresses": _weak,
}
"""What is looked at, in this order."""
