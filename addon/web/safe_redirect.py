"""Redirect targets after a sign-in, restricted to paths of this service."""

from __future__ import annotations

import re
from urllib.parse import urlencode

HOME = "/recordings"

_OWN_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]{0,1000}", re.ASCII)
"""One slash first, no backslash, printable ASCII: a browser takes `//` and `/\\` for a host."""


def safe_path(wanted: str | None) -> str:
    """`wanted` where it is a path of ours, else the list of recordings."""
    return wanted if wanted and _OWN_PATH.fullmatch(wanted) else HOME


def sign_in_path(here: str) -> str:
    """The sign-in page's path, which leads back to the path `here`."""
    return f"/login?{urlencode({'next': safe_path(here)}, safe='/')}"
