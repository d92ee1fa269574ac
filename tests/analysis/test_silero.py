"""The numpy detector against the published graph, run by onnxruntime."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from addon.analysis import weights
from addon.analysis.silero import CONTEXT, WINDOW, Silero
from addon.errors import SettingsError
from tests.analysis.calls import converse, with_noise

WINDOWS = 700


@pytest.fixture(scope="module")
def heard() -> np.ndarray:
    return with_noise(converse(30, 4), 15).samples[:, : WINDOWS * WINDOW]


@pytest.fixture(scope="module")
def expected(heard) -> np.ndarray:
    """What the graph answers, window by window."""
    onnxruntime = pytest.importorskip("onnxruntime")
    package = find_spec("silero_vad").submodule_search_locations[0]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    path = Path(package) / "data" / weights.CHECKPOINT
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    state, context = np.zeros((2, 2, 128), np.float32), np.zeros((2, CONTEXT), np.float32)
    answers = []
    for window in heard.reshape(2, -1, WINDOW).transpose(1, 0, 2):
        feed = {"input": np.concatenate([context, window], axis=1), "state": state}
        answer, state = session.run(None, feed | {"sr": np.array(8000)})
        context = window[:, -CONTEXT:]
        answers.append(answer[:, 0])
    return np.array(answers).T


def test_equals_the_published_graph(heard, expected):
    assert 0.2 < (expected > 0.5).mean() < 0.9
    assert np.abs(Silero(2, as_published=True).probabilities(heard) - expected).max() < 1e-4


@pytest.mark.parametrize("cut", [1, 128, 333])
def test_the_block_size_changes_nothing(heard, expected, cut):
    detector = Silero(2, as_published=True)
    parts = [detector.probabilities(heard[:, : cut * WINDOW])]
    parts.append(detector.probabilities(heard[:, cut * WINDOW :]))
    assert np.abs(np.concatenate(parts, axis=1) - expected).max() < 1e-4


@pytest.mark.parametrize("cut", [1, 128, 333])
def test_the_block_size_does_not_matter_where_memory_fades(cut):
    heard = np.concatenate([converse(20, 4).samples, np.zeros((2, 160_000), np.float32)], axis=1)
    heard = heard[:, : heard.shape[1] // WINDOW * WINDOW]
    detector, whole = Silero(2), Silero(2).probabilities(heard)
    first = detector.probabilities(heard[:, : cut * WINDOW])
    rest = detector.probabilities(heard[:, cut * WINDOW :])
    assert np.abs(np.concatenate([first, rest], axis=1) - whole).max() < 1e-4


def test_channels_do_not_hear_each_other(heard, expected):
    alone = Silero(1, as_published=True).probabilities(heard[1:])
    assert np.abs(alone[0] - expected[1]).max() < 1e-4


def test_an_offset_and_hum_are_not_heard(heard):
    """A hundred times the level of speech, and the answer is that of the clean line."""
    time = np.arange(heard.shape[1]) / 8000
    hum = 0.3 * np.sin(2 * np.pi * 50 * time) + 0.2
    clean = Silero(2).probabilities(heard)
    faulty = Silero(2).probabilities((heard + hum).astype(np.float32))
    assert np.mean((clean > 0.5) != (faulty > 0.5)) < 0.01


def test_the_high_pass_leaves_speech_as_it_was(heard, expected):
    assert np.mean((Silero(2).probabilities(heard) > 0.5) != (expected > 0.5)) < 0.03


def test_reads_the_tensors_of_the_8_khz_branch():
    tensors = weights.silero_8k()
    assert tensors["stft.forward_basis_buffer"].shape == (130, 1, 128)
    assert tensors["decoder.rnn.weight_hh"].shape == (512, 128)
    assert all(tensor.dtype == np.float32 for tensor in tensors.values())
    assert all(np.isfinite(tensor).all() for tensor in tensors.values())


def test_a_missing_package_is_a_settings_error(monkeypatch):
    monkeypatch.setattr(weights, "find_spec", lambda _: None)
    weights.silero_8k.cache_clear()
    with pytest.raises(SettingsError, match="silero-vad"):
        weights.silero_8k()
    weights.silero_8k.cache_clear()
