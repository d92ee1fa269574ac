"""Access log entries made from the current request: client address, link, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flask import request

from addon.errors import Withheld
from addon.playback.access_log import Access
from addon.playback.grants import Grant
from addon.web.context import Context, context

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MAX_FORWARDED = 64
"""An IPv6 address has 39 letters; the header is a stranger's to write where no proxy is."""


def access_from_request(tenant: str, recordings: tuple[str, ...], **facts: Any) -> Access:
    """The access that this request makes, from its client's address, which has a name there."""
    address = _address_names(context(), request.environ)
    return Access(tenant=tenant, recordings=recordings, address=address, **facts)


def access_by_link(
    context: Context, environ: WSGIEnvironment, grant: Grant, form: str | None = None
) -> Access:
    """The access of whoever presents a link. Raises StoreUnavailable for a call's parts."""
    return Access(
        tenant=grant.tenant,
        recordings=_recordings_of(context, grant),
        listener=grant.listener,
        right="link",
        address=_address_names(context, environ),
        purpose=grant.purpose,
        call_sid=grant.call_sid,
        grant=grant.nonce,
        form=form,
        clip_seconds=grant.clip and grant.clip.seconds,
    )


@contextmanager
def refusals_logged(access: Access) -> Iterator[None]:
    """Logs a refusal where the code inside raises Withheld."""
    try:
        yield
    except Withheld as error:
        context().access_log.denied(access, error.message)
        raise


def client_address() -> str:
    """The peer's address, and the last one of X-Forwarded-For: the nearest proxy wrote that."""
    return _address_of(request.environ)


def _recordings_of(context: Context, grant: Grant) -> tuple[str, ...]:
    """The recordings that a grant is for."""
    if grant.recording_id is not None:
        return (grant.recording_id,)
    return tuple(context.player.recordings_of(grant.tenant, grant.subject))


def _address_of(environ: WSGIEnvironment) -> str:
    peer = environ.get("REMOTE_ADDR") or "unknown"
    forwarded = environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    if not forwarded or not forwarded.isprintable():
        return peer
    return f"{forwarded[:MAX_FORWARDED]} via {peer}"


def _address_names(context: Context, environ: WSGIEnvironment) -> str:
    """As `client_address`, each address by its name."""
    names = context.addresses
    return " via ".join(names.of(one) for one in _address_of(environ).split(" via "))
