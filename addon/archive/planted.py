"""Objects of the store that are not ours, named in the log: somebody else can write to the store.

Such an object counts as absent, so that it can neither stop a request nor hide a recording.
"""

from __future__ import annotations

from addon import log
from addon.bounded_cache import BoundedCache

REPORTED = 4096
"""Objects that are remembered: each is named once in the life of a process."""

logger = log.get("planted")


class PlantedObjects:
    """Reports each planted object once, as an alarm."""

    def __init__(self) -> None:
        self._reported: BoundedCache[str, bool] = BoundedCache(REPORTED)

    def report(self, object_key: str, reason: str) -> None:
        """Name an object and the reason why it is not believed."""
        if self._reported.get(object_key):
            return
        self._reported.put(object_key, True)
        logger.error(
            "a stored object is not ours and counts as absent",
            alarm=True,
            object=object_key,
            reason=reason,
        )
