"""Paths that a browser may be sent to after a sign-in: ours, whatever a link says."""

from __future__ import annotations

import re
from urllib.parse import urlencode

HOME = "/recordings"

_OWN_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]{0,1000}", re.ASCII)
"""One slash first, no backslash, printable ASCII: a browser takes `//` and `/\\` for a host."""


def own_path(wanted: str | None) -> str:
    """`wanted` where it is a path of ours, else the list: nobody is ever sent to another site."""
    return wanted if wanted and _OWN_PATH.fullmatch(wanted) else HOME


def sign_in_path(here: str) -> str:
    """Where a person without a session goes, to come back to the path `here`."""
    return f"/login?{urlencode({'next': own_path(here)}, safe='/')}"
