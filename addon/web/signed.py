"""Check of Twilio's signature on a request: one that fails is refused, or in monitor mode let pass
and diagnosed.

A diagnosis is made after the answer and may neither delay nor fail a request; nothing of a
recording and no value of a field may reach it. It hangs on Flask's answer, so in monitor mode a
request has to be answered by a view of Flask's.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterable
from functools import partial

from flask import Response, after_this_request
from twilio.request_validator import SIGNATURE_HEADER, SIGNATURE_SETTINGS_HEADER
from werkzeug.datastructures import MultiDict
from werkzeug.http import parse_options_header

from addon import log
from addon.errors import Forged, InputMalformed
from addon.settings import Settings
from addon.twilio.field_forms import Spelling, check_boundaries
from addon.twilio.multipart import Body
from addon.twilio.redaction import redacted
from addon.twilio.sids import is_token
from addon.twilio.signature_diagnostics import Diagnosis
from addon.twilio.signature_hypotheses import SignedRequest
from addon.twilio.signatures import Environ, Verdict, public_request_url, wsgi_name
from addon.web.context import Context

_KINDS = {
    "multipart/form-data": "multipart",
    "application/x-www-form-urlencoded": "urlencoded",
    "application/json": "json",
}

HMAC_BYTES = (20, 32)
"""Of HMAC-SHA1, and of the HMAC-SHA256 that only a shared key may give (spec/protocol 3.1, 3.3)."""

logger = log.get("signatures")


def refuse_unsigned(settings: Settings, environ: Environ) -> None:
    """Before anything is read: a stranger's upload must cost nothing.

    Raises Forged where there is no signature, or what is sent as one cannot be any.
    """
    if not enforced(settings):
        return
    signature = environ.get(wsgi_name(SIGNATURE_HEADER))
    if signature is None:
        raise Forged("signature refused: no signature header")
    has_settings = wsgi_name(SIGNATURE_SETTINGS_HEADER) in environ
    lengths = HMAC_BYTES if has_settings else HMAC_BYTES[:1]
    if _decoded_length(signature) not in lengths:
        raise Forged("signature refused: it has not the form of one")


def _decoded_length(signature: str) -> int | None:
    try:
        return len(base64.b64decode(signature, validate=True))
    except ValueError:
        return None


def verify(context: Context, environ: Environ, body: Body, spellings: Iterable[Spelling]) -> bool:
    """Raises Forged for what Twilio did not sign, InputMalformed for a form that may have been
    split anew; monitor mode lets both pass. `spellings` are the fields that have a meaning. False
    in monitor mode for a signature that is none."""
    settings = context.settings
    verdict = context.verifier.check(environ, body.form, body.digest)
    if verdict.hypothesis == "fields" and body.form is not None:
        _check_boundaries(settings, verdict.url, body.form, spellings)
    if enforced(settings):
        if not verdict.valid:
            raise Forged(f"signature refused: {verdict.reason}")
        return True
    if not verdict.valid:
        _tell(settings, environ, verdict, body)
    if not verdict.valid or _kind(environ) == "multipart":
        _diagnose_afterwards(context, environ, body, verdict)
    return verdict.valid


def _check_boundaries(
    settings: Settings, url: str, form: MultiDict[str, str], spellings: Iterable[Spelling]
) -> None:
    try:
        check_boundaries(url, form.items(multi=True), spellings)
    except InputMalformed as error:
        if enforced(settings):
            raise
        logger.error("boundaries refused, but monitor mode lets it pass", reason=error.message)


def enforced(settings: Settings) -> bool:
    """False in monitor mode, which lets everything pass."""
    return settings.signature_mode == "enforce"


def _tell(settings: Settings, environ: Environ, verdict: Verdict, body: Body) -> None:
    url = public_request_url(settings.public_url, environ)
    logger.error(
        "signature refused, but monitor mode lets it pass",
        reason=verdict.reason,
        covered=redacted(url, body.form),
    )


def _diagnose_afterwards(context: Context, environ: Environ, body: Body, verdict: Verdict) -> None:
    diagnosis = partial(_diagnose, context, environ, body, verdict)

    def after(response: Response) -> Response:
        response.call_on_close(diagnosis)
        return response

    after_this_request(after)


def _diagnose(context: Context, environ: Environ, body: Body, verdict: Verdict) -> None:
    try:
        signed = SignedRequest.from_request(context.settings.public_url, environ, body)
        facts = {"at": time.time(), "request_sid": _sid(environ, body), "body": _kind(environ)}
        context.diagnostics.add(Diagnosis.of(signed, verdict, context.verifier, **facts))
    except Exception as error:
        # The answer is given; what a stranger sent may not end the thread that gave it.
        logger.warning("not diagnosed", kind=type(error).__name__)


def _kind(environ: Environ) -> str:
    return _KINDS.get(parse_options_header(environ.get("CONTENT_TYPE"))[0].lower(), "other")


def _sid(environ: Environ, body: Body) -> str:
    """The request's SID in either surface's words, for finding it in the log."""
    given = environ.get("HTTP_X_TWILIO_REQUESTSID") or body.fields.get("RecordingSid")
    return given if isinstance(given, str) and is_token(given) else ""
