"""Writes the stack's log: readable lines on a terminal, one JSON object a line anywhere else.

Children always write for a machine, since their output is a pipe; this is the one place that knows
who reads. It must never lose a line because it does not understand it, and never end a stack
because nobody reads its log any more.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

COLOURS = {"warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[31m"}
DIM, PLAIN = "\x1b[2m", "\x1b[0m"
HIDDEN = frozenset({"process", "event", "level", "timestamp", "logger", "exception"})


class Console:
    """The log of the supervisor and its children, on one stream."""

    def __init__(self, out: TextIO, *, readable: bool, width: int = 7) -> None:
        """`width` is the room for a child's name, in characters."""
        self._out = out
        self.readable = readable
        self._width = width
        self.is_read = True

    @classmethod
    def standard(cls) -> Console:
        """On standard output."""
        return cls(sys.stdout, readable=sys.stdout.isatty())

    def say(self, event: str, *, process: str = "serve", level: str = "info", **facts: Any) -> None:
        """Write a line of the supervisor's own."""
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._write(process, {"timestamp": moment, "level": level, "event": event, **facts})

    def pass_on(self, process: str, line: str) -> None:
        """Write a line of a child's: a JSON object, or any text."""
        if not line.strip():
            return
        record = _as_record(line)
        if record is not None:
            self._write(process, record)
        else:
            self.say(line.rstrip(), process=process)

    def _write(self, process: str, record: Mapping[str, Any]) -> None:
        # A line that was passed on before keeps the name that it was given then.
        record = {"process": process, **record}
        text = self._for_people(record) if self.readable else json.dumps(record, default=str)
        self.show(text)

    def show(self, text: str) -> None:
        """Write a text as it is, in one piece; once nobody reads, nothing: `is_read` is False."""
        try:
            self._out.write(text + "\n")
            self._out.flush()
        except BrokenPipeError:
            self.is_read = False
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._out.fileno())  # for what is buffered, and for who else writes
            os.close(nowhere)

    def _for_people(self, record: Mapping[str, Any]) -> str:
        colour = COLOURS.get(str(record.get("level", "info")).lower(), "")
        facts = "  ".join(f"{key}={value}" for key, value in record.items() if key not in HIDDEN)
        now = datetime.now().astimezone()
        line = f"{DIM}{now:%H:%M:%S} {record['process']:<{self._width}} |{PLAIN} "
        line += f"{colour}{record['event']}{PLAIN}"
        line += f"  {DIM}{facts}{PLAIN}" if facts else ""
        return "\n".join([line, *str(record.get("exception") or "").splitlines()])


def _as_record(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if "event" in record else None
