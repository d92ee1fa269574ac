"""The API token of a request, and the recordings that it reaches.

Another install's recording must look exactly like one that does not exist; that it was asked for is
written into its access log.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import current_app, g, request

from addon.errors import AddonError, InvalidParameter, NotFound, NotStored, Unauthenticated
from addon.playback.access_log import Access
from addon.playback.tokens import Token
from addon.web.access_log import access_from_request
from addon.web.context import context
from addon.web.openapi.operations import Operation

_NO_OPERATION = Operation("", "")


def require_token() -> None:
    """Refuse a request without a valid token before anything else of it is looked at.

    The token must be for the operation's scope. Raises Unauthenticated, Forbidden,
    StoreUnavailable.
    """
    if request.method != "OPTIONS":
        shown = token()
        view = current_app.view_functions.get(request.endpoint or "")
        shown.require(getattr(view, "operation", _NO_OPERATION).scope)


def token() -> Token:
    """The token of this request, looked for once. Raises Unauthenticated, StoreUnavailable."""
    if "api_token" not in g:
        try:
            g.api_token = _shown_token()
        except AddonError as error:
            g.api_token = error
    found: Token | AddonError = g.api_token
    if isinstance(found, AddonError):
        raise found
    return found


def valid_caller() -> str | None:
    """The name of this request's token, which is of its digest; None without a valid one."""
    try:
        return token().name
    except AddonError:
        return None


def _shown_token() -> Token:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("a token is needed: Authorization: Bearer …")
    return context().tokens.find(text.strip())


def holder_of(recording_id: str, asked: str | None) -> str:
    """The tenant that holds a recording, as far as the token reaches; `asked` names one of several.

    Raises Unauthenticated, NotFound, InvalidParameter where several hold it, StoreUnavailable.
    """
    shown = token()
    try:
        holders = context().archive.find(recording_id)
    except NotStored:
        holders = ()
    mine = [one for one in holders if shown.admits(one) and asked in (None, one)]
    if not mine:
        _note_denial(recording_id, holders)
        raise NotFound("there is no such recording")
    if len(mine) > 1:
        raise InvalidParameter("install: several installs hold this recording, name one")
    return mine[0]


def within_token(lifetime_s: int) -> int:
    """The seconds that something lives for: no longer than the token that makes it."""
    end = token().expires_at
    if end is None:
        return lifetime_s
    left = (end - datetime.now(UTC)).total_seconds()
    return min(lifetime_s, max(1, int(left)))


def tenant(asked: str | None) -> str:
    """The one install that is asked about. Raises NotFound, InvalidParameter, Unauthenticated."""
    shown = token()
    if shown.install is None and asked is None:
        raise InvalidParameter("install: a token for every install has to name one here")
    if asked is not None and not shown.admits(asked):
        raise NotFound("there is no such install")
    return asked or shown.install or ""


def api_access(tenant: str, recordings: tuple[str, ...], **facts: Any) -> Access:
    """The access of the holder of this request's token."""
    shown = token()
    label = f"{shown.label} ({shown.name})" if shown.label else shown.name
    return access_from_request(tenant, recordings, listener=label, right="API token", **facts)


def _note_denial(recording_id: str, holders: tuple[str, ...]) -> None:
    for one in holders:
        if not token().admits(one):
            context().access_log.denied(
                api_access(one, (recording_id,)), "a token of another install"
            )
