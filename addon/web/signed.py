"""Check of Twilio's signature on a request: one that fails is refused, or in monitor mode let pass
and diagnosed.

A diagnosis is made after the answer and may neither delay nor fail a request; nothing of a
recording and no value of a field may reach it.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from flask import Response, after_this_request, request
from twilio.request_validator import SIGNATURE_HEADER, SIGNATURE_SETTINGS_HEADER
from werkzeug.datastructures import MultiDict
from werkzeug.http import parse_options_header

from addon import log
from addon.errors import Forged, InputMalformed
from addon.twilio.field_forms import Spelling, check_boundaries
from addon.twilio.multipart import Body
from addon.twilio.redaction import redacted
from addon.twilio.sids import is_token
from addon.twilio.signature_diagnostics import Diagnosis
from addon.twilio.signature_hypotheses import SignedRequest
from addon.twilio.signatures import Verdict, public_request_url
from addon.web.context import Context, context

_KINDS = {
    "multipart/form-data": "multipart",
    "application/x-www-form-urlencoded": "urlencoded",
    "application/json": "json",
}

HMAC_BYTES = (20, 32)
"""Of HMAC-SHA1, and of the HMAC-SHA256 that only a shared key may give (spec/protocol 3.1, 3.3)."""

logger = log.get("signatures")


def refuse_unsigned() -> None:
    """Before anything is read: a stranger's upload must cost nothing.

    Raises Forged where there is no signature, or what is sent as one cannot be any.
    """
    if not enforced():
        return
    signature = request.headers.get(SIGNATURE_HEADER)
    if signature is None:
        raise Forged("signature refused: no signature header")
    lengths = HMAC_BYTES if SIGNATURE_SETTINGS_HEADER in request.headers else HMAC_BYTES[:1]
    if _decoded_length(signature) not in lengths:
        raise Forged("signature refused: it has not the form of one")


def _decoded_length(signature: str) -> int | None:
    try:
        return len(base64.b64decode(signature, validate=True))
    except ValueError:
        return None


def verify(body: Body, spellings: Iterable[Spelling]) -> bool:
    """Raises Forged for what Twilio did not sign, InputMalformed for a form that may have been
    split anew; monitor mode lets both pass. `spellings` are the fields that have a meaning. False
    in monitor mode for a signature that is none."""
    verdict = context().verifier.check(request.environ, body.form, body.digest)
    if verdict.hypothesis == "fields" and body.form is not None:
        _check_boundaries(body.form, spellings)
    if enforced():
        if not verdict.valid:
            raise Forged(f"signature refused: {verdict.reason}")
        return True
    if not verdict.valid:
        _tell(verdict, body)
    if not verdict.valid or _kind(request.environ) == "multipart":
        _diagnose_afterwards(verdict, body)
    return verdict.valid


def _check_boundaries(form: MultiDict[str, str], spellings: Iterable[Spelling]) -> None:
    url = public_request_url(context().settings.public_url, request.environ)
    try:
        check_boundaries(url, form.items(multi=True), spellings)
    except InputMalformed as error:
        if enforced():
            raise
        logger.error("boundaries refused, but monitor mode lets it pass", reason=error.message)


def enforced() -> bool:
    """False in monitor mode, which lets everything pass."""
    return context().settings.signature_mode == "enforce"


def _tell(verdict: Verdict, body: Body) -> None:
    url = public_request_url(context().settings.public_url, request.environ)
    logger.error(
        "signature refused, but monitor mode lets it pass",
        reason=verdict.reason,
        covered=redacted(url, body.form),
    )


def _diagnose_afterwards(verdict: Verdict, body: Body) -> None:
    diagnosis = partial(_diagnose, context(), request.environ, body, verdict)

    def after(response: Response) -> Response:
        response.call_on_close(diagnosis)
        return response

    after_this_request(after)


def _diagnose(context: Context, environ: Mapping[str, Any], body: Body, verdict: Verdict) -> None:
    try:
        signed = SignedRequest.from_request(context.settings.public_url, environ, body)
        facts = {"at": time.time(), "request_sid": _sid(environ, body), "body": _kind(environ)}
        context.diagnostics.add(Diagnosis.of(signed, verdict, context.verifier, **facts))
    except Exception as error:
        # The answer is given; what a stranger sent may not end the thread that gave it.
        logger.warning("not diagnosed", kind=type(error).__name__)


def _kind(environ: Mapping[str, Any]) -> str:
    return _KINDS.get(parse_options_header(environ.get("CONTENT_TYPE"))[0], "other")


def _sid(environ: Mapping[str, Any], body: Body) -> str:
    """The request's SID in either surface's words, for finding it in the log."""
    given = environ.get("HTTP_X_TWILIO_REQUESTSID") or body.fields.get("RecordingSid")
    return given if isinstance(given, str) and is_token(given) else ""
