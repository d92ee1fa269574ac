"""The address of a running stack is found by commands in another terminal, and only then."""

from __future__ import annotations

import os
from pathlib import Path

from addon import running_stack
from addon.settings import Settings
from addon.stack.data_lock import data_lock

ADDRESS = "http://127.0.0.1:9000"
USUAL = "http://127.0.0.1:8080"


def address(folder: Path, **given: str) -> str:
    return Settings.load({"DATA_DIR": str(folder), **given}).public_url


def test_a_command_has_the_address_of_the_stack_that_runs(tmp_path: Path) -> None:
    with data_lock(tmp_path), running_stack.forgotten_at_the_end(tmp_path):
        assert address(tmp_path) == USUAL
        assert not running_stack.is_ready(tmp_path, os.getpid())
        running_stack.tell(tmp_path, ADDRESS)
        assert running_stack.is_ready(tmp_path, os.getpid())
        assert not running_stack.is_ready(tmp_path, os.getppid())
        assert address(tmp_path) == ADDRESS
        assert address(tmp_path, PUBLIC_URL="https://addon.example") == "https://addon.example"
    assert address(tmp_path) == USUAL


def test_what_a_killed_stack_left_is_not_believed(tmp_path: Path) -> None:
    running_stack.tell(tmp_path, ADDRESS)
    assert address(tmp_path) == USUAL
    with data_lock(tmp_path):
        assert address(tmp_path) == ADDRESS


def test_what_is_no_address_counts_as_none(tmp_path: Path) -> None:
    with data_lock(tmp_path):
        for text in ("", "[]", '{"public_url": 8080}'):
            (tmp_path / running_stack.FILE).write_text(text)
            assert address(tmp_path) == USUAL
