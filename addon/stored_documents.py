"""Reads stored JSON documents tolerantly: as an older release wrote them, or a newer one.

A field that this release does not know is left out, and a missing one has its default. A document
of a newer version, or without a field that nothing can replace, raises UnreadableDocument. A
document without a version is of version 1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from typing import Any, ClassVar, Self, TypeVar

from addon.errors import UnreadableDocument

T = TypeVar("T")


class StoredDocument:
    """Base of a dataclass that is kept as JSON: `KIND` names it in errors, `MOMENTS` its times.

    VERSION is the newest that is known, or None for a document that is part of another.
    """

    KIND: ClassVar[str]
    VERSION: ClassVar[int | None] = 1
    MOMENTS: ClassVar[tuple[str, ...]] = ()

    def to_json(self) -> str:
        """One line of text; `from_json` gives an equal document back."""
        return compact(self)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """The document as this release or another wrote it. Raises UnreadableDocument."""
        document = parse(text, cls.KIND, cls.VERSION)
        return instance(cls, with_moments(document, cls.KIND, *cls.MOMENTS), cls.KIND)


def _plain(value: Any) -> Any:
    """A moment or a dataclass as JSON has it, not copied as `asdict` would."""
    if isinstance(value, datetime):
        return value.isoformat()
    return {field.name: getattr(value, field.name) for field in fields(value)}


_ENCODER = json.JSONEncoder(default=_plain, separators=(",", ":"))
"""Made once: `json.dumps` makes one for each call that sets anything, in as long as it encodes."""


def compact(document: Any) -> str:
    """A document as JSON without blanks."""
    return _ENCODER.encode(document)


def parse(text: str | bytes | bytearray, what: str, version: int | None = 1) -> dict[str, Any]:
    """The JSON object in `text`; `what` names it in errors, `version` is the newest that is known.

    Version None is for a document that is part of another, which has the version. Raises
    UnreadableDocument.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableDocument(f"a stored document ({what}) is no JSON") from None
    if not isinstance(document, dict):
        raise UnreadableDocument(f"a stored document ({what}) is no JSON object")
    if version is not None:
        check_version(document, what, version)
    return document


def check_version(document: Mapping[str, Any], what: str, newest: int) -> None:
    """Raises UnreadableDocument for a version that is newer than `newest`, or no number."""
    version = document.get("version", 1)
    if not isinstance(version, int) or isinstance(version, bool) or not 1 <= version <= newest:
        raise UnreadableDocument(
            f"a stored document ({what}) has version {str(version)[:16]!r}, newest known: {newest}"
        )


def instance(kind: type[T], values: Mapping[str, Any], what: str) -> T:
    """A `kind`, which is a dataclass, from the fields it knows. Raises UnreadableDocument."""
    if not isinstance(values, Mapping):
        raise UnreadableDocument(f"a stored document ({what}) is no JSON object")
    known = {}
    for field in fields(kind):  # type: ignore[arg-type]
        if field.name in values:
            known[field.name] = values[field.name]
        elif field.default is MISSING and field.default_factory is MISSING:
            raise UnreadableDocument(f"a stored document ({what}) has no field {field.name!r}")
    return kind(**known)


def texts(document: Mapping[str, Any], what: str, *names: str) -> list[str]:
    """The named fields, which are text. Raises UnreadableDocument where one is none."""
    for name in names:
        if not isinstance(document.get(name), str):
            raise UnreadableDocument(f"a stored document ({what}) has no field {name!r}")
    return [document[name] for name in names]


def with_moments(document: Mapping[str, Any], what: str, *names: str) -> dict[str, Any]:
    """The document with the named fields, where they are there, as times.

    Raises UnreadableDocument for one that is neither null nor in ISO 8601.
    """
    if not isinstance(document, Mapping):
        raise UnreadableDocument(f"a stored document ({what}) is no JSON object")
    values = dict(document)
    for name in names:
        if values.get(name) is not None:
            values[name] = moment(values[name], what)
    return values


def moment(text: Any, what: str) -> datetime:
    """A time in ISO 8601 with its zone. Raises UnreadableDocument."""
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        found = None
    if found is None or found.tzinfo is None:
        raise UnreadableDocument(f"a stored document ({what}) has a time that is none")
    return found
