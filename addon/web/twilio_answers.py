"""Errors as Twilio is told of them: by status alone, but for what can never succeed.

A forgery is 403 and anything of ours that fails 503, so that Twilio asks again.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Response as FlaskResponse
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from addon import log
from addon.errors import AddonError, Forged, Rejected, Unavailable
from addon.metrics import declarations
from addon.sparing_log import SparingLogger
from addon.web.context import context
from addon.web.error_answers import Audience

logger = log.get("twilio")
sparing_logger = SparingLogger("twilio")


def audience(rejection: Callable[[Rejected], Response]) -> Audience:
    """Twilio, as a view is called by it that answers `rejection` to what can never succeed."""

    def form(error: AddonError) -> Response:
        context().buffered_counters.count(declarations.REJECTIONS, type(error).__name__)
        if isinstance(error, Rejected):
            logger.warning("rejected", code=error.code, reason=error.message)
            return rejection(error)
        if isinstance(error, Forged):
            sparing_logger.warning("refused", reason=error.message)
            return FlaskResponse(status=403)
        return FlaskResponse(status=503)

    def http(error: HTTPException) -> Response:
        return answers.answer(Unavailable(f"the request cannot be read ({error.code})"))

    answers = Audience(form, http)
    return answers
