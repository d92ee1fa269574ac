"""Writes a recording's address and figures into its Flex task, after it was archived.

Flex Insights loses both when a recording is kept elsewhere (spec/protocol 6.2); they come back
through the task's attributes. Nothing of another program's may be changed there, and a task that is
gone must never cost the recording anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from addon import log
from addon.analysis.rules import NO_RULES, RuleSet
from addon.settings import FLEX_SENTIMENTS, Settings
from addon.twilio.insights import RecordingMedia, with_measures, with_media
from addon.twilio.status_callback import StatusCallback
from addon.twilio.taskrouter import Attributes, Outcome, Task, TaskRouter
from workers.flex_source import rest

PLAYBACK_PATH = "/flex/playback"

TASK_LIFE = timedelta(days=14)
"""The longest life TaskRouter gives a task; a call from before has none that could be told."""

UPDATED, GONE, REFUSED, SKIPPED = "updated", "gone", "refused", "skipped"
"""The outcomes of the task step."""

ANSWERS = {
    Outcome.WRITTEN: UPDATED,
    Outcome.UNCHANGED: UPDATED,
    Outcome.REFUSED: REFUSED,
    Outcome.GONE: GONE,
}

logger = log.get("flex")


def tell(
    settings: Settings,
    callback: StatusCallback,
    answer: Mapping[str, Any],
    rules: RuleSet = NO_RULES,
) -> str:
    """Point the recording's task at the archive, as often as it takes; the same call again changes
    nothing.

    "skipped" without FLEX_WORKSPACE_SID, for a recording that cannot be played, and for calls that
    are too old to have a task. Raises TwilioUnavailable.
    """
    result = answer.get("result")
    if not settings.flex_workspace_sid or result is None or is_old(callback):
        return SKIPPED
    router = TaskRouter(rest(settings), settings.flex_workspace_sid)
    merge = partial(merged, settings=settings, callback=callback, result=result, rules=rules)
    outcomes = [router.update(task.sid, merge) for task in tasks(router, callback)]
    logger.info("told the task", outcomes=[outcome.value for outcome in outcomes])
    # Of several tasks of one conference, the one that took it counts.
    answers = [ANSWERS[outcome] for outcome in outcomes]
    return next((word for word in (UPDATED, REFUSED) if word in answers), GONE)


def merged(
    attributes: Attributes,
    *,
    settings: Settings,
    callback: StatusCallback,
    result: Mapping[str, Any],
    rules: RuleSet = NO_RULES,
) -> Attributes:
    """The attributes with this recording and its figures in them, and all else as it was."""
    media = RecordingMedia(
        recording_sid=callback.recording_sid,
        url_provider=playback_url(settings.public_url, callback.recording_sid),
        started_at=callback.started_at,
        channels=channel_roles(result["participants"]),
    )
    told = with_media(
        attributes,
        media,
        reservation_sid=callback.reservation_sid,
        segment_link=settings.flex_segment_link,
    )
    measures = dict(_measures(settings, result))
    measures |= _times_met(settings, result.get("categories"), rules)
    return with_measures(told, measures, reservation_sid=callback.reservation_sid)


def playback_url(public_url: str, recording_sid: str) -> str:
    """The address at which the Insights Player asks for the audio (spec/protocol 6.2)."""
    return f"{public_url}{PLAYBACK_PATH}?{urlencode({'recording_sid': recording_sid})}"


def channel_roles(participants: list[Mapping[str, Any]]) -> tuple[str, ...]:
    """Insights' word for the party on each channel; nothing for a recording of all on one."""
    if len(participants) < 2:
        return ()
    ordered = sorted(participants, key=lambda each: int(each["channel"]))
    return tuple("customer" if each["role"] == "customer" else "others" for each in ordered)


def _measures(settings: Settings, result: Mapping[str, Any]) -> Iterator[tuple[str, float | str]]:
    """The figure for each slot of FLEX_MEASURES, and FLEX_LABELS' texts; a figure that the
    recording does not have is left as it was."""
    transcript = result.get("transcript") or {}
    parties = {each["role"]: each["compound"] for each in transcript.get("sentiment") or ()}
    for figure, slot in settings.flex_measures.items():
        if figure in FLEX_SENTIMENTS:
            value = parties.get(figure.removesuffix("_sentiment"))
        else:
            value = result["conversation"][f"{figure}_seconds"]
        if value is not None:
            yield f"conversation_measure_{slot}", value
    for slot, label in settings.flex_labels.items():
        yield f"conversation_attribute_{slot}", label


def _times_met(
    settings: Settings, categories: Sequence[Mapping[str, Any]] | None, rules: RuleSet
) -> dict[str, float | str]:
    """The times that each rule of FLEX_CATEGORIES was met, by slot; what nobody looked for, or
    could not tell, is left as it was."""
    looked_for = {rule.name for rule in rules.rules} if categories is not None else set()
    met: dict[str, float | str] = {}
    for name, slot in settings.flex_categories.items():
        own = [category for category in categories or () if category["rule"] == name]
        if (own or name in looked_for) and all(each["status"] != "unknown" for each in own):
            met[f"conversation_measure_{slot}"] = sum(len(each["intervals"]) for each in own)
    return met


def tasks(router: TaskRouter, callback: StatusCallback) -> list[Task]:
    """The task that the callback URL names, else those that a search finds.

    Raises TwilioUnavailable.
    """
    named = router.read(callback.task_sid) if callback.task_sid else None
    if named is not None:
        return [named]
    return router.find(call_sid=callback.call_sid, conference_sid=callback.conference_sid)


def is_old(callback: StatusCallback) -> bool:
    """True for a call from before any task that could still be there."""
    started = callback.started_at or callback.received_at
    return datetime.now(UTC) - started > TASK_LIFE
