"""The table's roles agree with the code: a role is given what its modules read, and nothing else.

Reads are found in the source: an attribute with a setting's name of something called `settings`.
A module belongs to a role that can reach it by imports, late ones included. Many modules belong to
both; what they read must be declared for one of the two.
"""

from __future__ import annotations

import ast
from collections.abc import Set
from functools import cache
from pathlib import Path

import pytest

from addon.setting_roles import variables_of
from addon.settings import Settings
from addon.settings_table import SettingsTable
from tests.test_architecture import MODULES, ROOT, SETTINGS, imports, name_of

PATHS = {name_of(path): path for path in MODULES} | {"gunicorn.conf": ROOT / "gunicorn.conf.py"}
ENTRIES = {"web": ("addon.web", "addon.factory", "gunicorn.conf"), "worker": ("workers",)}
IN_THE_LOADER = {"redis_tls_verify", "redis_tls_fingerprints", "redis_tls_ca", "data_dir"}
"""Read by `Settings.load` itself, for everybody."""

OPERATORS = "addon.commands"
"""Commands run with all settings, though the application registers them."""


@cache
def reads(path: Path) -> frozenset[str]:
    """The settings that a module reads."""
    fields = SettingsTable.model_fields.keys()
    return frozenset(
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr in fields
        and SETTINGS.search(ast.unparse(node.value))
    )


@cache
def reachable(role: str) -> set[str]:
    """The modules that a role's processes may import."""
    roots = ENTRIES[role]
    found = {name for name in PATHS if name in roots or name.startswith(f"{roots[0]}.")}
    waiting = list(found)
    while waiting:
        for name in imports(PATHS[waiting.pop()]):
            if name in PATHS and name not in found and not name.startswith(OPERATORS):
                found.add(name)
                waiting.append(name)
    return found


def read_by(modules: Set[str]) -> frozenset[str]:
    """The settings that any of these modules reads."""
    return frozenset().union(*(reads(PATHS[name]) for name in modules))


def declared(role: str) -> set[str]:
    return {name.lower() for name in variables_of(role)}  # type: ignore[arg-type]


@pytest.mark.parametrize(("role", "other"), [("web", "worker"), ("worker", "web")])
def test_what_a_roles_own_modules_read_it_is_given(role: str, other: str) -> None:
    missing = {
        f"{name} reads {setting.upper()}"
        for name in reachable(role) - reachable(other)
        for setting in reads(PATHS[name]) - declared(role)
    }
    assert not missing


@pytest.mark.parametrize("role", ["web", "worker"])
def test_a_role_is_given_nothing_that_its_modules_do_not_read(role: str) -> None:
    assert declared(role) - read_by(reachable(role)) - IN_THE_LOADER == set()


def test_every_setting_that_is_read_by_both_is_given_to_one() -> None:
    shared = read_by(reachable("web") & reachable("worker"))
    assert shared <= declared("web") | declared("worker")


def test_the_reads_are_found_at_all() -> None:
    web = read_by(reachable("web"))
    assert len(web) > 30
    assert len(read_by(reachable("worker"))) > 30
    assert "playback_secrets" in web
    assert isinstance(Settings(), SettingsTable)
