"""Everything that the player gives is playable in the same way."""

from __future__ import annotations

import pytest

from tests.playback.sounds import CALL, RECORDING, TENANT, archived, file_of, whole


@pytest.mark.parametrize("kind", ["pcm16", "gsm"])
def test_an_archived_and_a_converted_recording_have_length_etag_and_format(archive, player, kind):
    archived(archive, file_of(1000, kind=kind, channels=1))
    playable = player.recording(TENANT, RECORDING)
    assert playable.format == "wav"
    assert len(playable.etag) == 32
    assert len(whole(playable)) == playable.length


def test_joined_recordings_have_them_too(archive, player):
    for name in ("RE1", "RE2"):
        archived(archive, file_of(1000), recording_id=name)
    playable = player.call(TENANT, CALL)
    assert (playable.format, len(playable.etag)) == ("wav", 32)
    assert b"".join(playable.read(10, 99)) == whole(playable)[10:99]
