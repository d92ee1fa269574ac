"""Lines that a stranger can cause are counted, and not all of them written."""

from __future__ import annotations

import logging
from itertools import count

import pytest
from structlog.testing import capture_logs

from addon.sparing_log import LINES_A_MINUTE, SparingFilter, SparingLogger


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic time, as its only element."""
    now = [1000.0]
    monkeypatch.setattr("addon.sparing_log.time.monotonic", lambda: now[0])
    return now


def test_only_so_many_lines_of_an_event_are_written_and_the_rest_is_told(
    clock: list[float],
) -> None:
    with capture_logs() as lines:
        logger = SparingLogger("web")
        for number in range(LINES_A_MINUTE + 7):
            logger.warning("broken", number=number)
        logger.warning("other")
        clock[0] += 60
        logger.warning("broken")
        logger.warning("broken")
    assert [line["event"] for line in lines] == ["broken"] * 10 + ["other"] + ["broken"] * 2
    assert [line.get("left_out") for line in lines[-3:]] == [None, 7, None]


def test_a_librarys_lines_are_limited_by_their_beginning(clock: list[float]) -> None:
    numbers = count()

    def passes(text: str) -> bool:
        record = logging.LogRecord("x", logging.WARNING, "", 0, text, (next(numbers),), None)
        kept = limit.filter(record)
        texts.append(record.getMessage())
        return kept

    limit, texts = SparingFilter("Invalid"), list[str]()
    assert sum(passes("Invalid request %s") for _ in range(30)) == LINES_A_MINUTE
    assert all(passes("Another %s") for _ in range(30))
    clock[0] += 60
    assert passes("Invalid request %s")
    assert texts[-1].endswith("(20 left out before)")
