"""The query of an API request, checked: each fault is a 400 that names its parameter."""

from __future__ import annotations

import base64
import binascii
from datetime import date
from typing import TypeVar, get_args

from flask import request

from addon.errors import InvalidParameter
from addon.playback.encoded import EncodedFormat
from addon.playback.grants import MAX_LIFETIME_S, Purpose

DEFAULT_EXPIRES_S = 3600
DEFAULT_LIMIT = 50
MAX_LIMIT = 200
MAX_CURSOR = 512

Choice = TypeVar("Choice", bound=str)


def expires() -> int:
    """Seconds that a link is good for."""
    return _whole("expires", DEFAULT_EXPIRES_S, MAX_LIFETIME_S)


def limit() -> int:
    """Entries of a page."""
    return _whole("limit", DEFAULT_LIMIT, MAX_LIMIT)


def purpose() -> Purpose:
    """What a link is for; another format can only be downloaded."""
    default: Purpose = "listen" if encoded_format() is None else "download"
    return _choice("purpose", get_args(Purpose), default)


def encoded_format() -> EncodedFormat | None:
    """The format to convert to, None for the recording as it is."""
    known: tuple[EncodedFormat, ...] = get_args(EncodedFormat)
    return _choice("format", known, "flac") if "format" in request.args else None


def direct() -> bool:
    """Whether the ciphertext's own address is wanted."""
    return _choice("direct", ("0", "1"), "0") == "1"


def day() -> date | None:
    """A UTC day."""
    text = request.args.get("date")
    if text is None:
        return None
    try:
        found = date.fromisoformat(text)
        if found.isoformat() != text:
            raise ValueError
        return found
    except ValueError:
        raise InvalidParameter("date: not a day such as 2026-11-20") from None


def cursor() -> str | None:
    """Where a listing goes on: what `next_cursor` said, and nothing else."""
    text = request.args.get("cursor")
    if not text:
        return None
    try:
        if len(text) > MAX_CURSOR:
            raise ValueError
        return base64.b64decode(text.encode("ascii"), b"-_", validate=True).decode("ascii")
    except (ValueError, binascii.Error):
        raise InvalidParameter("cursor: not one that this API gave") from None


def opaque(place: str | None) -> str | None:
    """A cursor as the client gets it."""
    return place and base64.urlsafe_b64encode(place.encode()).decode("ascii")


def _whole(name: str, default: int, most: int) -> int:
    text = request.args.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not 1 <= int(text) <= most:
        raise InvalidParameter(f"{name}: not a whole number from 1 to {most}")
    return int(text)


def _choice(name: str, values: tuple[Choice, ...], default: Choice) -> Choice:
    text = request.args.get(name)
    if text is None:
        return default
    for value in values:
        if text == value:
            return value
    raise InvalidParameter(f"{name}: not one of {', '.join(values)}")
