"""The only door out of this process: every request we make to another host is made here.

A name is resolved once, every address it has is judged, and the connection goes to that very
address, so that what was checked is what is spoken to. It must never send credentials to an origin
its caller did not name, follow a redirect unseen, or read more than the caller asked for.
"""

from addon.outbound.client import (
    Bearer,
    Credentials,
    Outbound,
    Response,
    Timeouts,
)
from addon.outbound.origins import Origin, Origins, split

__all__ = [
    "Bearer",
    "Credentials",
    "Origin",
    "Origins",
    "Outbound",
    "Response",
    "Timeouts",
    "split",
]
