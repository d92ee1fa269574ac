"""Log lines that any stranger can cause at will: only so many of each kind are written."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from addon import log

LINES_A_MINUTE = 10
"""Of one kind: enough to see what happens, and 5 MB a day where it never ends."""


class LineLimit:
    """Counts lines by their kind. Any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._written: dict[str, tuple[int, int]] = {}

    def take(self, kind: str) -> int | None:
        """None where this line is one too many; else how many were, in the minute before."""
        minute, left_out = int(time.monotonic() // 60), 0
        with self._lock:
            began, count = self._written.get(kind, (minute, 0))
            if began != minute:
                left_out, count = max(0, count - LINES_A_MINUTE), 0
            self._written[kind] = minute, count + 1
        return left_out if count < LINES_A_MINUTE else None


class SparingLogger:
    """Writes at most LINES_A_MINUTE of each event; `left_out` tells how many were not written."""

    def __init__(self, name: str) -> None:
        self._logger = log.get(name)
        self._limit = LineLimit()

    def warning(self, event: str, **values: Any) -> None:
        """A line, unless there were too many of this event."""
        left_out = self._limit.take(event)
        if left_out is not None:
            more = {"left_out": left_out} if left_out else {}
            self._logger.warning(event, **values, **more)


class SparingFilter(logging.Filter):
    """The same for a library's lines, by their beginning. Others pass."""

    def __init__(self, beginning: str) -> None:
        super().__init__()
        self._beginning = beginning
        self._limit = LineLimit()

    def filter(self, record: logging.LogRecord) -> bool:
        """False where the line is one too many."""
        if not record.getMessage().startswith(self._beginning):
            return True
        left_out = self._limit.take(self._beginning)
        if left_out:
            record.msg, record.args = f"{record.getMessage()} ({left_out} left out before)", ()
        return left_out is not None
