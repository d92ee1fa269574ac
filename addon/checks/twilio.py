"""Checks of Twilio's credentials and of what becomes of requests that they do not vouch for."""

from __future__ import annotations

from collections.abc import Iterator

from addon.checks.finding import Finding, warning, wrong
from addon.settings import Settings


def credentials(settings: Settings) -> Iterator[Finding]:
    """Account and token are set: without them no invocation could be verified."""
    if not settings.twilio_account_sid:
        yield wrong("TWILIO_ACCOUNT_SID is not set", "Set the account that publishes the add-on.")
    if not settings.twilio_auth_token:
        yield wrong(
            "TWILIO_AUTH_TOKEN is not set: no invocation could be verified",
            "Set the account's primary token.",
        )


def modes(settings: Settings) -> Iterator[Finding]:
    """Signatures are enforced; monitor mode is for the first days, and stops no release."""
    if settings.signature_mode != "enforce":
        yield warning(
            "SIGNATURE_MODE is monitor: unsigned requests are accepted and only logged",
            "Set it to enforce once `flask signatures` shows that genuine ones match.",
        )
    if settings.signature_reuse == "report":
        yield warning(
            "SIGNATURE_REUSE is report: one captured request makes any number of recordings",
            "Set it to detect.",
        )
