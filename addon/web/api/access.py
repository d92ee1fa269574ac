"""Whose token is shown, and what exists for its holder.

What another install holds must look exactly like what nobody holds; that somebody asked for it is
written into the access log of what was asked for.
"""

from __future__ import annotations

from typing import Any

from flask import g, request

from addon.errors import InvalidParameter, NotFound, NotStored, Unauthenticated
from addon.playback.access_log import Access
from addon.playback.tokens import Token
from addon.web.access_log import access_from_request
from addon.web.context import context


def token() -> Token:
    """The token of this request. Raises Unauthenticated, StoreUnavailable."""
    if "api_token" not in g:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("a token is needed: Authorization: Bearer …")
        g.api_token = context().tokens.find(text.strip())
    found: Token = g.api_token
    return found


def holder_of(recording_id: str) -> str:
    """The tenant that holds a recording, as far as the token reaches.

    Raises Unauthenticated, NotFound, InvalidParameter where several hold it, StoreUnavailable.
    """
    shown, asked = token(), request.args.get("install")
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


def tenant() -> str:
    """The one install that is asked about. Raises NotFound, InvalidParameter, Unauthenticated."""
    shown, asked = token(), request.args.get("install")
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
