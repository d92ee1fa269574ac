"""What tests of playback over HTTP share: an archive behind the app, links into it, tokens."""

from __future__ import annotations

from typing import Any

from flask import Flask

from addon.web.context import EXTENSION, Context
from tests.playback.sounds import RECORDING, TENANT

ORIGIN = "https://flex.twilio.com"


def inside(app: Flask) -> Context:
    """What the app works with."""
    found: Context = app.extensions[EXTENSION]
    return found


def link(app: Flask, **facts: Any) -> str:
    """The path of a new link."""
    grants = inside(app).grants
    subject = {"recording_id": RECORDING} if "call_sid" not in facts else {}
    grant = grants.issue(TENANT, **({"listener": "agent9"} | subject | facts))
    return f"/media/{grants.token(grant)}"


def bearer(app: Flask, install: str | None = TENANT) -> dict[str, str]:
    """The header of a new token."""
    text, _ = inside(app).tokens.issue(install, "crm")
    return {"Authorization": f"Bearer {text}"}


def access_log(
    app: Flask, recording_id: str = RECORDING, tenant: str = TENANT
) -> list[dict[str, Any]]:
    """A recording's events, with all that waits written; that a hearing began is left out."""
    inside(app).access_log.flush()
    events = inside(app).archive.access_log.events(tenant, recording_id)
    return [event for event in events if event["event"] != "began"]


def address_name(app: Flask, address: str) -> str:
    """An address as the access log names it."""
    return inside(app).addresses.of(address)
