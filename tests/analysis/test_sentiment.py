"""VADER on sentences, and life without it."""

import sys

import pytest

from addon.analysis import Options
from addon.analysis.sentiment import by_channel
from addon.analysis.transcript import Sentence
from addon.analysis.transcription import Word
from tests.analysis.calls import converse, passed, wav
from tests.analysis.test_transcription import Scripted


def sentence(channel, text):
    return Sentence(channel, [Word(word, 0, 0.1, 1, channel) for word in text.split()])


def test_the_mean_of_a_partys_sentences():
    pytest.importorskip("vaderSentiment")
    happy, sad = sentence(0, "I love this, great!"), sentence(0, "I hate this, awful!")
    one, both = by_channel([happy])[0], by_channel([happy, sad])[0]
    assert one > 0.5 > abs(both)


def test_without_the_extra_there_is_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "vaderSentiment", None)
    monkeypatch.setitem(sys.modules, "vaderSentiment.vaderSentiment", None)
    assert by_channel([sentence(0, "I love this")]) == {}


@pytest.mark.parametrize("wanted", [True, False])
def test_only_where_it_is_asked_for(wanted):
    pytest.importorskip("vaderSentiment")
    options = Options(sentiment=wanted, transcriber=Scripted("this is wonderful."))
    report, _ = passed(wav(converse(20, 1).samples), options)
    transcript = report.as_result()["transcript"]
    assert ("sentiment" in transcript) is wanted
    if wanted:
        assert {party["role"] for party in transcript["sentiment"]} == {"agent", "customer"}
        assert all(party["compound"] > 0.3 for party in transcript["sentiment"])
