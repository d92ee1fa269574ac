"""The packages and their imports, drawn from the code: `python -m tests.import_diagram`.

It writes the Mermaid graph between the two marks of ARCHITECTURE.md.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "ARCHITECTURE.md"
BEGIN = "<!-- made by python -m tests.import_diagram -->\n"
END = "<!-- end of what is made -->"

EVERYWHERE = {
    *("addon.errors", "addon.settings", "addon.settings_table", "addon.setting_types"),
    *("addon.environment", "addon.log", "addon.stored_documents", "addon.redis_keys"),
    *("addon.redis_errors", "addon.redis_commands", "addon.bounded_cache", "addon.durable_files"),
    *("addon.vault", "addon.call_facts"),
}
"""Modules that nearly every package imports: left out of the picture."""

Graph = dict[str, set[str]]


def package_of(module: str) -> str:
    """`addon.web` for a module below it, `workers` for a job; a module of `addon` as it is."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "addon" and len(parts) > 1 else parts[0]


def graph() -> Graph:
    """Each package with those it imports, itself and EVERYWHERE left out."""
    found: Graph = {}
    for path in sorted([*ROOT.glob("addon/**/*.py"), *ROOT.glob("workers/*.py"), ROOT / "app.py"]):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        package = package_of(module)
        if package in EVERYWHERE or module == "addon":
            continue
        own = found.setdefault(package, set())
        own |= {package_of(each) for each in imports(path)} - {package, "addon"} - EVERYWHERE
    return found


def imports(path: Path) -> Iterator[str]:
    """The project's own modules that a file imports, also within functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "addon":
            names = [f"addon.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] in ("addon", "workers"))


def reduced(whole: Mapping[str, set[str]]) -> Graph:
    """Without the imports that others imply: A to C where A imports B and B reaches C."""

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = list(whole.get(start, ()))
        while waiting:
            each = waiting.pop()
            if each not in seen:
                seen.add(each)
                waiting += whole.get(each, ())
        return seen

    return {
        package: {
            each
            for each in others
            if not any(each in reached(between) for between in others - {each})
        }
        for package, others in whole.items()
    }


def mermaid() -> str:
    """The reduced graph as Mermaid draws it."""
    lines = ["```mermaid", "graph TD"]
    for package, others in sorted(reduced(graph()).items()):
        lines += [f"  {_node(package)}[{_label(package)}]"]
        lines += [f"  {_node(package)} --> {_node(each)}" for each in sorted(others)]
    return "\n".join([*lines, "```", ""])


def _node(package: str) -> str:
    return package.replace(".", "_")


def _label(package: str) -> str:
    return package.replace(".", "/")


def written(page: str) -> str:
    """The page with the present graph in its place."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin and end, "ARCHITECTURE.md has lost the marks around the diagram"
    return f"{before}{BEGIN}{mermaid()}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
