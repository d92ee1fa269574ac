"""The second rendering: Amazon's names, the same figures."""

import pytest

from addon.analysis import Options
from addon.analysis.rules import open_rules
from tests.analysis.calls import converse, passed, wav
from tests.analysis.test_transcription import Scripted


@pytest.fixture(scope="module")
def report():
    script = "well then I want a refund. wonderful."
    options = Options(
        call_analytics=True,
        transcriber=Scripted(script),
        sentiment=True,
        rules=open_rules("starter"),
    )
    return passed(wav(converse(90, 2).samples), options)[0]


def test_carries_the_same_figures(report):
    document = report.as_result()
    analytics = document["call_analytics"]
    characteristics = analytics["ConversationCharacteristics"]
    assert analytics["JobStatus"] == "COMPLETED"
    assert [p["ParticipantRole"] for p in analytics["Participants"]] == ["CUSTOMER", "AGENT"]
    assert characteristics["TotalConversationDurationMillis"] == 90_000
    talk = characteristics["TalkTime"]["DetailsByParticipant"]
    for name in ("agent", "customer"):
        expected = round(1000 * document["conversation"][f"{name}_talk_seconds"])
        assert talk[name.upper()]["TotalTimeMillis"] == expected
    non_talk = characteristics["NonTalkTime"]
    assert len(non_talk["Instances"]) == len(document["conversation"]["non_talk"]["intervals"])
    assert sum(i["DurationMillis"] for i in non_talk["Instances"]) == non_talk["TotalTimeMillis"]


def test_interruptions_by_interrupter(report):
    interruptions = report.as_result()["call_analytics"]["ConversationCharacteristics"][
        "Interruptions"
    ]
    by = interruptions["InterruptionsByInterrupter"]
    assert set(by) == {"AGENT", "CUSTOMER"}
    assert interruptions["TotalCount"] == sum(len(instances) for instances in by.values())
    for party in report.participants:
        assert len(by[party.role.upper()]) == len(party.floor.interruptions)


def test_transcript_and_talk_speed(report):
    analytics = report.as_result()["call_analytics"]
    first = analytics["Transcript"][0]
    assert first["Content"] == "well then I want a refund."
    assert first["EndOffsetMillis"] > first["BeginOffsetMillis"]
    speed = analytics["ConversationCharacteristics"]["TalkSpeed"]["DetailsByParticipant"]
    assert speed["AGENT"]["AverageWordsPerMinute"] > 0


def test_only_where_it_is_asked_for_and_mono_has_no_interrupter():
    mono = wav(converse(20, 1).samples[:1])
    assert "call_analytics" not in passed(mono)[0].as_result()
    analytics = passed(mono, Options(call_analytics=True))[0].as_result()["call_analytics"]
    assert analytics["Participants"] == [{"ParticipantRole": "MIXED"}]
    assert "Transcript" not in analytics
    interruptions = analytics["ConversationCharacteristics"]["Interruptions"]
    assert interruptions["InterruptionsByInterrupter"] == {}


def test_categories_are_those_that_were_found(report):
    document = report.as_result()
    categories = document["call_analytics"]["Categories"]
    assert categories["MatchedCategories"] == ["refund"]
    [own] = [each for each in document["categories"] if each["rule"] == "refund"]
    assert "recording_notice" in {each["rule"] for each in document["categories"]}
    points = categories["MatchedDetails"]["refund"]["PointsOfInterest"]
    assert [
        (point["BeginOffsetMillis"] / 1000, point["EndOffsetMillis"] / 1000) for point in points
    ] == [tuple(interval) for interval in own["intervals"]]


def test_sentiment_is_from_minus_five_to_five(report):
    document = report.as_result()
    shown = document["call_analytics"]["ConversationCharacteristics"]["Sentiment"]
    for party in document["transcript"]["sentiment"]:
        role = party["role"].upper()
        assert shown["OverallSentiment"][role] == round(5 * party["compound"], 1) > 0
        scores = [each["Score"] for each in shown["SentimentByPeriod"]["QUARTER"][role]]
        assert scores == [round(5 * q, 1) for q in party["quarters"] if q is not None]
    first = shown["SentimentByPeriod"]["QUARTER"]["AGENT"][0]
    assert (first["BeginOffsetMillis"], first["EndOffsetMillis"]) == (0, 22_500)
