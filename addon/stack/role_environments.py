"""Environments of the stack's child processes: each holds the settings that it needs, and no other.

The table of settings says which role needs which (decision 0410). Variables that are no settings,
as boto3's AWS_, go to web and workers alike.
"""

from __future__ import annotations

from collections.abc import Mapping

from addon.setting_roles import withheld_from
from addon.settings_table import Role

BARE = ("LANG", "LC_ALL", "PATH", "TZ")
"""Variables of a program that needs no setting."""


def environment_of(role: Role, variables: Mapping[str, str]) -> dict[str, str]:
    """The variables that a process of this role is started with."""
    withheld = withheld_from(role)
    return {name: value for name, value in variables.items() if name not in withheld}


def bare_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables of a process that needs no setting: the embedded Redis."""
    return {name: variables[name] for name in BARE if name in variables}
