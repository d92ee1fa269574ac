"""Requests, answers and results as text, short enough to read and exact enough to prove a finding.

A password that came with a result is left out; audio is shown by its length and first bytes.
"""

from __future__ import annotations

from collections.abc import Mapping

from addon.commands.marketplace import Callback
from addon.commands.sending import Answer, Prepared

SHOWN_BYTES = 400
"""Of a body: all of a usual form's fields, or a result's first keys."""


def of_request(request: Prepared) -> str:
    """The request line, all headers and the first bytes of the body."""
    return f"> POST {request.url}{_headers(request.headers)}\n{_body(request.body)}"


def of_answer(answer: Answer) -> str:
    """Status, headers and the first bytes of the body."""
    head = f"< {answer.status} after {answer.seconds:.3f} s{_headers(answer.headers)}"
    return f"{head}\n{_body(answer.body)}"


def of_post(post: Callback, since: float) -> str:
    """A posted result, the seconds since the clause began, and what it was answered."""
    headers = dict(post.headers)
    for name in [name for name in headers if name.lower() == "authorization"]:
        headers[name] = f"{'right' if post.authorised else 'wrong'} ({len(headers[name])} letters)"
    answered = "nothing" if post.status is None else post.status
    head = f"callback after {post.received_at - since:.3f} s, answered {answered}"
    return f"{head}\n> POST {post.path}{_headers(headers)}\n{_body(post.body)}"


def _headers(headers: Mapping[str, str]) -> str:
    return "".join(f"\n{name}: {value}" for name, value in headers.items())


def _body(body: bytes) -> str:
    if not body:
        return "[no body]"
    shown = repr(body[:SHOWN_BYTES])[2:-1]
    return f"[{len(body)} bytes] {shown}{'…' if len(body) > SHOWN_BYTES else ''}"
