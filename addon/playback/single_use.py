"""Single use of download links: the first use is remembered in Redis until the link expires.

Redis decides, because every web process must agree; where it does not answer, nothing is given
out.
"""

from __future__ import annotations

import time

import redis

from addon.errors import GrantExpired
from addon.playback.grants import Grant
from addon.redis_errors import as_unavailable
from addon.redis_keys import GRANT_USED

SLACK_S = 60
"""Kept a little longer than the grant: clocks of two machines may differ."""


class SingleUse:
    """Record of the grants that were used."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection

    def claim(self, grant: Grant) -> None:
        """Use a grant up. Raises GrantExpired where it was, QueueUnavailable without Redis."""
        lasts = max(grant.expires - int(time.time()), 0) + SLACK_S
        with as_unavailable():
            first = self._redis.set(GRANT_USED + grant.nonce, b"1", nx=True, ex=lasts)
        if not first:
            raise GrantExpired("this download link was used already")
