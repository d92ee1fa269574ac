"""The package is the one way out: nothing else of the service opens HTTP connections of its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted([*ROOT.glob("addon/**/*.py"), *ROOT.glob("workers/**/*.py"), ROOT / "app.py"])

CLIENTS = (
    "requests",
    "urllib3",
    "http.client",
    "urllib.request",
    "aiohttp",
    "httpx",
    "twilio.rest",
)

HARMLESS = ("urllib3.exceptions", "urllib3.filepost")
"""Errors of the store's own client to be caught, and the encoding of a form."""

WITHOUT_ONE = ("addon/twilio/calls.py",)
"""Gives Twilio's official client a way of sending of ours (tests/twilio/test_calls.py)."""

LOCAL = ("addon/commands/demo.py", "addon/commands/sending.py", "addon/stack/web_server.py")
"""Commands that call their operator's own service, and the probe of the stack's web server."""


def clients(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        for name in names:
            if name not in HARMLESS and any(f"{name}.".startswith(f"{each}.") for each in CLIENTS):
                yield name


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_this_package_uses_an_http_client(path: Path) -> None:
    allowed = (*LOCAL, *WITHOUT_ONE)
    if not name_of(path).startswith("addon/outbound/") and name_of(path) not in allowed:
        assert list(clients(path)) == []


def test_a_client_is_recognised() -> None:
    for name in ("addon/outbound/client.py", *LOCAL):
        assert list(clients(ROOT / name))


def test_a_session_of_requests_is_not_used() -> None:
    """It would read proxies and passwords from the environment, and keep cookies."""
    for path in ROOT.glob("addon/outbound/*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("requests")
            for alias in node.names
        }
        assert imported <= {"HTTPAdapter", "Request", "RequestException"}
