"""The two pages about settings: `python -m tests.settings_pages` writes them anew from the table.

`.env.example` holds every variable, commented out, with what it is when it is not set or an
example; docs/settings.md is the same as tables.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from addon.settings import Settings

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / ".env.example"
PAGE = ROOT / "docs" / "settings.md"
WIDTH = 100

EXAMPLE_HEAD = """\
# Every setting. `cp .env.example .env`, and uncomment what you change: `.env` is read in the
# working directory, the environment wins over it, and an empty value counts as unset. With nothing
# set, `flask serve` works on one machine: it makes keys and secrets once under DATA_DIR/keys,
# readable by their owner alone, and says so in the log.
"""

PAGE_HEAD = """\
# Settings

Every variable, read once at the start from the environment and from `.env` in the working
directory; the environment wins. An empty value counts as unset, and a wrong one stops the start
with the variable's name. Keys and secrets that are unset are read from files under
`DATA_DIR/keys`, which `flask serve` makes once; before these, a file with the variable's name in
`CREDENTIALS_DIRECTORY` counts, where systemd or a container sets it. A secret appears in no log and
in no error. The last column says which processes read a setting; the others are not given it.

`python -m tests.settings_pages` writes this page and `.env.example` from `addon/settings_table.py`.
"""

LIBRARIES = """\
## Read by libraries

boto3 reads `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_DEFAULT_REGION`,
`AWS_ENDPOINT_URL_S3` and its other `AWS_` variables, OpenTelemetry its own `OTEL_` ones. They may
stand in `.env` as well.
"""


READERS = {"web": "web", "worker": "workers"}


@dataclass(frozen=True)
class Row:
    """One setting as the pages show it."""

    variable: str
    section: str
    default: str
    example: str
    text: str
    secret: bool
    readers: str


def rows() -> Iterator[Row]:
    """Every setting in the order of the table."""
    for name, field in Settings.model_fields.items():
        extra = field.json_schema_extra
        assert isinstance(extra, dict)
        yield Row(
            variable=name.upper(),
            section=str(extra["section"]),
            default=field.default or "",
            example=str(extra["example"]),
            text=field.description or "",
            secret=not field.repr,
            readers=" and ".join(READERS[role] for role in extra["roles"]),
        )


def example() -> str:
    """The whole of `.env.example`."""
    parts = [EXAMPLE_HEAD]
    for section, found in groupby(rows(), lambda row: row.section):
        parts.append(f"\n# ── {section} ".ljust(WIDTH, "─") + "\n")
        for row in found:
            parts += [f"# {line}\n" for line in textwrap.wrap(_plain(row.text), WIDTH - 2)]
            parts.append(f"# {row.variable}={row.example or row.default}\n")
    parts.append("\n# ── Read by libraries ".ljust(WIDTH, "─") + "\n# boto3, for a bucket.\n")
    parts += ["# AWS_ACCESS_KEY_ID=\n", "# AWS_SECRET_ACCESS_KEY=\n", "# AWS_DEFAULT_REGION=\n"]
    parts += ["# Only for a store other than Amazon's.\n", "# AWS_ENDPOINT_URL_S3=\n"]
    return "".join(parts)


def page() -> str:
    """The whole of docs/settings.md."""
    parts = [PAGE_HEAD]
    for section, found in groupby(rows(), lambda row: row.section):
        lines = [
            f"## {section}",
            "",
            "| variable | meaning | default | example | for |",
            "|---|---|---|---|---|",
        ]
        for row in found:
            name = f"`{row.variable}`" + (" (secret)" if row.secret else "")
            lines.append(
                f"| {name} | {row.text} | {_code(row.default)} | {_code(row.example)} "
                f"| {row.readers} |"
            )
        parts.append("\n".join(lines) + "\n")
    return "\n".join([*parts, LIBRARIES])


def _plain(text: str) -> str:
    """Without Markdown's links: a comment names the page instead."""
    return re.sub(r"\[([^\]]+)\]\(([^)#]+)[^)]*\)", r"\1 (docs/\2)", text)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


if __name__ == "__main__":
    EXAMPLE.write_text(example(), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
