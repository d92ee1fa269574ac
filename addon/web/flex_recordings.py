"""`/flex/recording-status`: takes recordingStatusCallback from Twilio (spec/protocol 4.1).

A completed recording becomes a request as durable as any, and only then is the callback answered
204; Twilio asks once, so what cannot be kept just now is answered 503 and found again by the
reconciliation. Nothing that a stranger sends may be believed, or end in a 500.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime

from flask import Blueprint, Response, request
from werkzeug.datastructures import MultiDict

from addon import log
from addon.errors import Forged, Rejected
from addon.metrics import declarations
from addon.requests import acceptance
from addon.requests.request import Request
from addon.twilio import field_forms, multipart
from addon.twilio.multipart import Body
from addon.twilio.sids import is_token
from addon.twilio.status_callback import IN_PROGRESS, StatusCallback
from addon.web import problems, signed, twilio_answers
from addon.web.context import context
from addon.web.openapi.operations import PROBLEM, Answer, Operation
from addon.web.schemas import Problem

PATH = "/flex/recording-status"

FROM_QUERY = ("task_sid", "reservation_sid")
"""What a plugin may put into the callback URL, which Twilio signs with everything else."""

blueprint = Blueprint("flex_recordings", __name__)
logger = log.get("flex")


@blueprint.route(PATH, methods=["POST", "GET"], strict_slashes=False)
@blueprint.route(f"{PATH}/", methods=["POST", "GET"], strict_slashes=False)
@Operation(
    "recordingStatus",
    "Twilio",
    {
        204: Answer("Kept, or nothing to do."),
        400: Answer("Signed, but no callback of a recording of ours.", Problem, (PROBLEM,)),
        403: Answer("The signature is missing or wrong."),
        503: Answer("It could not be kept; the reconciliation finds it."),
    },
    security="signature",
    also={"GET": ("recordingStatusByGet", "The same, where the callback is configured so")},
)
def recording_status() -> Response:
    """Twilio reports the status of a recording."""
    log.clear()
    body = _body()
    signed.verify(context(), request.environ, body, field_forms.STATUS_CALLBACK)
    _take(_callback(body))
    return Response(status=204)


def _body() -> Body:
    """Raises Forged also for a body that Twilio would never send."""
    signed.refuse_unsigned(context().settings, request.environ)
    try:
        return multipart.parse(request.environ, io.BytesIO, max_audio_bytes=0)
    except Rejected as error:
        raise Forged(error.message) from error


def _callback(body: Body) -> StatusCallback:
    query: MultiDict[str, str] = request.args
    fields = {name: query[name] for name in FROM_QUERY if name in query}
    given = query if request.method == "GET" else body.fields
    fields |= {name: value for name, value in given.items() if isinstance(value, str)}
    callback = StatusCallback.from_fields(
        fields, accounts={context().settings.twilio_account_sid}, now=datetime.now(UTC)
    )
    log.bind(request_sid=callback.recording_sid)
    return callback


def _take(callback: StatusCallback) -> None:
    """Make a request of a completed recording; note durably that another will never come."""
    if callback.fetchable:
        request_ = Request.flex(callback)
        fresh = acceptance.accept(context().intake_store, context().dispatcher, request_)
        if not fresh:
            context().buffered_counters.count(declarations.DUPLICATES)
        logger.info("accepted" if fresh else "known already")
    elif callback.status == IN_PROGRESS:
        logger.info("being recorded")
    else:
        _note(callback)


def _note(callback: StatusCallback) -> None:
    """One small object for each status but completed, which may still follow in any order."""
    status = callback.status if is_token(callback.status) else "unknown"
    noted = {
        "status": status,
        "error_code": callback.error_code,
        "received_at": callback.received_at.timestamp(),
        "tenant": callback.account_sid,
    }
    context().intake_store.record_outcome(f"{callback.recording_sid}.{status}", noted)
    logger.warning("no recording", status=status, error_code=callback.error_code)


def _rejection(error: Rejected) -> Response:
    """400 with the reason: Twilio does not send a callback again, and shows it in its debugger."""
    return problems.problem(400, error.message, error)


twilio_answers.audience(_rejection).listen_to(blueprint)
