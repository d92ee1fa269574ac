"""A process ends with its parent, however that one ends."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.stack.running import ROOT, alive, wait_until

PARENT = """
import subprocess, sys
from addon.stack.parent_death import dies_with_parent
child = subprocess.Popen(["sleep", "600"], preexec_fn=dies_with_parent())
print(child.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has it")
def test_a_killed_parent_takes_its_child_along() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert alive(child)
        parent.kill()
        parent.wait()
        wait_until(lambda: not alive(child))
