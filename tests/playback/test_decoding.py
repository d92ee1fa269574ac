"""Decoding over verified bytes: exact from any frame on, and never past a failure."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import numpy as np
import pytest
import soundfile

from addon.audio.decoding import BLOCK_FRAMES
from addon.errors import NotPlayable, StoreUnavailable, Tampered
from addon.playback.decoding import SampleReader, VerifiedFile
from addon.playback.joined import CallPart, converted
from tests.playback.sounds import KINDS, InMemory, expected, file_of

FRAMES = 2 * BLOCK_FRAMES + 1234


def of(content: bytes, first: int = 0, last: int | None = None) -> np.ndarray:
    return np.concatenate(list(SampleReader(InMemory(content)).samples(first, last)))


@pytest.mark.parametrize("kind", KINDS)
def test_any_part_is_the_same_as_in_the_whole(kind):
    content = file_of(FRAMES, kind=kind, channels=1)
    everything = of(content)
    assert len(everything) == SampleReader(InMemory(content)).index.frames
    for first, last in [(0, 5), (1000, 1001), (BLOCK_FRAMES - 7, BLOCK_FRAMES + 7), (50_001, None)]:
        assert (of(content, first, last) == everything[first:last]).all()


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind not in ("mp3", "ogg", "ms", "float")]
)
def test_the_samples_are_the_decoder_s_own(kind):
    content = file_of(FRAMES, kind=kind, channels=1)
    found = of(content)
    assert len(found) >= FRAMES
    assert abs(found - expected(content, len(found)).astype(int)).max() <= (kind == "pcm24")


@pytest.mark.parametrize("kind", ["mp3", "ogg", "ms"])
def test_lossy_samples_are_near_those_of_another_decoder(kind):
    content = file_of(FRAMES, kind=kind, channels=1)
    found = of(content).astype(float)
    theirs = expected(content, len(found)).astype(float)
    assert len(found) == len(theirs) == FRAMES
    assert np.sqrt(((found - theirs) ** 2).mean()) < 80


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


def test_an_empty_recording_is_not_playable():
    with pytest.raises(NotPlayable, match="no audio"):
        SampleReader(InMemory(file_of(0)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_seek_does_not_read_what_lies_before(kind):
    content = file_of(1_000_000, kind=kind, channels=1)
    index = SampleReader(InMemory(content)).index
    playable = InMemory(content)
    reader = SampleReader(playable, index)
    playable.reads.clear()
    assert sum(len(block) for block in reader.samples(index.frames - 1000)) == 1000
    assert all(start > len(content) // 2 for start, _ in playable.reads)


@pytest.mark.parametrize("error", [Tampered("changed"), StoreUnavailable("away")])
def test_a_failure_of_the_archive_is_raised_and_not_taken_for_the_end(error):
    playable = InMemory(file_of(FRAMES, kind="gsm", channels=1), fails_at=9000, error=error)
    with pytest.raises(type(error)):
        list(SampleReader(playable).samples())


@pytest.mark.parametrize("kind", ["gsm", "mp3", "flac"])
def test_a_failure_while_it_is_opened_is_raised(kind):
    playable = InMemory(file_of(9000, kind=kind, channels=1), fails_at=0, error=Tampered("changed"))
    with pytest.raises(Tampered):
        SampleReader(playable)


@pytest.mark.parametrize("content", [b"", b"no audio at all", bytes(5000)])
def test_what_nothing_decodes_is_not_playable(content):
    with pytest.raises(NotPlayable):
        SampleReader(InMemory(content))


@pytest.mark.parametrize("kind", ["gsm", "flac", "mp3", "ogg"])
def test_what_is_left_of_a_damaged_file_is_read(kind):
    content = file_of(FRAMES, kind=kind, channels=1)
    cut = content[: len(content) * 3 // 4]
    reader = SampleReader(InMemory(cut))
    found = np.concatenate(list(reader.samples()))
    assert len(found) == reader.index.frames > FRAMES // 2
    assert (found[:BLOCK_FRAMES] == of(content)[:BLOCK_FRAMES]).all()


def test_a_failure_is_raised_again_by_every_later_read():
    file = VerifiedFile(InMemory(bytes(9000), fails_at=2000, error=Tampered("changed")))
    assert file.read(2000) == bytes(2000)
    for _ in range(2):
        with pytest.raises(Tampered):
            file.read(10)
    with pytest.raises(Tampered):
        file.check()


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


def test_a_source_that_ends_before_its_length_is_not_taken_for_a_whole_one():
    playable = InMemory(bytes(9000))
    playable.length = 9001
    file = VerifiedFile(playable)
    with pytest.raises(Tampered, match="before its length"):
        while file.read(4000):
            pass


def test_reading_on_asks_the_archive_once():
    playable = InMemory(bytes(9000))
    file = VerifiedFile(playable)
    while file.read(100):
        pass
    assert playable.reads == [(0, 9000)]


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
        slow = pool.submit(SampleReader, Slow(content))
        assert waiting.wait(30)
        quick = pool.submit(of, content)
        try:
            assert len(quick.result(timeout=30)) == 100
        finally:
            go_on.set()
        assert slow.result().index.frames == 100


def test_a_decoder_can_read_through_another():
    content = file_of(4000, kind="gsm", channels=1)
    index = SampleReader(InMemory(content)).index
    now = datetime(2026, 11, 20, tzinfo=UTC)
    place = (now, now, "RE1")
    part = CallPart("RE1", lambda: InMemory(content), "e", index, None, place, now)
    playable = converted(part)
    again = np.concatenate(list(SampleReader(playable).samples()))
    assert (again == of(content)).all()
