"""A recording's waveform: the one that was archived with it, else drawn now from its audio."""

from __future__ import annotations

from typing import Any

import numpy as np

from addon.analysis.peaks import Peaks
from addon.archive.archive import Archive
from addon.errors import KeyMissing, NotStored
from addon.playback.decoding import Decoder
from addon.playback.sound import Recorded

Json = dict[str, Any]


def waveform_of(archive: Archive, tenant: str, recording_id: str) -> Json:
    """An audiowaveform document, version 2.

    Raises NotStored, NotPlayable where nothing here decodes it, KeyMissing, Tampered.
    """
    return _archived(archive, tenant, recording_id) or _drawn(archive, tenant, recording_id)


def _archived(archive: Archive, tenant: str, recording_id: str) -> Json | None:
    try:
        document = archive.analysis(tenant, recording_id)
    except (NotStored, KeyMissing):
        return None
    found: Json | None = (document.get("result") or {}).get("waveform")
    return found


def _drawn(archive: Archive, tenant: str, recording_id: str) -> Json:
    decoder = Decoder(Recorded(archive.open(tenant, recording_id)))
    peaks = Peaks(decoder.rate, decoder.channels)
    for samples in decoder.samples():
        peaks.add(samples.T.astype(np.float32) / np.float32(32768))
    peaks.finish()
    return peaks.as_waveform()
