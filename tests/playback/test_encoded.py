"""Downloads in another format: whole, playable, and broken off where the archive fails."""

from __future__ import annotations

import io

import pytest
import soundfile

from addon.audio.encoding import ENCODERS
from addon.errors import NotPlayable, Tampered
from addon.playback.encoded import encoded
from tests.playback.sounds import InMemory, decoded, expected, file_of

KNOWN = sorted(ENCODERS)


def as_file(content: bytes, wanted: str) -> bytes:
    return b"".join(encoded(InMemory(content), wanted))


@pytest.mark.parametrize("kind", ["pcm16", "mu-law", "gsm", "flac"])
def test_flac_keeps_every_sample_and_knows_its_length(kind):
    content = file_of(70_001, kind=kind, channels=1)
    found = as_file(content, "flac")
    assert soundfile.info(io.BytesIO(found)).frames == 70_001
    assert (decoded(found)[0] == expected(content, 70_001)).all()


@pytest.mark.parametrize("wanted", ["mp3", "opus"])
@pytest.mark.parametrize(("rate", "channels"), [(8000, 2), (11_025, 1), (44_100, 1)])
def test_compressed_files_are_as_long_as_the_recording(wanted, rate, channels):
    content = file_of(rate, rate=rate, channels=channels)
    found, out_rate = decoded(as_file(content, wanted))
    assert found.shape[1] == channels
    assert len(found) / out_rate == pytest.approx(1.0, abs=1 / out_rate)
    assert out_rate in ENCODERS[wanted].rates


@pytest.mark.parametrize("wanted", KNOWN)
def test_it_is_sent_while_it_is_encoded(wanted):
    playable = InMemory(file_of(8000 * 60))
    blocks = encoded(playable, wanted)
    assert any(next(blocks) for _ in range(4))
    assert playable.reads[-1][1] == playable.length
    blocks.close()


@pytest.mark.parametrize("wanted", KNOWN)
def test_a_failure_on_the_way_is_raised(wanted):
    content = file_of(8000 * 30)
    playable = InMemory(content, fails_at=len(content) // 2, error=Tampered("changed"))
    with pytest.raises(Tampered):
        list(encoded(playable, wanted))


@pytest.mark.parametrize("wanted", KNOWN)
def test_what_nothing_decodes_is_refused_at_once(wanted):
    with pytest.raises(NotPlayable):
        encoded(InMemory(b"no audio"), wanted)


@pytest.mark.parametrize("wanted", KNOWN)
def test_an_empty_recording_is_refused_and_not_sent_as_a_file_that_nothing_opens(wanted):
    with pytest.raises(NotPlayable, match="no audio"):
        encoded(InMemory(file_of(0)), wanted)


def test_more_channels_than_a_format_takes_are_refused_at_once():
    content = file_of(800, channels=3)
    with pytest.raises(NotPlayable, match="2 channels"):
        encoded(InMemory(content), "mp3")
    assert decoded(as_file(content, "flac"))[0].shape == (800, 3)
