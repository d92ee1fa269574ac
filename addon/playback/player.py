"""From an id to something that plays: which archived bytes, in which form.

The index is asked each time, so that what was erased is gone at once; only layouts are remembered,
which never change. Tenant and id come from a grant or a token's rights, never from a client alone.
"""

from __future__ import annotations

from addon.archive.archive import Archive
from addon.errors import NotFound
from addon.playback.grants import Grant
from addon.playback.sound import Recorded, Sound


class Player:
    """Finds what is to be played in an archive."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def recording(self, tenant: str, recording_id: str) -> Sound:
        """One recording. Raises NotStored, Tampered, KeyMissing, StoreUnavailable."""
        return Recorded(self._archive.open(tenant, recording_id))

    def granted(self, grant: Grant) -> Sound:
        """What a grant is for. Raises as `recording` does."""
        if grant.recording_id is None:
            raise NotFound("calls are not joined yet")
        return self.recording(grant.tenant, grant.recording_id)
