"""Transcripts by faster-whisper, from a model directory on this machine.

The model is never downloaded: without its files there is an error at the start, not a request.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from addon.analysis.transcription import Transcriber, Word
from addon.audio.decoders import Floats
from addon.errors import SettingsError

_WHISPER_HZ = 16_000
_PREFIX = "whisper:"


@cache
def open_transcriber(setting: str | None) -> Transcriber | None:
    """The transcriber that TRANSCRIBER names, `whisper:/path/to/model`; None where it is unset.

    Raises SettingsError for another form, a missing model, or a missing extra.
    """
    if not setting:
        return None
    if not setting.startswith(_PREFIX):
        raise SettingsError("TRANSCRIBER must be of the form whisper:/path/to/model")
    return Whisper(Path(setting.removeprefix(_PREFIX)))


class Whisper:
    """A faster-whisper model, loaded at the first word it has to hear."""

    #: The small model on one slow core; measured anew with every recording.
    expected_rate = 0.3

    def __init__(self, model: Path, *, language: str | None = None, threads: int = 1) -> None:
        if not (model / "model.bin").is_file():
            raise SettingsError("TRANSCRIBER names a directory without a model.bin")
        self.name = f"faster-whisper {model.name}"
        self._path = model
        self._language = language
        self._threads = threads

    @cached_property
    def _model(self) -> Any:
        try:
            from faster_whisper import WhisperModel
        except ImportError:
            raise SettingsError(
                "TRANSCRIBER is set, but the packages of requirements/whisper.txt are missing"
            ) from None
        return WhisperModel(
            str(self._path),
            device="cpu",
            compute_type="int8",
            cpu_threads=self._threads,
            local_files_only=True,
        )

    def words(self, samples: Floats) -> Sequence[Word]:
        """The words in mono samples at 8 kHz, with times from their start."""
        import soxr

        heard, _ = self._model.transcribe(
            soxr.resample(samples, 8000, _WHISPER_HZ),
            language=self._language,
            beam_size=1,
            word_timestamps=True,
            condition_on_previous_text=False,
        )
        return [
            Word(word.word, float(word.start), float(word.end), float(word.probability))
            for segment in heard
            for word in segment.words or []
        ]
