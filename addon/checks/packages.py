"""Checks of what settings ask for besides: models, packages and rule files, each by loading it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import numpy as np

from addon.analysis.rules import check_rules
from addon.analysis.whisper import open_transcriber
from addon.analysis.words import Hints
from addon.checks.finding import Finding, warning, wrong
from addon.settings import Settings

TRACING = "opentelemetry.exporter.otlp.proto.http.trace_exporter"


def transcriber(settings: Settings) -> Iterator[Finding]:
    """Load the model and let it hear a second of silence, in every language that is set.

    Raises SettingsError for a model or an extra that is missing.
    """
    opened = open_transcriber(settings.transcriber)
    if opened is None:
        return
    for code in sorted({"auto", *settings.transcriber_language.values()}):
        try:
            opened.words(np.zeros(8000, np.float32), Hints.of(code, ""))
        except ValueError:
            yield wrong(
                f"the model does not know the language {code} of TRANSCRIBER_LANGUAGE",
                "Correct the code, or name a model that knows the language.",
            )
        except RuntimeError:
            yield wrong(
                "the model that TRANSCRIBER names cannot be loaded",
                "Install it again: make setup WORDS=1.",
            )
            return


def rules(settings: Settings) -> Iterator[Finding]:
    """Every rule file can be read. Raises SettingsError."""
    check_rules(settings.rules, settings.flex_categories)
    yield from ()


def extras(settings: Settings) -> Iterator[Finding]:
    """The optional packages that settings need are installed."""
    needed = {
        "SENTRY_DSN": (settings.sentry_dsn, "sentry_sdk", "requirements/sentry.txt"),
        "OTEL_EXPORTER_OTLP_ENDPOINT": (
            settings.otel_exporter_otlp_endpoint,
            TRACING,
            "requirements/tracing.txt",
        ),
    }
    for name, (value, module, requirements) in needed.items():
        if value is not None and not _can_import(module):
            yield wrong(
                f"{name} is set, but its packages are missing", f"pip install -r {requirements}"
            )
    if settings.sentiment and not settings.transcriber:
        yield warning(
            "SENTIMENT is on, and without TRANSCRIBER there is no transcript to score",
            "Set TRANSCRIBER as well, or turn it off.",
        )


def _can_import(module: str) -> bool:
    try:
        import_module(module)
    except ImportError:
        return False
    return True
