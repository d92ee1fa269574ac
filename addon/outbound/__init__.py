"""Outgoing requests: every request to another host is made by this package.

A name is resolved once, all of its addresses are checked, and the connection goes to a checked
address. Credentials never go to an origin that the caller did not name, no redirect is followed
unchecked, and no more is read than the caller asked for.
"""

from addon.outbound.client import (
    Bearer,
    Credentials,
    Outbound,
    Response,
    Timeouts,
    errors_as,
)
from addon.outbound.kept import KeptConnections
from addon.outbound.origins import Origin, Origins, split

__all__ = [
    "Bearer",
    "Credentials",
    "KeptConnections",
    "Origin",
    "Origins",
    "Outbound",
    "Response",
    "Timeouts",
    "errors_as",
    "split",
]
