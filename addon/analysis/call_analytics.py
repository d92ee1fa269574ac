"""The same figures under the key names of Amazon Transcribe Call Analytics, for those who switch.

Only names and units differ: offsets are whole milliseconds, roles are upper case. What Amazon has
no name for is not here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from addon.analysis.rendering import Json
from addon.analysis.sentiment import QUARTERS
from addon.analysis.timeline import Interval

if TYPE_CHECKING:
    from addon.analysis.categories import Category
    from addon.analysis.participants import Participant
    from addon.analysis.report import Report
    from addon.analysis.sentiment import PartySentiment
    from addon.analysis.transcript import Transcript


def render(report: Report) -> Json:
    """The report as a Call Analytics document."""
    document: Json = {
        "JobStatus": "COMPLETED",
        "Channel": "VOICE",
        "Participants": [{"ParticipantRole": p.role.upper()} for p in report.participants],
        "ConversationCharacteristics": _characteristics(report),
    }
    if report.transcript is not None:
        roles = {p.channel: p.role.upper() for p in report.participants}
        document["Transcript"] = _transcript(report.transcript, roles)
    if report.categories.found is not None:
        document["Categories"] = _categories(report.categories.found)
    return document


def _characteristics(report: Report) -> Json:
    conversation = report.conversation
    talk = {p.role.upper(): {"TotalTimeMillis": _millis(p.talk)} for p in report.participants}
    characteristics: Json = {
        "TotalConversationDurationMillis": _millis(report.duration_seconds),
        "NonTalkTime": {
            "TotalTimeMillis": _millis(conversation.non_talk.total),
            "Instances": _instances(conversation.non_talk.intervals),
        },
        "TalkTime": {
            "TotalTimeMillis": sum(party["TotalTimeMillis"] for party in talk.values()),
            "DetailsByParticipant": talk,
        },
        "Interruptions": _interruptions(report.participants),
    }
    if report.sentiment is not None and report.sentiment.parties is not None:
        characteristics["Sentiment"] = _sentiment(report.sentiment.parties, report.duration_seconds)
    if report.transcript is not None:
        characteristics["TalkSpeed"] = _talk_speed(report.transcript, report.participants)
    return characteristics


def _interruptions(participants: Sequence[Participant]) -> Json:
    by = {p.role.upper(): _instances(p.floor.interruptions) for p in participants if p.floor}
    every = [instance for instances in by.values() for instance in instances]
    return {
        "TotalCount": len(every),
        "TotalTimeMillis": sum(instance["DurationMillis"] for instance in every),
        "InterruptionsByInterrupter": by,
    }


def _talk_speed(transcript: Transcript, participants: Sequence[Participant]) -> Json:
    def per_minute(party: Participant) -> int:
        words = sum(len(s.words) for s in transcript.sentences if s.channel == party.channel)
        return round(60 * words / party.talk) if party.talk else 0

    return {
        "DetailsByParticipant": {
            p.role.upper(): {"AverageWordsPerMinute": per_minute(p)} for p in participants
        }
    }


def _transcript(transcript: Transcript, roles: dict[int, str]) -> list[Json]:
    return [
        {
            "Id": str(index),
            "ParticipantRole": roles[sentence.channel],
            "Content": sentence.text,
            "BeginOffsetMillis": _millis(sentence.words[0].start),
            "EndOffsetMillis": _millis(sentence.words[-1].stop),
        }
        for index, sentence in enumerate(transcript.sentences)
    ]


def _sentiment(parties: Sequence[PartySentiment], duration: float) -> Json:
    """Scores from -5 to 5, which Amazon has; a quarter in which a party said nothing is absent."""
    quarter = duration / QUARTERS
    return {
        "OverallSentiment": {p.role.upper(): round(5 * p.compound, 1) for p in parties},
        "SentimentByPeriod": {
            "QUARTER": {
                p.role.upper(): [
                    {
                        "Score": round(5 * score, 1),
                        "BeginOffsetMillis": _millis(quarter * number),
                        "EndOffsetMillis": _millis(quarter * (number + 1)),
                    }
                    for number, score in enumerate(p.quarters)
                    if score is not None
                ]
                for p in parties
            }
        },
    }


def _categories(found: Sequence[Category]) -> Json:
    """The places by rule; who said it has no name there, and what is missing neither."""
    points: dict[str, list[Json]] = {}
    for category in found:
        if category.status == "found":
            points.setdefault(category.rule.name, []).extend(
                {"BeginOffsetMillis": _millis(place.start), "EndOffsetMillis": _millis(place.stop)}
                for place in category.places
            )
    return {
        "MatchedCategories": list(points),
        "MatchedDetails": {name: {"PointsOfInterest": each} for name, each in points.items()},
    }


def _instances(intervals: Iterable[Interval]) -> list[Json]:
    return [
        {
            "BeginOffsetMillis": _millis(start),
            "EndOffsetMillis": _millis(stop),
            "DurationMillis": _millis(stop) - _millis(start),
        }
        for start, stop in intervals
    ]


def _millis(seconds: float) -> int:
    return round(seconds * 1000)
