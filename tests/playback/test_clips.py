"""Clips: cut on samples, the same bytes as in the whole, and nothing outside them opened."""

from __future__ import annotations

from datetime import timedelta

import pytest

from addon.errors import InvalidParameter, NotPlayable, Tampered
from addon.playback.clips import Clip, clip_name, cut
from addon.playback.decoding import SampleReader
from addon.playback.joined import converted, joined
from tests.archive.recordings import FACTS
from tests.playback.sounds import (
    CALL,
    RECORDING,
    TENANT,
    InMemory,
    archived,
    decoded,
    file_of,
    whole,
)
from tests.playback.test_joined import part, ranges_agree


@pytest.mark.parametrize("kind", ["pcm16", "pcm8", "mu-law", "a-law", "float", "gsm", "ima"])
def test_a_clip_is_the_samples_of_the_whole_between_its_times(kind):
    channels = 1 if kind == "gsm" else 2
    wav = converted(part(file_of(80_000, kind=kind, channels=channels)))
    found, rate = decoded(whole(cut(wav, Clip.of(1.25, 3.5))))
    everything, _ = decoded(whole(wav))
    assert (found == everything[round(1.25 * rate) : round(3.5 * rate)]).all()


def test_any_range_of_a_clip_is_as_in_the_whole_clip():
    clip = cut(converted(part(file_of(80_000))), Clip.of(0.001, 2))
    ranges_agree(clip, [0, 44, 1000, clip.length])


def test_a_clip_over_two_parts_of_a_call_holds_the_end_of_one_and_the_beginning_of_the_other():
    contents = [file_of(8000, seed=seed) for seed in (1, 2)]
    clip = cut(joined([part(content) for content in contents], "none"), Clip.of(0.5, 1.5))
    found = decoded(whole(clip))[0]
    assert (found[:4000] == decoded(contents[0])[0][4000:]).all()
    assert (found[4000:] == decoded(contents[1])[0][:4000]).all()


def test_a_clip_ends_with_the_recording_and_does_not_begin_behind_it():
    wav = converted(part(file_of(8000)))
    assert cut(wav, Clip.of(0.5, 60)).seconds == 0.5
    with pytest.raises(NotPlayable, match="before this clip begins"):
        cut(wav, Clip.of(1, 2))


def test_two_clips_of_one_recording_have_two_etags():
    wav = converted(part(file_of(8000)))
    assert cut(wav, Clip.of(0, 0.5)).etag != cut(wav, Clip.of(0, 0.6)).etag != wav.etag


@pytest.mark.parametrize(
    "times", [(1, 1), (2, 1), (-1, 1), (0, float("nan")), (0, float("inf")), (0.0001, 0.0002)]
)
def test_an_impossible_clip_is_refused(times):
    with pytest.raises(InvalidParameter):
        Clip.of(*times)


def test_a_clip_is_named_by_its_times():
    assert clip_name("RE1", Clip.of(192, 210.5)) == "RE1-192-210.5"
    assert clip_name("RE1", Clip.of(0, 10)) == "RE1-0-10"
    assert clip_name("RE1", None) == "RE1"


def test_a_clip_of_a_recording_and_of_a_call_come_out_of_the_archive(archive, player):
    later = FACTS.started_at + timedelta(minutes=1)
    archived(archive, file_of(8000))
    archived(archive, file_of(8000, seed=2), recording_id="RE1", started_at=later)
    assert decoded(whole(player.recording(TENANT, RECORDING, Clip.of(0.5, 1))))[0].shape == (
        4000,
        2,
    )
    assert decoded(whole(player.call(TENANT, CALL, Clip.of(0.5, 1.5))))[0].shape == (8000, 2)


def test_a_clip_with_a_byte_that_is_not_authentic_breaks_off():
    class Broken(InMemory):
        def read(self, start, stop):
            yield from super().read(start, min(stop, 70_000))
            if stop > 70_000:
                raise Tampered("not what was written")

    content = file_of(80_000)
    wav = converted(part(content, playable=Broken(content)))
    assert len(whole(cut(wav, Clip.of(0, 2)))) == 44 + 2 * 8000 * 4
    with pytest.raises(Tampered):
        whole(cut(wav, Clip.of(2, 4)))
    assert SampleReader(InMemory(content)).index.frames == 80_000
