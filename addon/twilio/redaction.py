"""Describes a signed URL and form by names and lengths (spec/protocol 3.2).

That is enough to see which proxy or mapping changed a request, and fit for a log or a support
ticket: no value leaves this module, and no name that may be one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from werkzeug.datastructures import MultiDict

Pairs = Iterable[tuple[str, str]]

SHOWN_CHARACTERS = 600
"""Some thirty fields; the rest is cut off, so that nothing that is stored grows."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.\-\[\]]{0,39}")
"""The form of a field's name; anything else may be a value in a name's place."""

_NUMBER = re.compile(r"\d{4}")
"""Four digits in a row may be part of a telephone number."""

_HOST = re.compile(r"(?!\d+(:|$))[A-Za-z0-9.-]{1,253}(:\d{1,5})?")


def redacted(url: str, fields: MultiDict[str, str] | None) -> str:
    """A URL and a form's fields on one line, sorted."""
    pairs = sorted((fields or MultiDict()).items(multi=True))
    return f"{redacted_url(url)} | {redacted_fields(pairs)}".rstrip()


def redacted_url(url: str) -> str:
    """A URL up to its path, then the query's names and lengths; a fragment is only counted."""
    rest, _, fragment = url.partition("#")
    place, mark, query = rest.partition("?")
    asked = [_asked(piece) for piece in query.split("&")] if query else []
    shown = " ".join([place, *([mark] if mark else []), *asked])
    return _cut(f"{shown} #{len(fragment)}" if fragment else shown)


def redacted_fields(pairs: Pairs) -> str:
    """Names and lengths in the order given."""
    return _cut(" ".join(f"{redacted_name(name)}={len(value)}" for name, value in pairs))


def redacted_name(text: str) -> str:
    """A field's name where it looks like one, else its length."""
    is_name = _NAME.fullmatch(text) and not _NUMBER.search(text)
    return text if is_name else f"<{len(text)}>"


def redacted_host(text: str) -> str:
    """A host as a header names it, with its port; nothing where it does not look like one."""
    return text if _HOST.fullmatch(text) else ""


def _asked(piece: str) -> str:
    name, equals, value = piece.partition("=")
    return f"{redacted_name(name)}={len(value)}" if equals else f"<{len(piece)}>"


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
