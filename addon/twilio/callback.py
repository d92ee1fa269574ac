"""Posts a result to its callback once, and turns the answer into an outcome (spec/protocol 1.8).

The address came in a request: no redirect is followed, and only allowed hosts are posted to. The
job decides whether and when to try again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from urllib3.filepost import encode_multipart_formdata

from addon.errors import CallbackClosed, CallbackUnauthorised, CallbackUnavailable
from addon.outbound import Credentials, Outbound, Response, Timeouts, errors_as

CALLBACK_TIMEOUTS = Timeouts(connect=5, read=30, total=120)
"""The largest result over a slow line; a hanging host must not hold a worker longer."""

_BUSY = frozenset({408, 425, 429})

Style = Literal["json", "multipart"]


def post_result(
    url: str,
    document: Mapping[str, Any],
    *,
    outbound: Outbound,
    credentials: Sequence[Credentials],
    style: Style = "json",
) -> int:
    """One attempt to deliver; gives the 2xx status.

    401 and 403 are answered with the next credentials once. Raises CallbackUnavailable,
    CallbackUnauthorised, CallbackClosed.
    """
    body, content_type = encode(document, style)
    headers = {"Content-Type": content_type}
    status = 0
    for each in (*credentials[:2],) or (None,):
        with (
            errors_as(CallbackClosed, CallbackUnavailable),
            outbound.open(
                "POST",
                url,
                headers=headers,
                body=body,
                credentials=each,
                timeouts=CALLBACK_TIMEOUTS,
            ) as response,
        ):
            status = _accepted(response)
        if status not in (401, 403):
            return status
    raise CallbackUnauthorised(f"the callback answered {status}")


def _accepted(response: Response) -> int:
    """The status where it is 2xx, 401 or 403; every other raises."""
    status = response.status
    if 200 <= status < 300 or status in (401, 403):
        return status
    said = f"the callback answered {status}"
    if status in _BUSY or status >= 500:
        raise CallbackUnavailable(said, retry_after=response.retry_after)
    raise CallbackClosed(said)


def encode(document: Mapping[str, Any], style: Style = "json") -> tuple[bytes, str]:
    """The body and its content type. `multipart` is one partner's shape: the request SID, a status
    of ok or error, the message, and the document as a file (spec/protocol 1.8)."""
    body = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
    if style == "json":
        return body, "application/json"
    fields = {
        "request_sid": str(document.get("request_sid") or ""),
        "status": "ok" if document.get("status") == "successful" else "error",
        "message": str(document.get("message") or ""),
        "document": ("result.json", body, "application/json"),
    }
    return encode_multipart_formdata(fields)
