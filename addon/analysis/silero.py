"""Silero's 8 kHz speech detector as plain numpy: about three times faster than one call a window.

The convolutions of many windows become a few matrix products; only the recurrent layer runs
window by window, all channels at once. The state is carried from block to block, so the block
size never changes the answer. It must stay equal to the published graph: a test compares them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from addon.analysis.levels import slow_basis
from addon.analysis.weights import Tensors, silero_8k
from addon.audio.decoders import Floats

#: Samples that give one probability, and the samples before them that the network also sees.
WINDOW = 256
CONTEXT = 32
RATE_HZ = 8000
#: The high-pass: movements slower than this, by so many vectors for a frame of so many samples.
#: An offset falls by 118 dB, 50 and 60 Hz by 51, 100 and 120 Hz by 39, 150 Hz by 13, 200 Hz by 1.
SLOW_BELOW_HERTZ = 120
SLOW_VECTORS = {128: 7, 96: 6}
_HALF = np.float32(0.5)
_FFT, _HOP, _BINS, _UNITS = 128, 64, 65, 128
#: Windows convolved at once: the matrices stay within a core's second-level cache.
_BATCH = 128
#: A batch holds no speech where no window of it is more probable than this.
_IDLE_BELOW = 0.05
_FADING = np.float32(0.5)


@dataclass(frozen=True)
class _Layers:
    """The weights, turned so that every layer is `rows @ matrix + bias`."""

    stft: Floats
    stft_last: Floats
    conv: tuple[tuple[Floats, Floats], ...]
    gates_in: tuple[Floats, Floats]
    gates_back: Floats
    out: tuple[Floats, np.float32]

    @classmethod
    @cache
    def load(cls, *, high_pass: bool) -> _Layers:
        """The weights as the passes below want them: transposed, gates in order.

        Loaded once for each process; nobody writes to them.
        """
        w = silero_8k()
        basis = w["stft.forward_basis_buffer"][:, 0, :]
        last = _fold_reflection(basis)
        if high_pass:
            basis, last = _without_slow(basis), _without_slow(last)
        order = _gate_order()
        # sigmoid(x) = (tanh(x / 2) + 1) / 2: halved weights let one tanh serve all four gates.
        scale = np.repeat(np.array([0.5, 0.5, 0.5, 1.0], np.float32), _UNITS)
        bias = (w["decoder.rnn.bias_ih"] + w["decoder.rnn.bias_hh"])[order] * scale
        return cls(
            stft=_matrix(basis),
            stft_last=_matrix(last),
            conv=tuple(_convolutions(w)),
            gates_in=(_matrix(w["decoder.rnn.weight_ih"][order] * scale[:, None]), bias),
            gates_back=_matrix(w["decoder.rnn.weight_hh"][order] * scale[:, None]),
            out=(w["decoder.decoder.2.weight"].reshape(-1), w["decoder.decoder.2.bias"][0]),
        )


class Silero:
    """Speech probabilities of `channels` parallel 8 kHz channels, block after block.

    Unless it is to be `as_published`, it does not hear an offset, mains hum or rumble, which is a
    matter of the first layer's weights and costs nothing, and its memory fades while nobody speaks:
    music and reverberation make it deaf for a long time otherwise (decision 0210).
    """

    def __init__(self, channels: int, *, as_published: bool = False) -> None:
        self._layers = _Layers.load(high_pass=not as_published)
        self._fades = not as_published
        self._windows = 0
        self._highest = np.zeros(channels, np.float32)
        self._context = np.zeros((channels, CONTEXT), np.float32)
        self._hidden = np.zeros((channels, _UNITS), np.float32)
        self._cell = np.zeros((channels, _UNITS), np.float32)

    def probabilities(self, samples: Floats) -> Floats:
        """(channels, windows) for `samples` of (channels, windows * WINDOW), full scale 1.0."""
        heard = np.concatenate([self._context, samples], axis=1)
        self._context = heard[:, -CONTEXT:].copy()
        windows = samples.shape[1] // WINDOW
        result = np.empty((samples.shape[0], windows), np.float32)
        first = 0
        while first < windows:
            last = min(first + _BATCH - self._windows % _BATCH, windows)
            gates = self._encode(heard[:, first * WINDOW : last * WINDOW + CONTEXT])
            result[:, first:last] = self._recur(gates)
            self._count(result[:, first:last])
            first = last
        return result

    def _count(self, probabilities: Floats) -> None:
        """After every whole batch without speech on a channel, its memory fades."""
        self._windows += probabilities.shape[1]
        self._highest = np.maximum(self._highest, probabilities.max(axis=1))
        if self._windows % _BATCH == 0:
            if self._fades:
                idle = self._highest < _IDLE_BELOW
                self._hidden[idle] *= _FADING
                self._cell[idle] *= _FADING
            self._highest[:] = 0

    def _encode(self, heard: Floats) -> Floats:
        """The recurrent layer's input, (windows, 4 gates, channels, units)."""
        layers = self._layers
        channels, windows = heard.shape[0], heard.shape[1] // WINDOW
        rows = _convolve_spectrum(layers, _spectrum(layers, heard), channels * windows)
        weights, bias = layers.gates_in
        gates = (rows @ weights + bias).reshape(channels, windows, 4, _UNITS)
        return np.ascontiguousarray(gates.transpose(1, 2, 0, 3))

    def _recur(self, gates: Floats) -> Floats:
        """Step through the windows; every operand is contiguous, which halves the loop's time."""
        hidden, cell, back = self._hidden, self._cell, self._layers.gates_back
        states = np.empty((len(gates), *hidden.shape), np.float32)
        product = np.empty((len(hidden), 4 * _UNITS), np.float32)
        recurrent = product.reshape(-1, 4, _UNITS).transpose(1, 0, 2)
        gate = np.empty_like(gates[0])
        sigmoids, (enter, forget, leave, update) = gate[:3], gate
        for step, incoming in enumerate(gates):
            # One vector product a channel: for so few rows twice as fast as a matrix product.
            for row, out in zip(hidden, product, strict=True):
                np.dot(row, back, out)
            np.tanh(np.add(recurrent, incoming, gate), gate)
            np.add(np.multiply(sigmoids, _HALF, sigmoids), _HALF, sigmoids)
            np.multiply(cell, forget, cell)
            np.add(cell, np.multiply(enter, update, enter), cell)
            hidden = states[step]
            np.multiply(np.tanh(cell, hidden), leave, hidden)
        self._hidden = hidden.copy()
        weights, bias = self._layers.out
        logits = np.maximum(states, 0) @ weights + bias
        return np.ascontiguousarray((1 / (1 + np.exp(-logits))).T)


def _spectrum(layers: _Layers, heard: Floats) -> Floats:
    """Magnitudes of the four frames of each window, (channels * windows, 4, bins)."""
    channels, windows = heard.shape[0], heard.shape[1] // WINDOW
    frames = np.lib.stride_tricks.sliding_window_view(
        np.pad(heard, ((0, 0), (0, CONTEXT))), _FFT, axis=1
    )[:, ::_HOP][:, : 4 * windows].reshape(channels, windows, 4, _FFT)
    parts = np.empty((channels * windows, 4, 2 * _BINS), np.float32)
    whole = np.ascontiguousarray(frames[:, :, :3]).reshape(-1, _FFT)
    parts[:, :3] = (whole @ layers.stft).reshape(-1, 3, 2 * _BINS)
    tail = np.ascontiguousarray(frames[:, :, 3, : _FFT - CONTEXT]).reshape(-1, _FFT - CONTEXT)
    parts[:, 3] = tail @ layers.stft_last
    np.square(parts, out=parts)
    magnitude: Floats = np.sqrt(parts[:, :, :_BINS] + parts[:, :, _BINS:])
    return magnitude


def _convolve_spectrum(layers: _Layers, spectrum: Floats, rows: int) -> Floats:
    """Four convolutions over the frames of each window, (rows, units)."""
    padded = np.zeros((rows, 6, _BINS), np.float32)
    padded[:, 1:5] = spectrum
    taps = np.lib.stride_tricks.sliding_window_view(padded, 3, axis=1).transpose(0, 1, 3, 2)
    first = _dense(taps.reshape(rows * 4, 3 * _BINS), layers.conv[0])
    padded = np.zeros((rows, 5, _UNITS), np.float32)
    padded[:, 1:] = first.reshape(rows, 4, _UNITS)
    taps = np.stack([padded[:, 0:3], padded[:, 2:5]], axis=1)
    second = _dense(taps.reshape(rows * 2, 3 * _UNITS), layers.conv[1])
    third = _dense(second.reshape(rows, -1), layers.conv[2])
    return _dense(third, layers.conv[3])


def _dense(rows: Floats, layer: tuple[Floats, Floats]) -> Floats:
    result: Floats = rows @ layer[0]
    result += layer[1]
    return np.maximum(result, 0, out=result)


def _convolutions(w: Tensors) -> list[tuple[Floats, Floats]]:
    """Each convolution as one matrix over its taps, without taps that only ever meet padding."""
    kept = (slice(0, 3), slice(0, 3), slice(1, 3), slice(1, 2))
    layers = []
    for index, taps in enumerate(kept):
        weight = w[f"encoder.{index}.reparam_conv.weight"][:, :, taps]
        flat = weight.transpose(0, 2, 1).reshape(weight.shape[0], -1)
        layers.append((_matrix(flat), w[f"encoder.{index}.reparam_conv.bias"]))
    return layers


def _fold_reflection(basis: Floats) -> Floats:
    """The basis of a window's last frame: its final samples are the earlier ones mirrored."""
    real = _FFT - CONTEXT
    folded = basis[:, :real].copy()
    folded[:, real - 1 - CONTEXT : real - 1] += basis[:, real:][:, ::-1]
    return folded


def _without_slow(basis: Floats) -> Floats:
    """The basis of a frame from which what lies below the band of speech was taken out before."""
    vectors = SLOW_VECTORS[basis.shape[1]]
    slow = slow_basis(basis.shape[1], SLOW_BELOW_HERTZ, vectors, RATE_HZ)
    return (basis - (basis @ slow) @ slow.T).astype(np.float32)


def _gate_order() -> NDArray[np.intp]:
    """Rows as input, forget, output, update: the three sigmoid gates side by side."""
    enter, forget, update, leave = np.split(np.arange(4 * _UNITS), 4)
    return np.concatenate([enter, forget, leave, update])


def _matrix(rows: Floats) -> Floats:
    return np.ascontiguousarray(rows.T, dtype=np.float32)
