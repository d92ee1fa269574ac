"""Tells browsers to come by https alone, where the service is public by https (RFC 6797).

Nothing is said of subdomains: they may be somebody else's.
"""

from __future__ import annotations

from flask import Flask, Response

HEADER, VALUE = "Strict-Transport-Security", "max-age=31536000"
"""A year, counted anew with each answer."""


def apply(app: Flask, public_url: str) -> None:
    """Give every answer the header, unless `public_url` is http."""
    if public_url.startswith("https://"):
        app.after_request(_with_header)


def _with_header(response: Response) -> Response:
    response.headers[HEADER] = VALUE
    return response
