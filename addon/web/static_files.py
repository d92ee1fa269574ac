"""Style sheets, scripts, fonts and pictures of the pages, under addresses that change with them.

Every address holds a digest of all the files, so browsers keep a file for a year and a new release
is seen at once. Scripts and style sheets name each other by relative addresses and inherit it.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, send_from_directory

FOLDER = Path(__file__).parent / "static"

KEPT_S = 365 * 24 * 3600


@cache
def release() -> str:
    """A digest of the names and bytes of every file."""
    digest = hashlib.sha256()
    for path in sorted(path for path in FOLDER.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(FOLDER)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def add_to(blueprint: Blueprint) -> None:
    """Serve the files as the endpoint `static` of a blueprint."""
    blueprint.add_url_rule("/static/<version>/<path:filename>", "static", _file)
    blueprint.app_url_defaults(_with_version)


def _file(version: str, filename: str) -> Response:
    """One file. A page of another release gets today's file, and does not keep it."""
    response = send_from_directory(FOLDER, filename, max_age=0)
    if version == release():
        response.headers["Cache-Control"] = f"public, max-age={KEPT_S}, immutable"
    return response


def _with_version(endpoint: str, values: dict[str, Any]) -> None:
    if endpoint.endswith(".static"):
        values.setdefault("version", release())
