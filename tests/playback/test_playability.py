"""What browsers hear whole as it is, and what they get behind a header of ours."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from addon.errors import NotPlayable, Tampered
from addon.playback.decoding import SampleReader
from addon.playback.encoded import encoded
from addon.playback.playability import playability_of
from tests.audio.files import made, patched
from tests.playback.sounds import (
    CALL,
    RECORDING,
    TENANT,
    InMemory,
    archived,
    decoded,
    file_of,
    samples,
    whole,
)

PLAIN = file_of(8000, channels=1)
DATA = samples(8000, 1)[:, 0]


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content


def unpadded() -> bytes:
    """An odd chunk without its padding before the samples, and another behind them."""
    odd = chunk(b"LIST", b"odd")
    return PLAIN[:36] + odd + PLAIN[36:] + odd


def with_stale_lengths() -> bytes:
    return patched(patched(PLAIN, 4, struct.pack("<I", 2036)), 40, struct.pack("<I", 2000))


def of_wide_samples() -> bytes:
    """24 bits in the upper three of four bytes."""
    fmt = struct.pack("<HHIIHH", 1, 1, 8000, 32_000, 4, 24)
    content = chunk(b"fmt ", fmt) + chunk(b"data", (DATA.astype("<i4") << 16).tobytes())
    return b"RIFF" + struct.pack("<I", 4 + len(content)) + b"WAVE" + content


DIRTY = {
    "unpadded chunks": unpadded(),
    "two files": file_of(500, channels=1) + PLAIN,
    "stale lengths": with_stale_lengths(),
    "24 bits in 4 bytes": of_wide_samples(),
    "big-endian": made("rifx", DATA.astype(np.float32) / 32768),
    "two data chunks": PLAIN[:44] + PLAIN[44:] + chunk(b"data", PLAIN[44:]),
}


def ends_with(found: np.ndarray) -> bool:
    return bool((found[-8000:, 0] == DATA).all())


@pytest.mark.parametrize("name", DIRTY)
def test_a_wav_file_that_a_usual_player_would_not_hear_whole_gets_our_header(archive, player, name):
    archived(archive, DIRTY[name])
    content = whole(player.recording(TENANT, RECORDING))
    found, rate = decoded(content)
    assert rate == 8000 and ends_with(found)
    assert struct.unpack_from("<I", content, 4)[0] == len(content) - 8
    assert len(found) == SampleReader(InMemory(DIRTY[name])).index.frames


@pytest.mark.parametrize("name", DIRTY)
def test_it_is_converted_whole_too(archive, player, name):
    archived(archive, DIRTY[name])
    playable = player.recording(TENANT, RECORDING)
    found, _ = decoded(b"".join(encoded(playable, "flac")))
    assert ends_with(found)


@pytest.mark.parametrize("name", DIRTY)
def test_it_is_joined_whole_too(archive, player, name):
    archived(archive, file_of(500, channels=1), recording_id="RE1")
    archived(archive, DIRTY[name], recording_id="RE2")
    found, _ = decoded(whole(player.call(TENANT, CALL)))
    assert len(found) == 500 + SampleReader(InMemory(DIRTY[name])).index.frames
    assert any(ends_with(part) for part in (found, found[:-500]))


@pytest.mark.parametrize(
    "kind", ["amr", "aiff", "au", "caf", "w64", "g722", "g726", "mp3 in wav", "alac", "mp2"]
)
def test_kinds_that_browsers_do_not_play_become_wav(archive, player, kind):
    content = made(kind, 2.0)
    archived(archive, content, format="unknown")
    playable = player.recording(TENANT, RECORDING)
    found, rate = decoded(whole(playable))
    assert playable.format == "wav"
    assert 2.0 <= len(found) / rate < 2.3
    assert np.abs(found).max() > 8000


@pytest.mark.parametrize(
    "kind", ["mp3", "flac", "opus", "vorbis", "m4a", "webm", "adts", "pcm24", "float"]
)
def test_kinds_that_browsers_play_are_served_as_they_are(archive, player, kind):
    content = made(kind, 1.0)
    archived(archive, content, format="unknown")
    assert whole(player.recording(TENANT, RECORDING)) == content


@pytest.mark.parametrize("content", [b"#!AMR\n", b"FORM\0\0\0\x04AIFF", b"#!AMR\n" + b"\xff" * 99])
def test_what_cannot_be_converted_is_served_as_it_is(archive, player, content):
    archived(archive, content, format="unknown")
    assert whole(player.recording(TENANT, RECORDING)) == content


@pytest.mark.parametrize("kind", ["pcm16", "mp3", "amr", "m4a", "webm"])
@pytest.mark.parametrize("fails_at", [0, 2000])
def test_a_changed_byte_is_raised_and_never_taken_for_another_form(kind, fails_at):
    content = made(kind, 30.0)
    playable = InMemory(content, fails_at=fails_at, error=Tampered("changed"))
    with pytest.raises(Tampered):
        playability_of(playable)
        SampleReader(playable)


@pytest.mark.parametrize("content", [b"", b"RIFF", bytes(100), b"\xff" * 5000])
def test_what_is_no_audio_has_no_samples(content):
    assert playability_of(InMemory(content)).plays
    with pytest.raises(NotPlayable):
        SampleReader(InMemory(content))
