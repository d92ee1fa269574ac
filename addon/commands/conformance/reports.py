"""The findings of a run as text, as JSON and as JUnit's XML."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from xml.etree import ElementTree

from addon.commands.conformance.clause import Finding

SCHEMA_VERSION = "1.0"

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def line(finding: Finding) -> str:
    """A finding in one line, a failure with its reason."""
    reason = f": {finding.reason}" if finding.result == "fail" else ""
    return f"{finding.result:<9}  {finding.clause.name} ({finding.seconds:.1f} s){reason}"


def text(findings: Sequence[Finding]) -> str:
    """Every clause that fails with its demand, its paragraph and what proves it; why others were
    not tried; the sums."""
    failed = [finding for finding in findings if finding.result == "fail"]
    return "\n\n".join([*map(_proof, failed), *_not_tried(findings), _sums(findings)])


def as_json(findings: Sequence[Finding], to: str) -> str:
    """One document with everything."""
    counts = Counter(finding.result for finding in findings)
    clauses: list[dict[str, Any]] = []
    for finding in findings:
        fields = asdict(finding)
        clause = finding.clause
        about = {"name": clause.name, "demand": clause.demand, "cites": clause.cites}
        clauses.append({**about, **{name: fields[name] for name in fields if name != "clause"}})
    document = {
        "schema_version": SCHEMA_VERSION,
        "to": to,
        "passed": counts["pass"],
        "failed": counts["fail"],
        "not_tried": counts["not tried"],
        "clauses": clauses,
    }
    return json.dumps(document, indent=2)


def as_junit(findings: Sequence[Finding], to: str) -> bytes:
    """A test suite in JUnit's XML: clauses that were not tried are skipped tests."""
    counts = Counter(finding.result for finding in findings)
    suite = ElementTree.Element(
        "testsuite",
        name=f"flask conform --to {to}",
        tests=str(len(findings)),
        failures=str(counts["fail"]),
        skipped=str(counts["not tried"]),
        errors="0",
        time=f"{sum(finding.seconds for finding in findings):.3f}",
    )
    for finding in findings:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=finding.clause.cites,
            name=finding.clause.name,
            time=f"{finding.seconds:.3f}",
        )
        if finding.result == "fail":
            failure = ElementTree.SubElement(case, "failure", message=_xml(finding.reason))
            failure.text = _xml("\n".join(finding.evidence))
        if finding.result == "not tried":
            ElementTree.SubElement(case, "skipped", message=_xml(finding.reason))
    whole: bytes = ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)
    return whole


def _proof(finding: Finding) -> str:
    clause = finding.clause
    head = f"fail  {clause.name}: {clause.demand} ({clause.cites})\n  {finding.reason}"
    shown = "\n".join(finding.evidence).splitlines()
    return "\n".join([head, *(f"    {each}" for each in shown)])


def _not_tried(findings: Sequence[Finding]) -> list[str]:
    """A reason, and all clauses that were not tried for it."""
    names: dict[str, list[str]] = {}
    for finding in findings:
        if finding.result == "not tried":
            names.setdefault(finding.reason, []).append(finding.clause.name)
    return [f"not tried: {reason}\n  {', '.join(names[reason])}" for reason in names]


def _sums(findings: Sequence[Finding]) -> str:
    counts = Counter(finding.result for finding in findings)
    told = f"{counts['pass']} passed, {counts['fail']} failed, {counts['not tried']} not tried"
    return told if counts["pass"] or counts["fail"] else f"{told}: nothing is known"


def _xml(given: str) -> str:
    """Without the letters that XML cannot hold."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", given)
