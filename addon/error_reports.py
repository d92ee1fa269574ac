"""Errors reported to Sentry, where its package is installed and SENTRY_DSN is set; else nothing.

A report says what failed and where in the code, with the request SID, and must never carry what was
sent to us, who sent it, or what a variable held.
"""

from __future__ import annotations

from typing import Any

from addon import log
from addon.errors import SettingsError
from addon.settings import Settings

EXTRA = "requirements/sentry.txt"

KEPT = frozenset(
    {"event_id", "timestamp", "platform", "level", "logger", "release", "environment", "sdk"}
    | {"exception", "message", "logentry", "tags", "fingerprint", "transaction", "type"}
)
"""What of an event is passed on: no request, user, extra, contexts or breadcrumbs."""


def configure(settings: Settings, **options: Any) -> None:
    """Start reporting in this process. Raises SettingsError where the extra is not installed."""
    if settings.sentry_dsn is None:
        return
    try:
        import sentry_sdk
    except ImportError:
        raise SettingsError(f"SENTRY_DSN is set, but {EXTRA} is not installed") from None
    sentry_sdk.init(
        dsn=settings.sentry_dsn,
        before_send=scrubbed,
        before_breadcrumb=lambda *_: None,
        include_local_variables=False,
        max_request_body_size="never",
        **options,
    )


def scrubbed(event: Any, _hint: dict[str, Any]) -> Any:
    """The part of an event that is passed on: the code's side, with URLs cut at their query."""
    kept = {name: value for name, value in event.items() if name in KEPT}
    if "logentry" in kept:
        said = kept["logentry"].get("formatted") or kept["logentry"].get("message") or ""
        kept["logentry"] = {"message": log.without_queries(str(said))}
    for exception in (kept.get("exception") or {}).get("values") or ():
        exception["value"] = log.without_queries(str(exception.get("value") or ""))
        for frame in (exception.get("stacktrace") or {}).get("frames") or ():
            frame.pop("vars", None)
    return kept
