"""Checks Twilio's identifiers (spec/protocol 9), because they become keys of the store."""

from __future__ import annotations

import re

_SID = re.compile(r"[A-Z]{2}[0-9a-fA-F]{32}", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)

REQUEST = ("XR", "MR")
"""Prefixes of a Marketplace request: on the wire, and in the documentation (spec/protocol 1.3)."""

INSTALL = ("XD",)
CONFIGURATION = ("XE",)
"""Prefixes of the two headers that name a tenant of the Marketplace (spec/protocol 1.3)."""

RECORDING = ("RE",)
CALL = ("CA",)

_DOCUMENTED = re.compile(r"AC|C[AFHR]|G[ATX]|LY|MR|RE|SK|W[KRST]|X[BCDEFHR]")
"""Prefixes that name a certain kind of thing (spec/protocol 9), and the API key's."""

_RINGCENTRAL = "RC-"
"""The beginning of the names that this service gives to RingCentral's recordings and accounts."""


def is_sid(text: str, prefix: str = "") -> bool:
    """True for a SID: two capitals, which are `prefix` where it is given, and 32 hex digits."""
    return bool(_SID.fullmatch(text)) and text.startswith(prefix)


def is_token(text: str) -> bool:
    """True for a text that can name a request or a tenant: up to 64 letters safe in any key.

    Wider than a SID on purpose: the prefix of request SIDs is disputed (spec/protocol 1.3).
    """
    return bool(_TOKEN.fullmatch(text))


def may_name(text: str, *prefixes: str) -> bool:
    """True for a token that can name something whose SIDs have one of these prefixes.

    It must not have the form that names anything else, in capitals or small letters: a folder may
    not tell them apart. A prefix that nobody documents is let pass.
    """
    name = text.upper()
    if not is_token(text) or name.startswith(_RINGCENTRAL):
        return False
    return not is_sid(name) or name[:2] in prefixes or not _DOCUMENTED.match(name)
