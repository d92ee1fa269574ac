"""The signed-in user of a request, with the rights that the access policy gives now."""

from __future__ import annotations

from dataclasses import dataclass

from flask import g, request

from addon.archive import index
from addon.errors import Forbidden, NotFound, Unauthenticated
from addon.playback.policy import Rights
from addon.web.context import context
from addon.web.cookies import Cookies


@dataclass(frozen=True)
class User:
    """A signed-in user of the pages."""

    subject: str
    name: str
    rights: Rights

    def installs(self) -> tuple[str, ...]:
        """The installs whose recordings the person may know of, in order."""
        if self.rights.installs is not None:
            return tuple(sorted(self.rights.installs))
        return tuple(index.tenants(context().store))

    def holders(self, recording_id: str) -> tuple[str, ...]:
        """The installs that hold a recording, as far as the person may know. Raises NotFound."""
        found = tuple(filter(self.rights.admits, context().archive.find(recording_id)))
        if not found:
            raise NotFound("There is no recording by this name that you may listen to")
        return found


def current_user() -> User:
    """The person of this request. Raises Unauthenticated, Forbidden, QueueUnavailable."""
    if "current_user" not in g:
        g.current_user = _signed_in()
    found: User = g.current_user
    return found


def _signed_in() -> User:
    settings = context().settings
    token = Cookies.of(settings).session(request)
    session = context().sessions.find(token) if token else None
    if session is None:
        raise Unauthenticated("You are not signed in, or your session has ended")
    rights = context().policy(session.claims, settings)
    if not rights.listen:
        raise Forbidden("Your account may not listen to recordings here")
    return User(str(session.claims.get("sub", "")), session.user, rights)
