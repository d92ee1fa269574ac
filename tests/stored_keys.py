"""Finds in the code every prefix of the store and every key in Redis, by their form.

A key of the store begins `kind/`, one in Redis `kind:`; what a key has in braces varies. Other
literals of that form are listed below, so that a new key is noticed and named in ARCHITECTURE.md.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]

FORM = re.compile(r"[a-z]+(?:-[a-z]+)*[/:][A-Za-z0-9{}/:._-]*")

NO_KEYS = {
    *("application", "audio", "image", "multipart", "text"),
    *("arn", "fd", "file", "http", "https", "redis", "rediss", "unix", "urn"),
    *("docs", "examples", "requirements"),
    *("about", "app", "content", "install", "recording", "whisper"),
}
"""No kinds of keys: media types, schemes, files, and words that are something else."""

SIGN_IN_STATE = "ringcentral"
"""Only marks a sign-in at RingCentral; its key is `sign-in:`."""


ONE_WORD = ("KEY", "METRICS", "SWEEPER")
"""Constants that hold a whole key in Redis."""


def store_prefixes() -> set[str]:
    """Each prefix of the store as the code has it, up to what varies: `intake/`."""
    return {fixed for fixed in _fixed_parts() if "/" in fixed.partition(":")[0]}


def redis_keys() -> set[str]:
    """Each key in Redis, or what it begins with, without a final colon: `ledger`."""
    found = {fixed.rstrip(":") for fixed in _fixed_parts() if ":" in fixed and "/" not in fixed} - {
        SIGN_IN_STATE
    }
    return found | set(_bare_keys())


def _fixed_parts() -> Iterator[str]:
    for tree in _trees():
        for literal in _literals(tree):
            if FORM.fullmatch(literal) and re.split("[/:]", literal)[0] not in NO_KEYS:
                yield literal.partition("{}")[0]


def _bare_keys() -> Iterator[str]:
    """Keys of one word: constants named as one, and the kinds that `_key(kind, …)` is given."""
    for tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ONE_WORD:
                value: ast.AST = node.value
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "_key" and node.args:
                value = node.args[0]
            else:
                continue
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value.value


def _trees() -> Iterator[ast.Module]:
    for pattern in ("addon/**/*.py", "workers/*.py"):
        for path in ROOT.glob(pattern):
            yield ast.parse(path.read_text(encoding="utf-8"))


def _literals(tree: ast.Module) -> Iterator[str]:
    """Every text but docstrings; `{}` for what an f-string puts in."""
    parts = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if part is not node
    }
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) in parts or id(node) in docstrings:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values
            )
