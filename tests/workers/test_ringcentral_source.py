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
    SourceUnavailable,
    Unauthenticated,
)
from workers.ringcentral_source import (
    APPEARS_WITHIN,
    MAX_PAUSE_S,
    SPREAD_S,
    _as_source_errors,
)

JUST_NOW, LONG_AGO = timedelta(0), APPEARS_WITHIN + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("error", "ago", "becomes"),
    [
        (RingCentralUnavailable("away"), JUST_NOW, SourceUnavailable),
        (RingCentralUnavailable("limited", retry_after=30.0), JUST_NOW, SourceBusy),
        (NotFound("not there"), JUST_NOW, SourceUnavailable),
        (NotFound("not there"), LONG_AGO, SourceGone),
        (Forbidden("not ours"), JUST_NOW, SourceBusy),
        (Unauthenticated("revoked"), JUST_NOW, SourceBusy),
        (SettingsError("no account"), JUST_NOW, SourceBusy),
        (NotPlayable("no audio"), JUST_NOW, SourceUnavailable),
        (QueueUnavailable("no Redis"), JUST_NOW, SourceUnavailable),
    ],
)
def test_a_refusal_says_whether_the_recording_may_still_come(error, ago, becomes):
    since = datetime.now(UTC) - ago
    with pytest.raises(becomes) as told, _as_source_errors(since, 0):
        raise error
    assert type(told.value) is becomes


def test_a_limit_is_waited_for_and_not_all_come_back_at_once():
    with pytest.raises(SourceBusy) as told, _as_source_errors(datetime.now(UTC), 0):
        raise RingCentralUnavailable("limited", retry_after=30.0)
    assert 30.0 <= told.value.retry_after <= 30.0 + SPREAD_S


@pytest.mark.parametrize(("tries", "seconds"), [(0, 30.0), (2, 120.0), (50, MAX_PAUSE_S)])
def test_each_pause_is_twice_the_last(tries, seconds):
    with pytest.raises(SourceUnavailable) as told, _as_source_errors(datetime.now(UTC), tries):
        raise RingCentralUnavailable("away")
    assert told.value.retry_after == seconds
