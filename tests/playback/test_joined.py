"""Recordings joined on the fly: exact ranges, nothing decrypted that is not asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.errors import Tampered
from addon.playback.decoding import SampleReader
from addon.playback.joined import MAX_GAP_S, CallPart, converted, joined, stretches
from addon.playback.playability import playability_of
from tests.playback.sounds import InMemory, decoded, expected, file_of, whole

BEGAN = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def part(
    content: bytes, *, after_s: float | None = None, playable: InMemory | None = None
) -> CallPart:
    playable = playable or InMemory(content)
    index = SampleReader(InMemory(content)).index
    layout = playability_of(InMemory(content)).layout
    started_at = None if after_s is None else BEGAN + timedelta(seconds=after_s)
    return CallPart(
        "RE1",
        lambda: playable,
        str(hash(content)),
        index,
        layout,
        (started_at or BEGAN, BEGAN, ""),
        started_at,
    )


def ranges_agree(playable, edges: list[int]) -> None:
    everything = whole(playable)
    assert len(everything) == playable.length
    places = sorted(
        {max(0, min(edge + d, playable.length)) for edge in edges for d in (-3, -1, 0, 2)}
    )
    for start in places:
        for stop in places:
            if start < stop:
                assert b"".join(playable.read(start, stop)) == everything[start:stop]


@pytest.mark.parametrize("kind", ["pcm16", "pcm8", "mu-law", "a-law", "float"])
def test_parts_of_one_format_are_joined_untouched(kind):
    contents = [file_of(1000 + seed, kind=kind, seed=seed) for seed in (1, 2, 3)]
    playable = joined([part(content) for content in contents], "none")
    laid_end_to_end = np.concatenate([decoded(content)[0] for content in contents])
    assert (decoded(whole(playable))[0] == laid_end_to_end).all()
    frame = len(whole(playable)) // 3
    ranges_agree(playable, [0, 44, 58, frame, 2 * frame, playable.length])


def test_parts_of_different_kinds_become_pcm_of_the_best_of_them():
    contents = [
        file_of(4000, kind="mu-law", channels=1),
        file_of(8000, kind="pcm16", channels=2, rate=16_000),
        file_of(3000, kind="gsm", channels=1),
    ]
    playable = joined([part(content) for content in contents], "none")
    found, rate = decoded(whole(playable))
    gsm_frames = SampleReader(InMemory(contents[2])).index.frames
    assert (rate, found.shape) == (16_000, (8000 + 8000 + 2 * gsm_frames, 2))
    assert (found[8000:16_000] == decoded(contents[1])[0]).all()
    ranges_agree(playable, [0, 44, 44 + 8000 * 4, 44 + 16_000 * 4, playable.length])


def test_a_resampled_part_keeps_its_sound():
    quiet = file_of(8000, kind="pcm16", channels=1)
    playable = joined([part(quiet), part(file_of(100, rate=16_000, channels=1))], "none")
    found = decoded(whole(playable))[0][:16_000:2, 0].astype(float)
    original = decoded(quiet)[0][:, 0].astype(float)
    assert np.corrcoef(found[100:-100], original[100:-100])[0, 1] > 0.99


def test_a_resampled_part_gives_the_same_bytes_for_any_range():
    long = file_of(45 * 8000, kind="gsm", channels=1)
    playable = joined([part(long), part(file_of(100, rate=11_025, channels=1))], "none")
    ranges_agree(playable, [44, 44 + 2 * 20 * 11_025, 44 + 2 * 40 * 11_025, playable.length])


@pytest.mark.parametrize("kind", ["mp3", "ogg", "flac"])
def test_compressed_parts_give_the_same_bytes_for_any_range(kind):
    playable = joined([part(file_of(40_000, kind=kind)), part(file_of(500))], "none")
    ranges_agree(playable, [44, 44 + 4 * 32_768, 44 + 4 * 40_000, playable.length])


@pytest.mark.parametrize("kind", ["gsm", "ima", "ms"])
def test_what_browsers_do_not_play_is_converted_with_exact_ranges(kind):
    content = file_of(70_000, kind=kind, channels=1)
    playable = converted(part(content))
    found, rate = decoded(whole(playable))
    assert rate == 8000
    assert len(found) >= 70_000
    assert kind == "ms" or (found == expected(content, len(found))).all()
    assert playable.format == "wav"
    ranges_agree(playable, [0, 44, 44 + 65_536, 44 + 2 * 65_536, playable.length])


def test_only_parts_that_a_range_touches_are_opened():
    contents = [file_of(1000, seed=seed) for seed in (1, 2, 3)]
    sounds = [InMemory(content) for content in contents]
    one = joined([part(c, playable=s) for c, s in zip(contents, sounds, strict=True)], "none")
    b"".join(one.read(44 + 4000 + 100, 44 + 4000 + 300))
    assert [playable.reads for playable in sounds] == [[], [(144, 344)], []]
    b"".join(one.read(0, 44))
    assert [len(playable.reads) for playable in sounds] == [0, 1, 0]


def test_a_pause_is_silence_where_the_setting_says_so():
    first, second = file_of(8000, kind="mu-law"), file_of(8000, kind="mu-law", seed=2)
    parts = [part(first, after_s=0), part(second, after_s=1.5)]
    without, filled = joined(parts, "none"), joined(parts, "silence")
    found = decoded(whole(filled))[0]
    assert len(found) == 8000 + 4000 + 8000
    assert abs(found[8000:12_000].astype(int)).max() <= 8
    assert (found[12_000:] == decoded(second)[0]).all()
    assert len(decoded(whole(without))[0]) == 16_000
    assert without.etag != filled.etag
    ranges_agree(filled, [58 + 16_000, 58 + 24_000, filled.length])


@pytest.mark.parametrize("moments", [(None, 5.0), (0.0, None), (0.0, 0.5), (0.0, MAX_GAP_S + 2)])
def test_a_pause_that_is_not_known_or_not_possible_is_none(moments):
    parts = [part(file_of(8000), after_s=after) for after in moments]
    assert joined(parts, "silence").length == joined(parts, "none").length


def test_a_tampered_part_ends_the_whole():
    content = file_of(5000)
    broken = InMemory(content, fails_at=3000, error=Tampered("changed"))
    playable = joined([part(file_of(1000)), part(content, playable=broken)], "none")
    with pytest.raises(Tampered):
        whole(playable)
    assert b"".join(playable.read(0, 4044))


def test_the_etag_follows_from_the_parts_and_their_order():
    one, other = part(file_of(100)), part(file_of(100, seed=2))
    tags = {joined(parts, "none").etag for parts in ([one, other], [other, one], [one], [one, one])}
    assert len(tags) == 4
    assert joined([one, other], "none").etag in tags


CONTENTS = [file_of(n, kind="pcm8", channels=1, seed=n) for n in (3, 1, 7)]
JOINED = joined([part(content, after_s=i) for i, content in enumerate(CONTENTS)], "none")
EVERYTHING = whole(JOINED)


@settings(max_examples=60)
@given(st.integers(0, len(EVERYTHING)), st.integers(0, len(EVERYTHING)))
def test_any_range_of_a_small_join(start, stop):
    if start < stop:
        assert b"".join(JOINED.read(start, stop)) == EVERYTHING[start:stop]


@pytest.mark.parametrize(
    ("gaps", "expected"), [("none", [(0, 1), (1, 3)]), ("silence", [(0, 1), (5, 7)])]
)
def test_each_part_is_where_the_joined_file_has_it(gaps, expected):
    contents = [file_of(8000), file_of(16_000, seed=2)]
    parts = [part(contents[0], after_s=0), part(contents[1], after_s=5)]
    assert stretches(parts, gaps) == expected
    found = decoded(whole(joined(parts, gaps)))[0]
    for (start, stop), content in zip(expected, contents, strict=True):
        assert (found[start * 8000 : stop * 8000] == decoded(content)[0]).all()
