"""Refuses a form that another site, or another host of this site, has sent with a person's session.

The session's cookie is SameSite=Lax, so no other site's form carries it; hosts of the same site are
told by Sec-Fetch-Site (Fetch Metadata), and where a browser does not send that, by Origin.
"""

from __future__ import annotations

from flask import request

from addon.errors import Forbidden
from addon.web.context import context


def require_same_origin() -> None:
    """Raises Forbidden where this request was not made by a page of ours."""
    fetched_from = request.headers.get("Sec-Fetch-Site")
    if fetched_from is not None:
        is_ours = fetched_from == "same-origin"
    else:
        # "null": a form of a page whose policy names no referrer, as ours is, or a sandbox, which
        # the cookie does not go with.
        is_ours = request.headers.get("Origin", "null") in ("null", context().settings.public_url)
    if not is_ours:
        raise Forbidden("This was not sent from a page of this service")
