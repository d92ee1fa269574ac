"""Strict-Transport-Security: after one visit browsers never come without TLS (RFC 6797)."""

from __future__ import annotations

from flask import Flask, Response

HEADER = "Strict-Transport-Security"
ONE_YEAR = "max-age=31536000"
"""For this host alone: what else runs under its domain is not ours to decide."""


def headers(public_url: str) -> dict[str, str]:
    """The header of every answer, where people reach the service by https; else none."""
    return {HEADER: ONE_YEAR} if public_url.startswith("https://") else {}


def apply(app: Flask, public_url: str) -> None:
    """Send the header with every answer of Flask's."""
    if headers(public_url):
        app.after_request(_with_header)


def _with_header(response: Response) -> Response:
    response.headers.setdefault(HEADER, ONE_YEAR)
    return response
