"""`POST /recording-analysis`: takes invocations from the Marketplace (spec/protocol 1).

Verified, made durable, queued, and only then answered 202 with no body. A request that can never
succeed is answered 200 with the error object, a forgery 403, and anything of ours that fails 503;
never anything else, whatever a stranger sends.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

from flask import Blueprint, Response, jsonify, request
from twilio.request_validator import SIGNATURE_HEADER

from addon import log
from addon.errors import Rejected, Replayed, UnknownInstall
from addon.metrics import declarations
from addon.requests import acceptance
from addon.requests.request import Request
from addon.requests.signature_uses import SignatureUse
from addon.twilio import field_forms, multipart
from addon.twilio.invocation import Invocation, check_headers
from addon.twilio.multipart import Body
from addon.twilio.signatures import public_request_url
from addon.twilio.uniqueness import belongs_to_one_request
from addon.web import signed, twilio_answers
from addon.web.connections.body import PendingBody
from addon.web.context import context
from addon.web.openapi.operations import Answer, Operation
from addon.web.schemas import Rejection
from addon.web.upload import Upload

blueprint = Blueprint("invocations", __name__)
logger = log.get("invocations")


@blueprint.post("/recording-analysis", strict_slashes=False)
@blueprint.post("/recording-analysis/", strict_slashes=False)
@Operation(
    "analyse",
    "Twilio",
    {
        200: Answer("It can never succeed.", Rejection),
        202: Answer("Durable; the result goes to the callback."),
        403: Answer("The signature is missing or wrong."),
        503: Answer("It could not be made durable; send it again."),
    },
    security="signature",
)
def recording_analysis() -> Response:
    """The Marketplace hands over a recording."""
    log.clear()
    signed.refuse_unsigned()
    _refuse_by_headers()
    with Upload() as upload:
        body = _parsed(upload)
        verified = signed.verify(body, field_forms.INVOCATION)
        invocation = _invocation(body)
        use = _signature_use(body, invocation) if verified else None
        if use is not None:
            _check_use(use)
        return _accepted(invocation, use, upload)


def _refuse_by_headers() -> None:
    """Refuse what can never be accepted, where its body is still on its way.

    A body that is here is verified first, and a forgery answered as such whatever it names.
    """
    if signed.enforced() and isinstance(request.environ["wsgi.input"], PendingBody):
        check_headers(request.headers, {context().settings.twilio_account_sid})


def _parsed(upload: Upload) -> Body:
    limit = context().settings.max_upload_bytes
    return multipart.parse(request.environ, lambda: upload, max_audio_bytes=limit)


def _invocation(body: Body) -> Invocation:
    settings = context().settings
    invocation = Invocation.from_fields(
        request.headers,
        body.fields,
        has_audio=body.audio is not None,
        accounts={settings.twilio_account_sid},
        now=datetime.now(UTC),
    )
    log.bind(request_sid=invocation.request_sid)
    if settings.known_installs and invocation.tenant not in settings.known_installs:
        raise UnknownInstall("the request names no install that is served here")
    if body.audio is None:
        return invocation
    return replace(invocation, size=float(body.audio.size))


def _signature_use(body: Body, invocation: Invocation) -> SignatureUse:
    """The use of the request's signature: everything that it does not cover goes with it."""
    settings, form = context().settings, body.form
    fields = [["", body.sha256]] if form is None else sorted(set(form.items(multi=True)))
    asked = [
        invocation.request_sid,
        invocation.install,
        invocation.configuration_sid,
        invocation.account_sid,
        public_request_url("", request.environ),
        fields,
    ]
    return SignatureUse.of(
        context().signature_uses.key,
        request.headers.get(SIGNATURE_HEADER, ""),
        asked,
        body.audio.sha256 if body.audio else invocation.audio_url or "",
        bound=settings.signature_reuse == "refuse"
        or belongs_to_one_request(invocation, map(str, body.fields.values())),
    )


def _check_use(use: SignatureUse) -> None:
    """Raises Replayed for the signature of another request; counts what comes again."""
    counters, settings = context().buffered_counters, context().settings
    verdict, bound = context().signature_uses.reserve(use)
    if verdict == "other audio":
        counters.count(declarations.SIGNATURES_REUSED, verdict)
        logger.error("a signature came again with another recording: the first one counts")
    elif verdict == "another request":
        refused = bound and settings.signature_reuse != "report" and signed.enforced()
        counters.count(declarations.SIGNATURES_REUSED, "refused" if refused else "let pass")
        if refused:
            raise Replayed("the signature was accepted before, for another request")
        logger.warning("a signature came again with another request", bound=bound)


def _accepted(invocation: Invocation, use: SignatureUse | None, upload: Upload) -> Response:
    started = time.monotonic()
    audio = upload if invocation.has_audio else ()
    asked = replace(Request.marketplace(invocation), signature=use)
    fresh = acceptance.accept(context().intake_store, context().dispatcher, asked, audio)
    if not fresh:
        context().buffered_counters.count(declarations.DUPLICATES)
    took = round((time.monotonic() - started) * 1000)
    logger.info("accepted" if fresh else "known already", milliseconds=took)
    return Response(status=202)


def _rejection(error: Rejected) -> Response:
    """The error object: the invocation can never succeed (spec/protocol 1.5)."""
    rejection: Rejection = {
        "status": "failed",
        "code": error.code,
        "message": f"{error.message}. {error.remedy}",
        "request_sid": request.headers.get("X-Twilio-RequestSid"),
    }
    return jsonify(rejection)


twilio_answers.audience(_rejection).listen_to(blueprint)
