"""Every report is the documented result: schema, page and code in step."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from addon.analysis import Options
from tests.analysis import calls
from tests.analysis.calls import converse, encoded, passed, wav
from tests.analysis.test_transcription import NUMBER, Scripted

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA = json.loads((DOCS / "result.schema.json").read_text())
CALL = converse(45, 2)
SHA = "0" * 64
SILENCE = np.zeros((2, 30_000), np.float32)


def damaged() -> bytes:
    """A FLAC file with rubbish in the middle of its sound."""
    recording = bytearray(encoded(CALL.samples, format="FLAC", subtype="PCM_16"))
    middle = len(recording) // 2
    recording[middle : middle + 3000] = bytes(3000)
    return bytes(recording)


slow = Scripted()
slow.expected_rate = 1000.0

REPORTS = {
    "a call": (wav(CALL.samples), Options()),
    "everything on": (
        wav(calls.with_hold(CALL).samples),
        Options(waveform=True, call_analytics=True, sentiment=True, transcriber=Scripted()),
    ),
    "a spoken number": (wav(CALL.samples), Options(transcriber=Scripted(NUMBER))),
    "no time for words": (wav(CALL.samples), Options(transcriber=slow, budget_seconds=1)),
    "mono": (wav(CALL.samples[:1]), Options(waveform=True, call_analytics=True)),
    "identical channels": (wav(CALL.samples[[0, 0]]), Options()),
    "three channels": (wav(CALL.samples[[0, 1, 0]]), Options()),
    "silence": (wav(SILENCE), Options(waveform=True, call_analytics=True)),
    "silent mono": (wav(SILENCE[:1]), Options()),
    "one millisecond": (wav(SILENCE[:, :8]), Options(waveform=True)),
    "13 ms": (wav(CALL.samples[:, 24_000:24_104]), Options()),
    "tones that stay": (wav(calls.with_hold(CALL).samples), Options(redact_dtmf=False)),
    "tones that stay beside muted numbers": (
        wav(calls.with_hold(CALL).samples),
        Options(redact_dtmf=False, transcriber=Scripted(NUMBER)),
    ),
    "damaged": (damaged(), Options()),
    "truncated": (wav(CALL.samples)[:-5000], Options()),
    "mp3": (encoded(CALL.samples, format="MP3", subtype="MPEG_LAYER_III"), Options()),
    "noisy": (wav(calls.with_noise(CALL, 5).samples), Options()),
}


def envelope(result: dict) -> dict:
    """The result as the service sends it, with what only the service knows."""
    result["audio"] |= {"size_bytes": 1, "sha256": SHA}
    result["archive"] = {
        "recording_id": "RE0",
        "stored": True,
        "encrypted": True,
        "redacted": False,
        "sha256": SHA,
    }
    result["timing"] = {
        "received_at": "2026-01-01T00:00:00.000+00:00",
        "finished_at": "2026-01-01T00:00:01.000+00:00",
        "elapsed_seconds": 1.0,
        "elapsed_per_duration": 0.02,
    }
    return {
        "status": "successful",
        "code": None,
        "message": None,
        "request_sid": "XR0",
        "schema_version": "1.0",
        "result": result,
    }


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_keeps_to_the_schema_and_to_its_length(name):
    recording, options = REPORTS[name]
    report, _ = passed(recording, options)
    document = json.loads(json.dumps(envelope(report.as_result()), allow_nan=False))
    problems = [error.message for error in Draft202012Validator(SCHEMA).iter_errors(document)]
    assert problems == []
    _check_sum(document["result"])
    _check_intervals(document["result"], document["result"]["audio"]["duration_seconds"])


def _check_sum(result: dict) -> None:
    """A + C - crosstalk + silence = T, to the millisecond."""
    talk = sum(person["talk_seconds"] for person in result["participants"])
    conversation = result["conversation"]
    crosstalk = conversation["crosstalk_seconds"] or 0
    whole = talk - crosstalk + conversation["silence_seconds"]
    assert round(whole * 1000) == round(result["audio"]["duration_seconds"] * 1000)


def _check_intervals(part: object, duration: float) -> None:
    """All intervals lie in order within the recording, with no more than three decimals."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "intervals":
                edges = [edge for interval in value for edge in interval]
                assert edges == sorted(edges)
                assert all(0 <= edge <= duration for edge in edges)
                assert all(edge == round(edge, 3) for edge in edges)
            _check_intervals(value, duration)
    elif isinstance(part, list):
        for item in part:
            _check_intervals(item, duration)


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "change",
    [
        {"result": {}},
        {"status": "failed"},
        {"code": 64401},
        {"result": None},
        {"extra": 1},
    ],
)
def test_the_schema_refuses(change):
    document = envelope(passed(REPORTS["13 ms"][0])[0].as_result())
    assert not Draft202012Validator(SCHEMA).is_valid(document | change)


def test_a_null_needs_its_reason_and_a_figure_has_none():
    document = envelope(passed(REPORTS["mono"][0])[0].as_result())
    validator = Draft202012Validator(SCHEMA)
    assert validator.is_valid(document)
    reason = document["result"]["conversation"].pop("crosstalk_seconds_reason")
    assert not validator.is_valid(document)
    document["result"]["conversation"] |= {"crosstalk_seconds": 1.0}
    assert validator.is_valid(document)
    document["result"]["conversation"]["crosstalk_seconds_reason"] = reason
    assert not validator.is_valid(document)


def test_digits_that_may_remain_need_a_reason():
    document = envelope(passed(REPORTS["damaged"][0])[0].as_result())
    validator = Draft202012Validator(SCHEMA)
    redaction = document["result"]["redaction"]
    assert redaction["status"] == "incomplete" and validator.is_valid(document)
    reason = redaction.pop("reason")
    assert not validator.is_valid(document)
    redaction |= {"status": "complete", "reason": reason}
    assert not validator.is_valid(document)


def test_nobody_listened_is_a_null_with_its_reason():
    document = envelope(passed(REPORTS["13 ms"][0])[0].as_result())
    numbers = document["result"]["redaction"]["coverage"]["spoken_number"]
    validator = Draft202012Validator(SCHEMA)
    assert numbers["found"] is None and validator.is_valid(document)
    numbers["muted"] = 0
    assert not validator.is_valid(document)
    numbers["muted"] = None
    del numbers["found_reason"]
    assert not validator.is_valid(document)


def test_failures_have_a_shape_too():
    failure = {
        "status": "failed",
        "code": 64401,
        "message": "This is an XML document, not a recording.",
        "request_sid": "XR0",
        "schema_version": "1.0",
        "result": None,
    }
    assert Draft202012Validator(SCHEMA).is_valid(failure)


def fields(part: dict) -> set[str]:
    """Every property name in a schema, and every word of its enumerations."""
    names: set[str] = set()
    for key, value in part.items():
        if key == "properties":
            names |= set(value)
        if key == "enum":
            names |= {word for word in value if isinstance(word, str)}
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, dict):
                names |= fields(child)
    return names


def test_every_field_is_on_the_page():
    page = set(re.findall(r"[A-Za-z_0-9]+", (DOCS / "analysis.md").read_text()))
    amazon = fields(SCHEMA["$defs"]["call_analytics"])
    unexplained = {name for name in fields(SCHEMA) - amazon if not name.endswith("_reason")}
    assert sorted(unexplained - page) == []


def test_every_property_is_described():
    def undescribed(part: dict, path: str) -> list[str]:
        missing = []
        for name, value in part.get("properties", {}).items():
            if isinstance(value, dict) and not {"description", "$ref"} & set(value):
                missing.append(f"{path}/{name}")
            missing += undescribed(value, f"{path}/{name}") if isinstance(value, dict) else []
        return missing

    everything = {"": SCHEMA, **SCHEMA["$defs"]}
    everything.pop("call_analytics")
    found = [name for path, part in everything.items() for name in undescribed(part, path)]
    assert found == []


def test_every_flag_is_in_the_schema():
    from addon.analysis import compressed_input, findings, wav_input
    from addon.audio import wav_parser

    listed = set(SCHEMA["$defs"]["result"]["properties"]["flags"]["items"]["anyOf"][0]["enum"])
    source = "".join(
        Path(module.__file__).read_text()
        for module in (compressed_input, findings, wav_input, wav_parser)
    )
    raised = set(re.findall(r'^ +"([a-z_]+)": ', source, re.M)) & listed
    raised |= set(re.findall(r'(?:flags\.append|_flag)\("([a-z_]+)"', source))
    assert raised == listed
