"""Downloads once: the first use of such a grant is remembered for as long as it could be used.

Redis alone decides, because every web process must agree; where it does not answer, nothing is
given out.
"""

from __future__ import annotations

import time

import redis
from redis.exceptions import RedisError

from addon.errors import GrantExpired, QueueUnavailable
from addon.playback.grants import Grant

SLACK_S = 60
"""StoredResult a little longer than the grant: clocks of two machines may differ."""


class SingleUse:
    """Which grants have been used up."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection

    def claim(self, grant: Grant) -> None:
        """Use a grant up. Raises GrantExpired where it was, QueueUnavailable without Redis."""
        lasts = max(grant.expires - int(time.time()), 0) + SLACK_S
        try:
            first = self._redis.set(f"grant-used:{grant.nonce}", b"1", nx=True, ex=lasts)
        except RedisError as error:
            raise QueueUnavailable("single-use links cannot be checked just now") from error
        if not first:
            raise GrantExpired("this download link was used already")
