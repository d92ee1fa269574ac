"""The reference pages' tables, taken from what the code itself relies on.

Fields come from the result's JSON Schema and codes from the exception tree, so that a page cannot
say anything else than the service does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from addon import errors
from addon.errors import AddonError

Schema = Mapping[str, Any]

UNITS = {
    "_seconds": "seconds",
    "_percent": "percent",
    "_dbfs": "dBFS",
    "_db": "dB",
    "_hz": "hertz",
    "_bytes": "bytes",
    "_at": "ISO 8601, UTC",
}
"""A name's ending gives its unit."""

OF_PARENT = ("median", "p90")
"""Names whose unit is in the name of the object they are in."""

SIBLING = "_reason"

_SOURCE = re.compile(r" \(spec/[^)]*\)")
"""A citation in a docstring, which is of no use to the page's reader."""


@dataclass(frozen=True)
class Field:
    """One field of the result; `explained` where a null has a sentence beside it."""

    path: str
    kind: str
    unit: str
    text: str
    nullable: bool
    explained: bool
    choices: tuple[str, ...]


@dataclass(frozen=True)
class CodeTable:
    """The errors that one kind of reader meets."""

    title: str
    intro: str
    roots: tuple[type[AddonError], ...]

    @property
    def kinds(self) -> list[type[AddonError]]:
        """All of them, by number."""
        kinds = {kind for root in self.roots for kind in family(root)}
        return sorted(kinds, key=lambda kind: kind.code)


CODES = (
    CodeTable(
        "In a result",
        "The `code` of a result whose `status` is `failed`, at once or posted to the callback.",
        (errors.Rejected, errors.RecordingFailed),
    ),
    CodeTable(
        "From the API, players and links",
        "The `code` of a problem document (RFC 9457).",
        (errors.AccessError, errors.ArchiveError, errors.Unavailable),
    ),
    CodeTable(
        "For operators",
        "In the log and the commands of whoever runs the service.",
        (
            *(errors.SettingsError, errors.StackFailed, errors.LeaseLost, errors.Forged),
            *(errors.DeliveryError, errors.OutboundError),
        ),
    ),
)
"""Every branch of the exception tree, by who meets it."""


def family(root: type[AddonError]) -> Iterator[type[AddonError]]:
    """A class and everything below it."""
    yield root
    for child in root.__subclasses__():
        yield from family(child)


def meaning(kind: type[AddonError]) -> str:
    """The first paragraph of an error's docstring, without its citations."""
    return _SOURCE.sub("", " ".join((kind.__doc__ or "").split("\n\n")[0].split()))


def fields(schema: Schema) -> list[Field]:
    """Every field of a result, in the order of the schema."""
    return list(_fields(schema, schema, ""))


def _fields(schema: Schema, node: Schema, path: str) -> Iterator[Field]:
    properties: Schema = _resolved(schema, node).get("properties", {})
    for name, inner in properties.items():
        if name.endswith(SIBLING) and name.removesuffix(SIBLING) in properties:
            continue
        full = f"{path}{name}"
        solid, nullable = _solid(schema, inner)
        kind = _kind(solid)
        yield Field(
            path=full,
            kind=kind,
            unit="" if kind in ("list", "object") else _unit(full, kind),
            text=inner.get("description") or solid.get("description", ""),
            nullable=nullable,
            explained=f"{name}{SIBLING}" in properties,
            choices=_choices(schema, solid),
        )
        if kind == "list":
            yield from _fields(schema, solid.get("items", {}), f"{full}[].")
        elif kind == "object":
            yield from _fields(schema, solid, f"{full}.")


def _resolved(schema: Schema, node: Schema) -> Schema:
    if "$ref" in node:
        found: Schema = schema["$defs"][node["$ref"].rpartition("/")[2]]
        return found
    return node


def _solid(schema: Schema, node: Schema) -> tuple[Schema, bool]:
    """A field's schema where it is not null, and if it may be null."""
    node = _resolved(schema, node)
    forms: Sequence[Schema] = node.get("anyOf") or node.get("oneOf") or ()
    others = [form for form in forms if form.get("type") != "null"]
    if others:
        solid, nested = _solid(schema, others[0])
        return solid, nested or len(others) < len(forms)
    kinds = node.get("type")
    return node, isinstance(kinds, list) and "null" in kinds


def _kind(node: Schema) -> str:
    if isinstance(node.get("const"), int):
        return "integer"
    kinds = node.get("type")
    name = next((k for k in kinds if k != "null"), "") if isinstance(kinds, list) else kinds
    if name == "array":
        return "intervals" if "prefixItems" in node.get("items", {}) else "list"
    names = {"string": "text", "boolean": "true or false", None: "text"}
    return str(names.get(name, name))


def _choices(schema: Schema, node: Schema) -> tuple[str, ...]:
    items = _resolved(schema, node.get("items", {})) if isinstance(node.get("items"), dict) else {}
    fixed = (node["const"],) if "const" in node else ()
    among = [each for one in items.get("anyOf", ()) for each in one.get("enum", ())]
    return tuple(map(str, node.get("enum") or items.get("enum") or among or fixed))


def _unit(path: str, kind: str) -> str:
    if kind == "intervals":
        return "seconds"
    *_, parent, name = ["", *path.split(".")]
    name = parent if name in OF_PARENT else name
    return next((unit for end, unit in UNITS.items() if name.endswith(end)), "")
