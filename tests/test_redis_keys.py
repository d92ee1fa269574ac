"""Redis keys and store prefixes are declared once, and nothing else is written."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from addon import redis_keys
from addon.archive import prefixes
from tests.calls import wav
from tests.stored_keys import declared
from tests.workers.conftest import accept, market, settings
from workers.deliver import deliver
from workers.periodic_tasks import Schedule
from workers.process import process
from workers.sweeper import Sweeper

__all__ = ["accept", "market", "settings"]

ROOT = Path(__file__).parent.parent
PLACES = {redis_keys: "addon/redis_keys.py", prefixes: "addon/archive/prefixes.py"}


def literals(path: Path) -> Iterator[tuple[int, str]]:
    """Every text in a module but its docstrings and bare texts."""
    tree = ast.parse(path.read_text())
    bare = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in bare:
            yield node.lineno, node.value


@pytest.mark.parametrize("module", PLACES)
def test_each_is_declared_once_and_with_its_reason(module):
    found = declared(module)
    assert len(set(found.values())) == len(found)
    source = (ROOT / PLACES[module]).read_text()
    body = ast.parse(source).body
    named = [node for node in body if isinstance(node, ast.Assign)]
    reasons = [node for node in body if isinstance(node, ast.Expr)][1:]
    pairs = sum(name.endswith("_UNMATCHED") for name in found)  # two lists, one reason
    assert len(named) == len(found) == len(reasons) + pairs


@pytest.mark.parametrize("module", PLACES)
def test_no_other_module_spells_one_out(module):
    """A text that begins with one is a second declaration."""
    allowed = ("sweeper", "metrics", "rq:")
    beginnings = tuple(
        value for value in declared(module).values() if value not in allowed and len(value) > 5
    )
    found = [
        (str(path.relative_to(ROOT)), line, text)
        for folder in ("addon", "workers")
        for path in (ROOT / folder).rglob("*.py")
        if str(path.relative_to(ROOT)) != PLACES[module]
        for line, text in literals(path)
        if text.startswith(beginnings)
    ]
    assert found == []


def test_one_request_writes_under_declared_keys_alone(accept, as_worker):
    exchange = accept(wav(1.0))
    Schedule(as_worker).step()
    Sweeper(as_worker).sweep()
    process(exchange.sid)
    during = {key.decode() for key in as_worker.redis.scan_iter()}
    stored = {stat.key for stat in as_worker.store.list("")}
    deliver(exchange.sid)
    during |= {key.decode() for key in as_worker.redis.scan_iter()}
    stored |= {stat.key for stat in as_worker.store.list("")}
    keys, places = tuple(declared(redis_keys).values()), tuple(declared(prefixes).values())
    assert during and {key for key in during if not key.startswith(keys)} == set()
    assert stored and {key for key in stored if not key.startswith(places)} == set()
