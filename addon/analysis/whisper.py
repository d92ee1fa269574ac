"""Transcripts by faster-whisper, from a model directory on this machine.

The model is never downloaded: without its files there is an error at the start, not a request.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from addon.analysis.whisper_model import installed_model
from addon.analysis.words import Hints, Transcriber, Word
from addon.audio.decoders import Floats
from addon.errors import SettingsError

_WHISPER_HZ = 16_000
_NAME, _PREFIX = "whisper", "whisper:"
#: Text that repeats itself is decoded anew. The library's own six tries, of five samples each, take
#: longer than the sound: a recorded announcement on hold would make any result late.
_TEMPERATURES = (0.0, 0.4)
_CONTINUES = ("-", "'", "’", ",", ".", ":", "%")
#: Without the tokenizer's file the library would download one.
_FILES = ("model.bin", "tokenizer.json")


@cache
def open_transcriber(setting: str | None) -> Transcriber | None:
    """The transcriber that TRANSCRIBER names; None where it is unset.

    `whisper` is the installed model, `whisper:/path/to/model` any other CTranslate2 directory.
    Raises SettingsError for another form, a missing model, or a missing extra.
    """
    if not setting:
        return None
    if setting == _NAME:
        return Whisper(installed_model())
    if not setting.startswith(_PREFIX):
        raise SettingsError("TRANSCRIBER must be whisper or of the form whisper:/path/to/model")
    return Whisper(Path(setting.removeprefix(_PREFIX)))


class Whisper:
    """A faster-whisper model, loaded at the first word it has to hear."""

    #: The small model on one slow core; measured anew with every recording.
    expected_rate = 0.3

    def __init__(self, model: Path, *, threads: int = 1) -> None:
        missing = [name for name in _FILES if not (model / name).is_file()]
        if missing:
            raise SettingsError(f"TRANSCRIBER names a directory without a {missing[0]}")
        self.name = f"faster-whisper {model.name}"
        self._path = model
        self._threads = threads

    @cached_property
    def _model(self) -> Any:
        try:
            from faster_whisper import WhisperModel
        except ImportError:
            raise SettingsError(
                "TRANSCRIBER is set, but the packages of requirements/whisper.txt are missing"
            ) from None
        logging.getLogger("faster_whisper").setLevel(logging.WARNING)  # it tells of every piece
        model = WhisperModel(
            str(self._path),
            device="cpu",
            compute_type="int8",
            cpu_threads=self._threads,
            local_files_only=True,
        )
        model.encode = _remembering(model.encode)
        return model

    def language(self, samples: Floats) -> str | None:
        """The language of mono samples at 8 kHz. To hear the same samples next costs less."""
        if not self._model.model.is_multilingual:
            return "en"
        features = self._model.feature_extractor(_resampled(samples))
        # Without the last frame, as the library transcribes: the encoder's answer is kept.
        code, _, _ = self._model.detect_language(features=features[..., :-1])
        return str(code)

    def words(self, samples: Floats, hints: Hints) -> Sequence[Word]:
        """The words in mono samples at 8 kHz, with times from their start."""
        heard, _ = self._model.transcribe(
            _resampled(samples),
            language=hints.language,
            hotwords=", ".join(hints.vocabulary) or None,
            beam_size=1,
            temperature=_TEMPERATURES,
            best_of=1,
            word_timestamps=True,
            condition_on_previous_text=False,
        )
        return _joined(
            Word(word.word, float(word.start), float(word.end), float(word.probability))
            for segment in heard
            for word in segment.words or []
        )


def _joined(words: Iterable[Word]) -> list[Word]:
    """The words, each with the parts that belong to it without a space: "half", "-hour"."""
    joined: list[Word] = []
    for word in words:
        if joined and word.text.startswith(_CONTINUES):
            before = joined[-1]
            joined[-1] = replace(before, text=before.text + word.text, stop=word.stop)
        else:
            joined.append(word)
    return joined


def _resampled(samples: Floats) -> Floats:
    import soxr

    resampled: Floats = soxr.resample(samples, 8000, _WHISPER_HZ)
    return resampled


def _remembering(encode: Callable[[Floats], Any]) -> Callable[[Floats], Any]:
    """The encoder with its last answer kept: to detect a language costs as much as to transcribe.

    The library encodes the same thirty seconds once for either.
    """
    last: list[tuple[Floats, Any]] = []

    def remembered(features: Floats) -> Any:
        if not last or not np.array_equal(last[0][0], features):
            last[:] = [(features, encode(features))]
        return last[0][1]

    return remembered
