"""Models, rules and packages are tried by loading them."""

from __future__ import annotations

import sys

import pytest

from tests.analysis.test_transcription import Scripted


def test_the_transcriber_is_loaded_and_every_language_tried(deployment, monkeypatch) -> None:
    tried = []

    class English(Scripted):
        def words(self, samples, hints):
            tried.append(hints.language)
            if hints.language not in (None, "en"):
                raise ValueError(hints.language)
            return super().words(samples, hints)

    monkeypatch.setattr("addon.checks.packages.open_transcriber", lambda _: English())
    assert deployment.found("transcriber", TRANSCRIBER_LANGUAGE="en") == []
    assert tried == [None, "en"]
    (found,) = deployment.found("transcriber", TRANSCRIBER_LANGUAGE="auto,XD1=xx")
    assert "the model does not know the language xx" in found


def test_a_missing_extra_is_found(deployment, monkeypatch, tmp_path) -> None:
    for name in ("model.bin", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"")
    for name in ("faster_whisper", "sentry_sdk", "opentelemetry.exporter"):
        monkeypatch.setitem(sys.modules, name, None)
    (found,) = deployment.found("transcriber", TRANSCRIBER=f"whisper:{tmp_path}")
    assert "TRANSCRIBER is set, but the packages of" in found
    changes = {"SENTRY_DSN": "https://a@b.example/1", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://a.b"}
    sentry, tracing = deployment.found("extras", **changes)
    assert "pip install -r requirements/sentry.txt" in sentry
    assert "pip install -r requirements/tracing.txt" in tracing


def test_a_model_that_cannot_be_loaded_is_found(deployment, tmp_path) -> None:
    pytest.importorskip("faster_whisper")
    for name in ("model.bin", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"no model")
    (found,) = deployment.found("transcriber", TRANSCRIBER=f"whisper:{tmp_path}")
    assert "cannot be loaded" in found
