"""A joined file's other format, brought to that of its first part for the analysis."""

import numpy as np
import pytest

from addon.analysis.conversion import Converter, remixed
from addon.audio.wav_format import PCM, Format


@pytest.mark.parametrize(("rate", "target"), [(8000, 8000), (16000, 8000), (11025, 8000)])
@pytest.mark.parametrize("piece", [100, 7919])
def test_the_pieces_come_to_the_length_of_the_whole(rate, target, piece):
    sound = np.sin(np.arange(rate * 2) * 2 * np.pi * 440 / rate).astype(np.float32)[np.newaxis]
    converter, made = Converter(Format(PCM, 1, rate, 16), target, 2), []
    for at in range(0, sound.shape[1], piece):
        last = at + piece >= sound.shape[1]
        made.append(converter.add(sound[:, at : at + piece], last=last))
    whole = np.concatenate(made, axis=1)
    assert whole.shape == (2, 2 * target)
    expected = np.sin(np.arange(2 * target) * 2 * np.pi * 440 / target)
    assert np.abs(whole - expected)[:, 100:-100].max() < 0.01


def test_a_sound_of_one_sample_comes_out():
    made = Converter(Format(PCM, 1, 16000, 16), 8000, 1).add(np.ones((1, 1), np.float32), last=True)
    assert made.shape[1] <= 1


def test_one_channel_is_heard_on_all_and_many_lie_on_top():
    mono, four = np.full((1, 3), 0.25, np.float32), np.full((4, 3), 0.25, np.float32)
    assert (remixed(mono, 2) == 0.25).all() and remixed(mono, 2).shape == (2, 3)
    assert (remixed(four, 2) == 0.5).all()
    assert (remixed(four, 1) == 1.0).all()
    assert remixed(four, 4) is four


def test_what_lies_on_top_is_no_louder_than_full_scale():
    assert remixed(np.ones((4, 3), np.float32), 1).max() == 1.0
