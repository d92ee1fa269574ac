"""`flask serve` as a child of another command, over the real one."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from addon.commands.local_stack import local_stack
from addon.stack.console import Console
from tests.stack.running import alive, descendants, free_port

pytestmark = pytest.mark.stack


def test_it_is_ready_then_waits_for_nobody_and_ends_with_the_block(tmp_path: Path) -> None:
    out, port = io.StringIO(), free_port()
    given = {"DATA_DIR": str(tmp_path), "WEB_CONCURRENCY": "1", "WORKERS": "1"}
    with local_stack(port, given, Console(out, readable=False)) as stack:
        stack.wait_until_ready()
        processes = descendants(stack._process.pid)
        assert processes
    assert stack.wait() == 0
    assert not any(alive(pid) for pid in processes)
    events = [json.loads(line)["event"] for line in out.getvalue().splitlines()]
    assert any(str(event).startswith(f"Ready on http://127.0.0.1:{port}") for event in events)


def test_one_that_ends_before_it_is_ready_ends_the_command(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    given = {"DATA_DIR": str(tmp_path / "file")}
    with (
        local_stack(free_port(), given, Console(io.StringIO(), readable=False)) as stack,
        pytest.raises(SystemExit, match="1"),
    ):
        stack.wait_until_ready()
