"""The supply chain's commands: `python -m tests.supply_chain audit|licences|sbom`.

`audit` asks for known vulnerabilities of the locked packages, `licences` lists their licences, and
`sbom` writes var/sbom.cdx.json (CycloneDX). The tools are locked in requirements/supply-chain.txt
and live in var/supply-chain. Exit codes of `audit`: 0 all packages were asked for and none is
vulnerable, 1 some are, 3 some or all could not be asked for.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SERVICE_LOCKS = ("requirements.txt", "requirements/plot.txt", "requirements/model.txt")
"""What the image holds."""

TOOLS_LOCK = ROOT / "requirements" / "supply-chain.txt"
TOOLS = ROOT / "var" / "supply-chain"
SBOM = ROOT / "var" / "sbom.cdx.json"

VULNERABLE, NOT_ASKED = 1, 3


@dataclass(frozen=True)
class Licence:
    """An installed package's licence, as its metadata states it; empty where it states none."""

    package: str
    version: str
    text: str


def locked(*locks: str) -> dict[str, str]:
    """The packages that lock files name, with their versions."""
    texts = [(ROOT / lock).read_text(encoding="utf-8") for lock in locks]
    return dict(re.findall(r"(?m)^([A-Za-z0-9._-]+)==([^\s;\\]+)", "".join(texts)))


def licences(*locks: str) -> Iterator[Licence]:
    """Of the locked packages that are installed here: some are for other platforms."""
    for package in sorted(locked(*locks)):
        try:
            found = metadata.metadata(package)
        except metadata.PackageNotFoundError:
            continue
        yield Licence(package, found["Version"], _licence(found))  # type: ignore[arg-type]


def _licence(found: Message) -> str:
    """The expression, else a short text, else the classifiers (core metadata 2.4)."""
    text = str(found.get("License-Expression") or found.get("License") or "").strip()
    if text and "\n" not in text and text != "Dual License":
        return text
    classifiers = [str(each) for each in found.get_all("Classifier") or []]
    return " OR ".join(
        each.rpartition(" :: ")[2] for each in classifiers if each.startswith("License ::")
    )


def summary(report: dict[str, Any]) -> tuple[int, list[str]]:
    """The exit code and the lines for pip-audit's JSON. A package that it skipped is not clean."""
    found = report["dependencies"]
    lines = [
        f"{each['name']} {each['version']}: {one['id']}, mended in "
        f"{', '.join(one['fix_versions']) or 'no version yet'}"
        for each in found
        for one in each.get("vulns", [])
    ]
    skipped = [f"{each['name']}: {each['skip_reason']}" for each in found if "skip_reason" in each]
    vulnerable = bool(lines)
    lines += [f"not asked for: {each}" for each in skipped]
    lines.append(f"{len(found) - len(skipped)} of {len(found)} packages were asked for")
    return VULNERABLE if vulnerable else NOT_ASKED if skipped or not found else 0, lines


def audit() -> int:
    """Ask PyPI for the vulnerabilities of what is locked; nothing is installed."""
    report = ROOT / "var" / "audit.json"
    report.unlink(missing_ok=True)
    named = [word for lock in SERVICE_LOCKS for word in ("--requirement", str(ROOT / lock))]
    options = ["--disable-pip", "--require-hashes", "--vulnerability-service", "pypi"]
    options += ["--progress-spinner", "off", "--format", "json", "--output", str(report)]
    ran = subprocess.run(
        [tool("pip-audit"), *named, *options], stderr=subprocess.PIPE, text=True, check=False
    )
    if not report.exists():
        said = ran.stderr.strip().splitlines() or ["it said nothing"]
        print(f"pip-audit could not ask: {said[-1]:.300}")
        return NOT_ASKED
    code, lines = summary(json.loads(report.read_text(encoding="utf-8")))
    print("\n".join(lines))
    return code


def sbom() -> int:
    """Write the bill of materials of the service's locks, the same for the same locks."""
    whole = ROOT / "var" / "locked.txt"
    whole.parent.mkdir(exist_ok=True)
    whole.write_text("".join((ROOT / lock).read_text() for lock in SERVICE_LOCKS))
    options = ["--output-reproducible", "--output-format", "JSON", "--output-file", str(SBOM)]
    subprocess.run([tool("cyclonedx-py"), "requirements", str(whole), *options], check=True)
    print(f"{SBOM.relative_to(ROOT)}: {len(json.loads(SBOM.read_text())['components'])} packages")
    return 0


def tool(name: str) -> str:
    """A tool of the lock, installed where it is not yet. Raises CalledProcessError."""
    wanted = hashlib.sha256(TOOLS_LOCK.read_bytes()).hexdigest()
    mark = TOOLS / "locked"
    if not mark.exists() or mark.read_text() != wanted:
        venv.create(TOOLS, clear=True, with_pip=True)
        words = ["-m", "pip", "install", "--quiet", "--require-hashes", "--requirement"]
        subprocess.run([TOOLS / "bin" / "python", *words, TOOLS_LOCK], check=True)
        mark.write_text(wanted)
    return str(TOOLS / "bin" / name)


def main(words: list[str]) -> int:
    """The command line; returns the exit code."""
    if words == ["licences"]:
        for each in licences(*SERVICE_LOCKS):
            print(f"{each.package:24} {each.version:12} {each.text or 'states none'}")
        return 0
    if words not in (["audit"], ["sbom"]):
        print(__doc__)
        return 2
    try:
        return audit() if words == ["audit"] else sbom()
    except subprocess.CalledProcessError as error:
        print(f"{Path(str(error.cmd[0])).name} failed; is there a network?")
        return NOT_ASKED


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
