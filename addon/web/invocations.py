"""`POST /recording-analysis`: takes invocations from the Marketplace (spec/protocol 1).

Verified, made durable, queued, and only then answered 202 with no body. A request that can never
succeed is answered 200 with the error object, a forgery 403, and anything of ours that fails 503;
never anything else, whatever a stranger sends. It is answered before Flask (decision 0509), but
for monitor mode, whose diagnosis hangs on Flask's answer.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Blueprint, Response, jsonify, request
from twilio.request_validator import SIGNATURE_HEADER
from werkzeug.datastructures import EnvironHeaders

from addon import log
from addon.errors import Rejected, Replayed, UnknownInstall
from addon.metrics import declarations
from addon.requests import acceptance
from addon.requests.request import Request
from addon.requests.signature_uses import SignatureUse
from addon.twilio import field_forms, multipart
from addon.twilio.invocation import Invocation, check_headers
from addon.twilio.multipart import Body
from addon.twilio.signatures import public_request_url, wsgi_name
from addon.twilio.uniqueness import belongs_to_one_request
from addon.web import signed, twilio_answers
from addon.web.connections.body import PendingBody
from addon.web.context import Context, context
from addon.web.direct_routes import PlainAnswer
from addon.web.openapi.operations import Answer, Operation
from addon.web.schemas import Rejection
from addon.web.upload import Upload

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

PATHS = ("/recording-analysis", "/recording-analysis/")

GATHER_S = 0.2
"""Seconds for which an invocation waits for others in an overload: results take seconds then, and
webhooks of Twilio's have 15 s (spec/protocol 4.5)."""

blueprint = Blueprint("invocations", __name__)
logger = log.get("invocations")


@blueprint.post(PATHS[0], strict_slashes=False)
@blueprint.post(PATHS[1], strict_slashes=False)
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
    return _answered(context(), request.environ).response()


def direct(context: Context, environ: WSGIEnvironment) -> PlainAnswer | None:
    """The same before Flask, where signatures are enforced."""
    usual = environ["REQUEST_METHOD"] == "POST" and environ["PATH_INFO"] in PATHS
    return _answered(context, environ) if usual and signed.enforced(context.settings) else None


def gather_s(context: Context) -> float:
    """Seconds for which an invocation may wait for others: none but in an overload, where the time
    of a core that accepting saves gives more results (decision 0014).
    """
    return GATHER_S if context.dispatcher.is_overloaded else 0.0


def _answered(context: Context, environ: WSGIEnvironment) -> PlainAnswer:
    """202 for a request that is durable. Raises what its audience answers in words of its own."""
    log.clear()
    signed.refuse_unsigned(context.settings, environ)
    _refuse_by_headers(context, environ)
    with Upload() as upload:
        limit = context.settings.max_upload_bytes
        body = multipart.parse(environ, lambda: upload, max_audio_bytes=limit)
        verified = signed.verify(context, environ, body, field_forms.INVOCATION)
        invocation = _invocation(context, environ, body)
        uses = _signature_uses(context, environ, body, invocation) if verified else ()
        if uses:
            _check_use(context, uses)
        _accept(context, invocation, uses[0] if uses else None, upload)
    return PlainAnswer(202, {"Content-Length": "0"})


def _refuse_by_headers(context: Context, environ: WSGIEnvironment) -> None:
    """Refuse what can never be accepted, where its body is still on its way.

    A body that is here is verified first, and a forgery answered as such whatever it names.
    """
    settings = context.settings
    if signed.enforced(settings) and isinstance(environ["wsgi.input"], PendingBody):
        check_headers(EnvironHeaders(environ), {settings.twilio_account_sid})


def _invocation(context: Context, environ: WSGIEnvironment, body: Body) -> Invocation:
    settings = context.settings
    invocation = Invocation.from_fields(
        EnvironHeaders(environ),
        body.fields,
        audio_bytes=None if body.audio is None else body.audio.size,
        accounts={settings.twilio_account_sid},
        now=datetime.now(UTC),
    )
    log.bind(request_sid=invocation.request_sid)
    if settings.known_installs and invocation.tenant not in settings.known_installs:
        raise UnknownInstall("the request names no install that is served here")
    return invocation


def _signature_uses(
    context: Context, environ: WSGIEnvironment, body: Body, invocation: Invocation
) -> tuple[SignatureUse, ...]:
    """The use of the request's signature under each key: what it does not cover goes with it."""
    settings, form = context.settings, body.form
    fields = [["", body.sha256]] if form is None else sorted(set(form.items(multi=True)))
    asked = [
        invocation.request_sid,
        invocation.install,
        invocation.configuration_sid,
        invocation.account_sid,
        public_request_url("", environ),
        fields,
    ]
    signature = environ.get(wsgi_name(SIGNATURE_HEADER), "")
    audio = body.audio.sha256 if body.audio else invocation.audio_url or ""
    bound = settings.signature_reuse == "refuse" or belongs_to_one_request(
        invocation, map(str, body.fields.values())
    )
    return tuple(
        SignatureUse.of(key, signature, asked, audio, bound=bound)
        for key in context.signature_uses.keys
    )


def _check_use(context: Context, uses: Sequence[SignatureUse]) -> None:
    """Raises Replayed for the signature of another request; counts what comes again."""
    counters, settings = context.buffered_counters, context.settings
    verdict, bound = context.signature_uses.reserve(*uses)
    if verdict == "other audio":
        counters.count(declarations.SIGNATURES_REUSED, verdict)
        logger.error("a signature came again with another recording: the first one counts")
    elif verdict == "another request":
        enforced = signed.enforced(settings)
        refused = bound and settings.signature_reuse != "report" and enforced
        counters.count(declarations.SIGNATURES_REUSED, "refused" if refused else "let pass")
        if refused:
            raise Replayed("the signature was accepted before, for another request")
        logger.warning("a signature came again with another request", bound=bound)


def _accept(
    context: Context, invocation: Invocation, use: SignatureUse | None, upload: Upload
) -> None:
    started = time.monotonic()
    audio = upload if invocation.has_audio else ()
    asked = Request.marketplace(invocation, use)
    fresh = acceptance.accept(context.intake_store, context.dispatcher, asked, audio)
    if not fresh:
        context.buffered_counters.count(declarations.DUPLICATES)
    took = round((time.monotonic() - started) * 1000)
    logger.info("accepted" if fresh else "known already", milliseconds=took)


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
