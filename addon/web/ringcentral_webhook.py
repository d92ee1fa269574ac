"""`/ringcentral/webhook`: takes notifications from RingCentral (spec/protocol 7.5).

An answer that is slow or not 200 suspends the subscription, perhaps for good, so a notification
that shows our token is answered at once whatever becomes of it. Nothing in it is believed.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from addon import log
from addon.errors import Forbidden, NotFound, QueueUnavailable
from addon.ringcentral import notifications
from addon.ringcentral.limits import Limits
from addon.ringcentral.notifications import Notifications
from addon.web.context import context

HANDSHAKES = "handshakes"
"""Under what name handshakes are counted: five a minute, of everybody together."""

blueprint = Blueprint("ringcentral_webhook", __name__)
logger = log.get("ringcentral")


@blueprint.post("/ringcentral/webhook")
def webhook() -> Response:
    """200 for a handshake that is expected and for a notification with our token; else 403."""
    settings = context().settings
    if settings.ringcentral_webhook_token is None:
        raise NotFound("RingCentral's notifications are not in use here")
    body, headers = request.stream.read(notifications.MAX_BODY + 1), dict(request.headers)
    echo = notifications.handshake(headers, has_body=bool(body))
    if echo is not None:
        return _shaken(echo)
    if not notifications.is_genuine(headers, settings.ringcentral_webhook_token):
        raise Forbidden("this is not from RingCentral")
    _note(body)
    return Response(status=200, content_type="application/json")


def _shaken(echo: str) -> Response:
    """Echo the text of a handshake. Raises Forbidden where none is expected."""
    noted = Notifications(context().redis)
    if not noted.expects_handshake():
        raise Forbidden("no subscription is being made")
    Limits(context().redis).take(HANDSHAKES, "Auth")
    response = Response(status=200, content_type="application/json")
    response.headers[notifications.HANDSHAKE_HEADER] = echo
    return response


def _note(body: bytes) -> None:
    """Remember the call; where that fails, the regular looks at the call log still find it."""
    call = notifications.ended_call(body) if len(body) <= notifications.MAX_BODY else None
    if call is None:
        return
    try:
        Notifications(context().redis).watch(call)
    except QueueUnavailable as error:
        logger.warning("a notification was not kept", reason=error.message)
