"""RingCentral's refusals, as the jobs understand them: what comes later, and what never does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from addon.errors import (
    Forbidden,
    NotFound,
    NotPlayable,
    QueueUnavailable,
    RingCentralUnavailable,
    SettingsError,
    SourceBusy,
    SourceGone,
    SourceRefused,
    SourceUnavailable,
    Unauthenticated,
)
from workers.ringcentral_source import (
    APPEARS_WITHIN,
    MAX_PAUSE_S,
    SPREAD_S,
    _as_source_errors,
)

NOW = datetime.now(UTC)
LONG_AGO = NOW - APPEARS_WITHIN - timedelta(minutes=1)


@pytest.mark.parametrize(
    ("error", "since", "becomes"),
    [
        (RingCentralUnavailable("away"), NOW, SourceUnavailable),
        (RingCentralUnavailable("limited", retry_after=30.0), NOW, SourceBusy),
        (NotFound("not there"), NOW, SourceUnavailable),
        (NotFound("not there"), LONG_AGO, SourceGone),
        (Forbidden("not ours"), NOW, SourceRefused),
        (Unauthenticated("revoked"), NOW, SourceBusy),
        (SettingsError("no account"), NOW, SourceBusy),
        (NotPlayable("no audio"), NOW, SourceUnavailable),
        (QueueUnavailable("no Redis"), NOW, SourceUnavailable),
    ],
)
def test_a_refusal_says_whether_the_recording_may_still_come(error, since, becomes):
    with pytest.raises(becomes) as told, _as_source_errors(since, 0):
        raise error
    assert type(told.value) is becomes


def test_a_limit_is_waited_for_and_not_all_come_back_at_once():
    with pytest.raises(SourceBusy) as told, _as_source_errors(NOW, 0):
        raise RingCentralUnavailable("limited", retry_after=30.0)
    assert 30.0 <= told.value.retry_after <= 30.0 + SPREAD_S


@pytest.mark.parametrize(("tries", "seconds"), [(0, 30.0), (2, 120.0), (50, MAX_PAUSE_S)])
def test_each_pause_is_twice_the_last(tries, seconds):
    with pytest.raises(SourceUnavailable) as told, _as_source_errors(NOW, tries):
        raise RingCentralUnavailable("away")
    assert told.value.retry_after == seconds
