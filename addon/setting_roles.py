"""Tells which variables a role's processes need, and which they must not hold (decision 0410).

The roles stand in the rows of the table of settings.
"""

from __future__ import annotations

from typing import Any, cast

from addon.settings_table import Role, SettingsTable

_EXTRAS = {
    name.upper(): cast("dict[str, Any]", field.json_schema_extra)
    for name, field in SettingsTable.model_fields.items()
}


def variables_of(role: Role | None = None) -> frozenset[str]:
    """The variables that a role's processes need; without a role, all of them."""
    return frozenset(name for name, extra in _EXTRAS.items() if role in (None, *extra["roles"]))


def withheld_from(role: Role) -> frozenset[str]:
    """The variables that a role's processes must not hold."""
    return variables_of() - variables_of(role)


def kept_files() -> dict[str, str]:
    """The file in DATA_DIR/keys of each variable that can be kept there."""
    return {name: str(extra["kept"]) for name, extra in _EXTRAS.items() if extra["kept"]}
