from __future__ import annotations

import pytest

from addon.archive.batch import IN_A_ROW, Finding, each
from addon.errors import AddonError, StoreUnavailable, Tampered


def states(*outcomes: AddonError | None) -> list[str]:
    def work(outcome: AddonError | None) -> Finding:
        if outcome is not None:
            raise outcome
        return Finding("XD", "RE", "whole")

    return [one.state for one in each(outcomes, work, lambda _: ("XD", "RE"))]


def test_a_bad_one_is_named_and_the_others_follow() -> None:
    bad = Tampered("changed"), StoreUnavailable("a bad sector")
    assert states(None, *bad, None) == ["whole", "bad", "bad", "whole"]
    assert states(*[StoreUnavailable("x"), None] * IN_A_ROW).count("whole") == IN_A_ROW


def test_a_store_that_is_away_ends_it() -> None:
    with pytest.raises(StoreUnavailable):
        states(*[StoreUnavailable("away")] * IN_A_ROW)
