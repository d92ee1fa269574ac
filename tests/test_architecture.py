"""The layout's promises: imports point one way, modules stay small, nothing works at import."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from addon.settings import Settings

ROOT = Path(__file__).parent.parent
MODULES = sorted([*ROOT.glob("addon/**/*.py"), *ROOT.glob("workers/**/*.py"), ROOT / "app.py"])

FOUNDATION = (
    "addon.errors",
    "addon.backoff",
    "addon.settings",
    "addon.log",
    "addon.stored_documents",
    "addon.call_facts",
    "addon.redis_keys",
    "addon.redis_errors",
    "addon.redis_commands",
    "addon.bounded_cache",
    "addon.durable_files",
    "addon.group_commit",
    "addon.steady_clock",
    "addon.vault",
)

MAY_IMPORT = {
    "addon.errors": (),
    "addon.backoff": (),
    "addon.environment": ("addon.errors",),
    "addon.setting_types": (),
    "addon.settings_table": ("addon.setting_types",),
    "addon.setting_roles": ("addon.settings_table",),
    "addon.settings": (
        "addon.errors",
        "addon.environment",
        "addon.running_stack",
        "addon.setting_roles",
        "addon.settings_table",
    ),
    "addon.running_stack": ("addon.durable_files",),
    "addon.weak_settings": ("addon.settings",),
    "addon.log": (),
    "addon.sparing_log": ("addon.log",),
    "addon.steady_clock": ("addon.log",),
    "addon.stored_documents": ("addon.errors",),
    "addon.call_facts": ("addon.setting_types",),
    "addon.redis_keys": (),
    "addon.group_commit": ("addon.log",),
    "addon.redis_commands": ("addon.group_commit",),
    "addon.redis_errors": ("addon.errors",),
    "addon.bounded_cache": (),
    "addon.durable_files": ("addon.group_commit",),
    "addon.vault": ("addon.errors", "addon.stored_documents"),
    "addon.outbound": FOUNDATION,
    "addon.audio": ("addon.errors",),
    "addon.analysis": ("addon.errors", "addon.audio"),
    "addon.archive": FOUNDATION,
    "addon.catalogue": (*FOUNDATION, "addon.archive"),
    "addon.twilio": (*FOUNDATION, "addon.outbound", "addon.audio"),
    "addon.ringcentral": (*FOUNDATION, "addon.outbound", "addon.audio"),
    "addon.metrics": FOUNDATION,
    "addon.tracing": FOUNDATION,
    "addon.requests": (*FOUNDATION, "addon.archive", "addon.metrics", "addon.tracing"),
    "addon.webhooks": (*FOUNDATION, "addon.archive", "addon.outbound"),
    "addon.error_reports": FOUNDATION,
    "addon.playback": (*FOUNDATION, "addon.archive", "addon.audio"),
    "addon.stack": (
        *FOUNDATION,
        "addon.archive",
        "addon.running_stack",
        "addon.setting_roles",
        "addon.settings_table",
    ),
}
"""The packages a package may import besides itself (spec/interfaces 1)."""

UPPER = {
    "workers": ("addon.web", "addon.checks", "addon.commands", "addon.factory"),
    "addon.web": ("workers", "addon.checks", "addon.commands", "addon.factory"),
    "addon.checks": ("addon.commands", "addon.factory"),
    "addon.commands": ("addon.factory",),
}
"""What a room above may never know."""


SETTINGS = re.compile(r"(^|[._])settings$|Settings\.load\(\)$")
"""An expression that is the settings: `settings`, `self._settings`, `context().settings`."""


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports(path: Path) -> tuple[str, ...]:
    """The names that a module imports, at its top or later."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(found)


def within(module: str, rooms: tuple[str, ...]) -> bool:
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


def room_of(module: str) -> str | None:
    return next((room for room in MAY_IMPORT if within(module, (room,))), None)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_one_way(path):
    module = name_of(path)
    room = room_of(module)
    own = [each for each in imports(path) if within(each, ("addon", "workers", "app"))]
    if room is not None:
        allowed = (room, *MAY_IMPORT[room])
        unknown = [each for each in own if each != "addon" and not within(each, allowed)]
        assert [each for each in unknown if room_of(each) or within(each, ("workers",))] == []
    for upper, forbidden in UPPER.items():
        if within(module, (upper,)):
            assert [each for each in own if within(each, forbidden)] == []


def test_every_room_is_known_here():
    rooms = {name_of(path).split(".")[1] for path in MODULES if name_of(path).startswith("addon.")}
    known = {name.split(".")[1] for name in (*MAY_IMPORT, *UPPER) if name.startswith("addon.")}
    assert rooms - known == {"factory"}


def test_there_is_no_circle_of_imports():
    """Also none that is hidden in a function or behind TYPE_CHECKING."""
    names = {name_of(path): path for path in MODULES}
    graph = {
        name: {each for each in _modules(path, names) if each != name}
        for name, path in names.items()
    }
    while free := [name for name, others in graph.items() if not others & set(graph)]:
        for name in free:
            del graph[name]
    assert {name: others & set(graph) for name, others in graph.items()} == {}


def _modules(path: Path, names: dict[str, Path]) -> Iterator[str]:
    """The project's modules that one imports; a package counts only where it is itself meant."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in names)
        elif isinstance(node, ast.ImportFrom) and node.module in names:
            below = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (each for each in below if each in names)
            if any(each not in names for each in below):
                yield node.module


LISTS = (ROOT / "addon" / "errors.py", ROOT / "addon" / "settings_table.py")
"""One tree and one table, each in one place: longer than a module that does something."""


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_is_small_documented_and_typed(path):
    text = path.read_text()
    assert len(text.splitlines()) <= (600 if path in LISTS else 400)
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a module says what it is for"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno + 1 <= 60, node.name
            assert node.returns is not None or node.name == "__init__", node.name


def test_the_entry_is_an_entry_and_nothing_else():
    assert len((ROOT / "app.py").read_text().splitlines()) < 15


def test_only_settings_reads_the_environment():
    """Through addon.environment; the package itself sets what BLAS reads when it is loaded."""
    words = ("environ", "environb", "getenv", "getenvb", "putenv", "unsetenv")
    readers = set()
    for path in [*MODULES, ROOT / "gunicorn.conf.py"]:
        for node in ast.walk(ast.parse(path.read_text())):
            used = isinstance(node, ast.Attribute) and ast.unparse(node.value) == "os" and node.attr
            if used in words:
                readers.add(name_of(path))
            if isinstance(node, ast.ImportFrom) and node.module == "os":
                assert not {alias.name for alias in node.names} & set(words), path
    assert readers == {"addon", "addon.environment"}


def test_only_settings_and_the_starters_of_processes_use_the_environment():
    """A command that starts processes hands its own environment on to them; a process of one role
    gives up what belongs to the other; a check looks for names that are nearly ours."""
    users = {name_of(path) for path in MODULES if "addon.environment" in set(imports(path))}
    starters = {"addon.commands.serve", "addon.commands.local_stack", "workers.__main__"}
    assert users == {"addon.settings", "addon.checks.names", *starters}


def test_every_setting_is_used_outside_the_settings_themselves():
    """As an attribute of settings, by the code's structure: a name in a text does not count."""
    used = set()
    for path in [*MODULES, ROOT / "gunicorn.conf.py"]:
        if name_of(path) in ("addon.settings", "addon.settings_table"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and SETTINGS.search(ast.unparse(node.value)):
                used.add(node.attr)
    part_of_redis_url = {"redis_tls_ca"}
    assert set(Settings.model_fields) - used == part_of_redis_url


def test_a_job_needs_no_web_framework():
    jobs = "workers.process, workers.deliver, workers.sweeper"
    code = f"import sys, {jobs}; print('flask' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "False"
