from __future__ import annotations

from collections.abc import Iterator

import pytest

from addon.archive.batch import Finding
from addon.commands import progress
from addon.commands.progress import Progress

WHOLE = Finding("XD1", "RE1", "whole", 1_500_000)
BAD = Finding("XD1", "RE2", "bad", 10, "a frame is not what was written")
UNFINISHED = Finding("XD1", "RE3", "unfinished", 5)
ERASED = Finding("XD1", "RE4", "erased", 5)


def test_the_bad_are_named_and_all_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    shown = Progress("verified")
    shown.follow([WHOLE, BAD, UNFINISHED, ERASED])
    out, err = capsys.readouterr()
    assert out == "bad\tXD1/RE2\ta frame is not what was written\nunfinished\tXD1/RE3\n"
    assert err == "1 verified, 1 bad, 1.5 MB\n"
    assert shown.bad == 1


def test_long_work_says_where_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PROGRESS_EVERY_S", 0)
    Progress("verified").follow([WHOLE])
    assert "1 verified, 0 bad, 1.5 MB; at XD1/RE1\n" in capsys.readouterr().err


@pytest.mark.parametrize(("seen", "where"), [([WHOLE], "--after XD1/RE1"), ([], "stopped\n")])
def test_stopped_work_says_where_to_go_on(
    seen: list[Finding], where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def findings() -> Iterator[Finding]:
        yield from seen
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Progress("verified").follow(findings())
    assert where in capsys.readouterr().err
