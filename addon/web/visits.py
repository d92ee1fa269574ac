"""Who is at the door, for the trail: the request's part of a visit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import request

from addon.errors import Withheld
from addon.playback.grants import Grant
from addon.playback.listening import Visit
from addon.web.context import context

MAX_FORWARDED = 64
"""An IPv6 address has 39 letters; the header is a stranger's to write where no proxy is."""


def visit(tenant: str, recordings: tuple[str, ...], **facts: Any) -> Visit:
    """A visit from this request's address; behind a proxy, also the one that it saw."""
    return Visit(tenant=tenant, recordings=recordings, address=client(), **facts)


def of_grant(grant: Grant, form: str | None = None) -> Visit:
    """The visit of somebody who came with a grant. Raises StoreUnavailable for a call's parts."""
    return visit(
        grant.tenant,
        recordings_of(grant),
        listener=grant.listener,
        right="link",
        purpose=grant.purpose,
        call_sid=grant.call_sid,
        grant=grant.nonce,
        form=form,
    )


@contextmanager
def refusal_on_record(visit: Visit) -> Iterator[None]:
    """Around what may be withheld from the visitor: then the trail says that he was refused."""
    try:
        yield
    except Withheld as error:
        context().listening.denied(visit, error.message)
        raise


def recordings_of(grant: Grant) -> tuple[str, ...]:
    """The recordings that a grant is for."""
    if grant.recording_id is not None:
        return (grant.recording_id,)
    return tuple(context().player.recordings_of(grant.tenant, grant.subject))


def client() -> str:
    """The peer's address, and the last one of X-Forwarded-For: the nearest proxy wrote that."""
    peer = request.remote_addr or "unknown"
    forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    if not forwarded or not forwarded.isprintable():
        return peer
    return f"{forwarded[:MAX_FORWARDED]} via {peer}"
