"""A recording's waveform: the one that was archived with it, else drawn now from its audio."""

from __future__ import annotations

from typing import cast

from addon.analysis.peaks import Peaks
from addon.archive.archive import Archive
from addon.errors import KeyMissing, NotStored
from addon.playback.decoding import SampleReader
from addon.playback.player import Player
from addon.web.schemas import Waveform


def waveform_of(archive: Archive, player: Player, tenant: str, recording_id: str) -> Waveform:
    """An audiowaveform document, version 2.

    Raises NotStored, Withheld, NotPlayable where nothing here decodes it, KeyMissing, Tampered.
    """
    player.audible(tenant, recording_id)
    return _archived(archive, tenant, recording_id) or _drawn(player, tenant, recording_id)


def _archived(archive: Archive, tenant: str, recording_id: str) -> Waveform | None:
    try:
        document = archive.analysis(tenant, recording_id)
    except (NotStored, KeyMissing):
        return None
    found: Waveform | None = (document.get("result") or {}).get("waveform")
    return found


def _drawn(player: Player, tenant: str, recording_id: str) -> Waveform:
    reader = SampleReader(player.open(tenant, recording_id))
    peaks = Peaks(reader.index.rate, reader.index.channels)
    for samples in reader.floats():
        peaks.add(samples)
    peaks.finish()
    return cast(Waveform, peaks.as_waveform())
