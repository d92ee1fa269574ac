"""One channel's figures as the result writes them."""

import pytest

from addon.analysis.participants import Level, Participant
from addon.analysis.turns import Floor, Latency

LEVEL = Level(
    peak_dbfs=-3.04,
    rms_dbfs=-22.26,
    dc_offset=0.000123,
    clipped_percent=0.01234,
    speech_dbfs=-20.16,
    noise_dbfs=-61.0,
    snr_db=40.84,
)
FLOOR = Floor(
    turns=4,
    backchannels=1,
    longest_monologue=12.5,
    interruptions=[(1.0, 1.5), (9.0, 9.25)],
    latency=Latency(0.6, 1.2, 3),
)


def participant(**changes):
    figures = {
        "channel": 1,
        "role": "agent",
        "talk": 30.0,
        "talk_percent": 50.0,
        "level": LEVEL,
        "floor": FLOOR,
        "tones": [(3.0, 3.1)],
        "bleed": 0.25,
    }
    return Participant(**(figures | changes)).as_result("Because.")


def test_a_party():
    document = participant()
    assert document["channel"] == 1 and document["role"] == "agent"
    assert document["turns"] == 4 and document["backchannels"] == 1
    assert document["longest_monologue_seconds"] == 12.5
    assert document["interruptions"] == {
        "count": 2,
        "total_seconds": 0.75,
        "intervals": [[1.0, 1.5], [9.0, 9.25]],
    }
    assert document["response_latency_seconds"] == {"median": 0.6, "p90": 1.2, "count": 3}
    assert document["dtmf"] == {"count": 1, "intervals": [[3.0, 3.1]]}
    assert document["crosschannel_bleed_seconds"] == 0.25
    assert not any(name.endswith("_reason") for name in document)


def test_levels_are_rounded():
    assert participant()["level"] == {
        "speech_dbfs": -20.2,
        "noise_dbfs": -61.0,
        "snr_db": 40.8,
        "peak_dbfs": -3.0,
        "rms_dbfs": -22.3,
        "clipped_percent": 0.012,
        "dc_offset": 0.00012,
    }


@pytest.mark.parametrize("name", ["speech_dbfs", "noise_dbfs", "snr_db"])
def test_a_level_that_is_not_there_says_why(name):
    figures = {
        field: getattr(LEVEL, field)
        for field in ("peak_dbfs", "rms_dbfs", "dc_offset", "clipped_percent")
    }
    others = {"speech_dbfs": -20.0, "noise_dbfs": -60.0, "snr_db": 40.0, name: None}
    document = Level(**figures, **others).as_result()
    assert document[name] is None
    assert document[f"{name}_reason"].endswith(".")
    assert sum(key.endswith("_reason") for key in document) == 1


def test_a_mixture_has_no_floor():
    document = participant(floor=None, role="mixed")
    for name in (
        "turns",
        "backchannels",
        "longest_monologue_seconds",
        "interruptions",
        "response_latency_seconds",
    ):
        assert document[name] is None
        assert document[f"{name}_reason"] == "Because."


def test_a_party_that_never_answers():
    latency = participant(floor=Floor(turns=1))["response_latency_seconds"]
    assert latency["median"] is None and latency["p90"] is None and latency["count"] == 0
    assert "never answered" in latency["median_reason"]
