"""Signing in on one's own machine, where no OpenID Connect issuer is set.

`flask serve` prints a link that works once. Its secret lies in a file that the owner of DATA_DIR
alone can read, and nowhere else; it must never open a service that other machines can reach.
"""

from __future__ import annotations

import contextlib
import ipaddress
import secrets
import time
from urllib.parse import urlencode, urlsplit

from addon.durable_files import write_file
from addon.errors import SettingsError
from addon.settings import Settings

FILE = "sign-in"
VALID_S = 24 * 3600
"""A link that was printed and never used is worth nothing the next day."""

PATH = "/login/local"


def local_sign_in_link(settings: Settings, to: str = "/recordings") -> str:
    """A fresh link that signs the owner of this machine in, once, and leads to the page `to`.

    Links printed before stop working. Raises SettingsError where people sign in otherwise, where
    PUBLIC_URL is not this machine's own, or where DATA_DIR cannot be written.
    """
    if not is_possible(settings):
        raise SettingsError(
            "OIDC_ISSUER is set, or PUBLIC_URL is not a loopback address: there is no local sign-in"
        )
    token = secrets.token_urlsafe(32)
    try:
        write_file(settings.data_dir / FILE, [token.encode("ascii")], replace=True)
    except OSError as error:
        raise SettingsError(f"DATA_DIR cannot be written: {error.strerror}") from None
    return f"{settings.public_url}{PATH}?{urlencode({'token': token, 'next': to}, safe='/')}"


def is_possible(settings: Settings) -> bool:
    """True where the owner signs in with a link: no issuer, an address of this machine only."""
    return settings.oidc_issuer is None and _is_loopback(urlsplit(settings.public_url).hostname)


def redeem(settings: Settings, token: str, caller: str | None) -> bool:
    """True if `token` is the one that was printed last; it is worth nothing afterwards."""
    if not is_possible(settings) or not _is_loopback(caller):
        return False
    path = settings.data_dir / FILE
    try:
        printed = path.read_text(encoding="ascii")
        too_old = time.time() - path.stat().st_mtime > VALID_S
    except (OSError, ValueError):
        return False
    if too_old or not secrets.compare_digest(printed.encode(), token.encode()):
        return False
    try:
        path.unlink()
    except OSError:
        return False  # somebody else was a moment quicker
    return True


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host or "").is_loopback
    return False
