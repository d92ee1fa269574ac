"""The second rendering: Amazon's names, the same figures."""

import pytest

from addon.analysis import Options
from tests.analysis.calls import converse, passed, wav
from tests.analysis.test_transcription import Scripted


@pytest.fixture(scope="module")
def report():
    options = Options(call_analytics=True, transcriber=Scripted("well then."))
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
    assert first["Content"] == "well then."
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
