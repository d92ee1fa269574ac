"""Waveforms: the archived one, or one drawn from the audio."""

from __future__ import annotations

import numpy as np
import pytest

from tests.playback.sounds import archived, expected, file_of
from tests.web.api.recorded import CONTENT
from tests.web.playing import inside


def test_peaks_come_from_the_analysis(app, client, token):
    waveform = {
        "version": 2,
        "channels": 1,
        "sample_rate": 8000,
        "samples_per_pixel": 256,
        "bits": 8,
        "length": 1,
        "data": [-1, 1],
    }
    analysis = {"status": "successful", "result": {"waveform": waveform}}
    archived(inside(app).archive, CONTENT, recording_id="REdrawn", analysis=analysis)
    answer = client.get("/api/v1/recordings/REdrawn/peaks", headers=token)
    assert answer.get_json() == waveform


@pytest.mark.parametrize("kind", ["pcm16", "gsm", "mp3"])
def test_peaks_are_drawn_where_there_are_none(app, client, token, kind):
    content = file_of(20_000, kind=kind, channels=1)
    archived(inside(app).archive, content, recording_id="REbare")
    found = client.get("/api/v1/recordings/REbare/peaks", headers=token).get_json()
    samples = expected(content, 20_000)[:, 0]
    first = samples[: found["samples_per_pixel"]]
    assert found["data"][:2] == pytest.approx([first.min() / 256, first.max() / 256], abs=2)
    assert found["length"] == -(-len(samples) // found["samples_per_pixel"])
    assert np.abs(found["data"]).max() > 20


def test_what_has_no_sound_has_no_peaks(app, client, token):
    archived(inside(app).archive, b"no audio", recording_id="REnone", format="unknown")
    assert client.get("/api/v1/recordings/REnone/peaks", headers=token).status_code == 422
