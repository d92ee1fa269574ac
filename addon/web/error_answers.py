"""The one way from an exception to an HTTP answer; an audience gives it its form.

Problem documents for programs are in `problems.py`, pages for people in `page_responses.py`, codes
and statuses for Twilio in `twilio_answers.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Flask
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from addon import log
from addon.errors import AddonError, KeyMissing, Tampered, Unavailable, UploadBroken
from addon.sparing_log import SparingLogger

STATUS_BY_CLASS = {Tampered: 502, KeyMissing: 503}
"""Where a listener is told more than "internal": the store's answer was bad, or no key is here."""

RETRY_AFTER_S = 1

logger = log.get("web")
sparing_logger = SparingLogger("web")


@dataclass(frozen=True)
class Audience:
    """One kind of caller. `form` answers an error of ours, `http` one of the framework's.

    An exception that nobody foresaw is logged, and answered as `unforeseen` without a word of it.
    """

    form: Callable[[AddonError], Response]
    http: Callable[[HTTPException], Response]
    unforeseen: type[AddonError] = Unavailable
    retry_after_s: float = RETRY_AFTER_S

    def listen_to(self, views: Flask | Blueprint) -> None:
        """Answer every exception of these views."""
        views.register_error_handler(AddonError, self.answer)
        views.register_error_handler(HTTPException, self.http)
        views.register_error_handler(Exception, self.answer_unforeseen)

    def answer(self, error: AddonError) -> Response:
        """An error of ours; where it is not for ever, with the time to wait."""
        response = self._answer(error)
        if isinstance(error, UploadBroken):
            sparing_logger.warning("not taken", code=error.code, reason=error.message)
        elif response.status_code >= 500:
            logger.error("not served", code=error.code, reason=error.message)
        return response

    def answer_unforeseen(self, _error: Exception) -> Response:
        """A defect of ours."""
        logger.exception("a request failed")
        return self._answer(self.unforeseen("this should not have happened"))

    def _answer(self, error: AddonError) -> Response:
        response = self.form(error)
        if response.status_code == 503:
            wait = math.ceil(error.retry_after or self.retry_after_s)
            response.headers["Retry-After"] = str(wait)
        return response


def status_of(error: AddonError) -> int:
    """The status of an error, for programs and for people."""
    by_class = (status for kind, status in STATUS_BY_CLASS.items() if isinstance(error, kind))
    return next(by_class, error.http_status)
