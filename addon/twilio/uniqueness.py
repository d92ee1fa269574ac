"""Tells whether what a signature covers belongs to one request alone.

The Marketplace gives every request a callback of its own (spec/protocol 1.1), so its signature can
be of one request only. But a callback may be empty or always the same, and then genuine requests
share a signature: none of them may be refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from addon.twilio.invocation import Invocation

_SID = re.compile(r"(?<![0-9A-Za-z])(?:XR|MR)[0-9a-fA-F]{32}(?![0-9A-Za-z])", re.ASCII)

LEAST = 16
"""Characters of an identifier; fewer may stand in an address by chance."""

_TOKEN = re.compile(
    rf"[0-9A-Za-z]{{{LEAST},}}|[0-9a-fA-F]{{8}}(?:-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}}",
    re.ASCII,
)
"""Text that nobody writes by hand: letters and digits in a row, or a UUID."""

_CONSTANT_SID = re.compile(r"(?:AC|SK|X[BCDE])[0-9a-fA-F]{32}", re.ASCII)
"""SIDs of an account, a key, an add-on or an install: they are the same in many requests."""

LEAST_DIGITS = 2
"""Of a token; a word has none, and a year in it is beside letters of one."""


def belongs_to_one_request(invocation: Invocation, signed: Iterable[str]) -> bool:
    """True where a value that is signed names its request, or a URL in it has a token.

    `signed` are the values of all signed fields.
    """
    sid = invocation.request_sid
    if any((len(sid) >= LEAST and sid in value) or _SID.search(value) for value in signed):
        return True
    return any(map(_has_token, (invocation.callback, invocation.audio_url or "")))


def _has_token(url: str) -> bool:
    """True for a URL with a token behind its host."""
    path = url.partition("://")[2].partition("/")[2]
    return any(
        sum(map(str.isdigit, token)) >= LEAST_DIGITS
        for token in _TOKEN.findall(_CONSTANT_SID.sub("", path))
    )
