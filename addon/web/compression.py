"""Compression of pages, scripts and JSON on the way to the client (zstd, Brotli, gzip).

Audio is left alone: ranges count its bytes. No page holds a secret beside what a stranger sent, so
lengths tell nothing (BREACH): grants and sessions travel in redirects and cookies.
"""

from __future__ import annotations

from flask import Blueprint, Flask, Response
from flask_compress import Compress

MEDIA_TYPES = (
    *("text/html", "text/css", "text/javascript", "text/plain", "text/csv", "text/vtt"),
    *("application/json", "application/problem+json", "application/schema+json", "image/svg+xml"),
)

ALGORITHMS = ["zstd", "br", "gzip"]

SETTINGS = {
    "COMPRESS_REGISTER": False,  # not for every answer: blueprints ask for it
    "COMPRESS_MIMETYPES": MEDIA_TYPES,
    "COMPRESS_ALGORITHM": ALGORITHMS,
    "COMPRESS_ALGORITHM_STREAMING": ALGORITHMS,
    "COMPRESS_STREAMING_ENDPOINT_CONDITIONAL": ["pages.static"],
}

_compress = Compress()


def configure(app: Flask) -> None:
    """Set an app up for the blueprints that compress."""
    app.config.update(SETTINGS)
    _compress.init_app(app)


def apply(blueprint: Blueprint) -> None:
    """Compress what a blueprint answers, where the client takes it and it is worth it."""
    blueprint.after_request(_compressed)


def _compressed(response: Response) -> Response:
    """The same answer, compressed where its media type is one of `MEDIA_TYPES`."""
    return _compress.after_request(response) if response.mimetype in MEDIA_TYPES else response
