"""Checks Twilio's identifiers (spec/protocol 9), because they become keys of the store."""

from __future__ import annotations

import re

_SID = re.compile(r"[A-Z]{2}[0-9a-fA-F]{32}", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)


def is_sid(text: str, prefix: str = "") -> bool:
    """True for a SID: two capitals, which are `prefix` where it is given, and 32 hex digits."""
    return bool(_SID.fullmatch(text)) and text.startswith(prefix)


def is_token(text: str) -> bool:
    """True for a text that can name a request or a tenant: up to 64 letters safe in any key.

    Wider than a SID on purpose: the prefix of request SIDs is disputed (spec/protocol 1.3).
    """
    return bool(_TOKEN.fullmatch(text))
