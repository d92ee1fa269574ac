"""Decoding over verified bytes: exact from any frame on, and never past a failure."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import numpy as np
import pytest
import soundfile

from addon.errors import NotPlayable, StoreUnavailable, Tampered
from addon.playback.decoding import BLOCK_FRAMES, Decoder, VerifiedFile
from addon.playback.joined import Part, converted
from addon.playback.segments import Shape
from tests.playback.sounds import KINDS, InMemory, decoded, file_of

FRAMES = 2 * BLOCK_FRAMES + 1234


def of(content: bytes, first: int = 0, last: int | None = None) -> np.ndarray:
    return np.concatenate(list(Decoder(InMemory(content)).samples(first, last)))


@pytest.mark.parametrize("kind", KINDS)
def test_any_part_is_the_same_as_in_the_whole(kind):
    content = file_of(FRAMES, kind=kind, channels=1)
    everything = of(content)
    assert len(everything) == Decoder(InMemory(content)).frames
    for first, last in [(0, 5), (1000, 1001), (BLOCK_FRAMES - 7, BLOCK_FRAMES + 7), (50_001, None)]:
        assert (of(content, first, last) == everything[first:last]).all()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("mp3", "float", "pcm24")])
def test_the_samples_are_the_decoder_s_own(kind):
    content = file_of(FRAMES, kind=kind, channels=1)
    assert (of(content) == decoded(content)[0]).all()


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_a_float_recording_is_not_decoded_to_silence(subtype):
    wave = np.array([0.0, 0.5, -0.5, 1.0, -1.0, 3.0, np.nan])
    out = io.BytesIO()
    soundfile.write(out, wave, 8000, format="WAV", subtype=subtype)
    found = of(out.getvalue())[:, 0]
    assert found.tolist() == [0, 16384, -16384, 32767, -32768, 32767, 0]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind][0] == "WAV"])
def test_a_length_that_was_never_written_does_not_make_a_recording_empty(kind):
    content = file_of(FRAMES, kind=kind, channels=1)
    place = content.index(b"data") + 4
    streamed = content[:place] + bytes(4) + content[place + 4 :]
    assert (of(streamed) == of(content)).all()
    assert (of(streamed, 50_001) == of(content, 50_001)).all()


def test_an_empty_recording_stays_empty():
    assert Decoder(InMemory(file_of(0))).frames == 0


def test_a_seek_does_not_read_what_lies_before():
    content = file_of(400_000, kind="flac")
    sound = InMemory(content)
    decoder = Decoder(sound)
    sound.reads.clear()
    assert sum(len(block) for block in decoder.samples(399_000)) == 1000
    assert min(start for start, _ in sound.reads) > len(content) // 2


@pytest.mark.parametrize("error", [Tampered("changed"), StoreUnavailable("away")])
def test_a_failure_of_the_archive_is_raised_and_not_taken_for_the_end(error):
    sound = InMemory(file_of(FRAMES, kind="gsm", channels=1), fails_at=9000, error=error)
    blocks = Decoder(sound).samples()
    with pytest.raises(type(error)):
        list(blocks)


@pytest.mark.parametrize("kind", ["gsm", "mp3", "flac"])
def test_a_failure_while_it_is_opened_is_raised(kind):
    sound = InMemory(file_of(9000, kind=kind, channels=1), fails_at=0, error=Tampered("changed"))
    with pytest.raises(Tampered):
        Decoder(sound)


@pytest.mark.parametrize("content", [b"", b"no audio at all", bytes(5000)])
def test_what_nothing_decodes_is_not_playable(content):
    with pytest.raises(NotPlayable):
        Decoder(InMemory(content))


@pytest.mark.parametrize("kind", ["gsm", "flac"])
def test_what_a_damaged_file_lacks_is_silence(kind):
    content = file_of(FRAMES, kind=kind, channels=1)
    cut = content[: len(content) * 3 // 4]
    decoder = Decoder(InMemory(cut))
    found = np.concatenate(list(decoder.samples()))
    assert len(found) == decoder.frames
    assert (found[:BLOCK_FRAMES] == of(content)[:BLOCK_FRAMES]).all()


def test_a_file_can_be_read_and_sought_like_any_other():
    content = bytes(range(256)) * 40
    file, plain = VerifiedFile(InMemory(content)), io.BytesIO(content)
    for step in [(0, 0), (500, 0), (-100, 2), (7, 1), (0, 2), (3, 0), (-5000, 1)]:
        position = max(step[0] + {0: 0, 1: plain.tell(), 2: len(content)}[step[1]], 0)
        assert file.seek(*step) == plain.seek(position) == file.tell()
        buffered = io.BufferedReader(file, 64)
        assert buffered.read(333) == plain.read(333)
        file = buffered.detach()
        file.seek(plain.tell())


def test_reading_on_asks_the_archive_once():
    sound = InMemory(bytes(9000))
    file = VerifiedFile(sound)
    while file.read(100):
        pass
    assert sound.reads == [(0, 9000)]


def test_a_slow_store_holds_up_nobody_else():
    """One decoder waits for its first bytes while another is opened and read to its end."""
    waiting, go_on = threading.Event(), threading.Event()

    class Slow(InMemory):
        def read(self, start: int, stop: int):
            waiting.set()
            assert go_on.wait(30)
            return super().read(start, stop)

    content = file_of(100, kind="flac")
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(Decoder, Slow(content))
        assert waiting.wait(30)
        quick = pool.submit(of, content)
        try:
            assert len(quick.result(timeout=30)) == 100
        finally:
            go_on.set()
        assert slow.result().frames == 100


def test_a_decoder_can_read_through_another():
    content = file_of(4000, kind="gsm", channels=1)
    decoder = Decoder(InMemory(content))
    shape = Shape(decoder.rate, decoder.channels, decoder.frames)
    now = datetime(2026, 11, 20, tzinfo=UTC)
    sound = converted(Part(lambda: InMemory(content), "e", shape, None, now, now))
    again = np.concatenate(list(Decoder(sound).samples()))
    assert (again == of(content)).all()
