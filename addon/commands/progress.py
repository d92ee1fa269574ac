"""Progress of long work on the archive, for an operator."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from addon.archive.batch import Finding

PROGRESS_EVERY_S = 1.0


@dataclass
class Progress:
    """Counts findings, names the bad ones, and says where an interrupted run goes on."""

    verb: str
    resume: str = "go on with --after {}"
    done: int = 0
    bad: int = 0
    size: int = 0
    at: str = ""
    _shown: float = field(default_factory=time.monotonic)

    def follow(self, findings: Iterable[Finding]) -> None:
        """Through all findings, then the sum."""
        try:
            for finding in findings:
                self._count(finding)
                if time.monotonic() - self._shown >= PROGRESS_EVERY_S:
                    self._shown = time.monotonic()
                    self._show("; at " + self.at)
        except BaseException:
            resume = f", {self.resume.format(self.at)}" if self.at else ""
            self._show(f"; stopped{resume}")
            raise
        self._show("")

    def _count(self, finding: Finding) -> None:
        self.at = f"{finding.tenant}/{finding.recording_id}"
        self.done += finding.state == "whole"
        self.size += finding.size
        if finding.state in ("bad", "unfinished"):
            click.echo(f"{finding.state}\t{self.at}\t{finding.problem}".rstrip())
        self.bad += finding.state == "bad"

    def _show(self, where: str) -> None:
        sum_up = f"{self.done} {self.verb}, {self.bad} bad, {self.size / 1e6:.1f} MB{where}"
        click.echo(sum_up, err=True)
