"""`flask analyse` on real files: a table, JSON lines, a picture, and errors in one sentence."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from addon.analysis import Hints
from addon.commands.analyse import analyse_cli
from tests.analysis.calls import converse, encoded, wav, with_hold
from tests.analysis.test_transcription import Scripted

SAMPLE = Path(__file__).parents[2] / "samples" / "call.wav"


@pytest.fixture
def run():
    runner = CliRunner()

    def invoke(*arguments):
        return runner.invoke(analyse_cli, [str(argument) for argument in arguments])

    return invoke


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("calls")
    call = with_hold(converse(20, 1), 5)
    contents = {
        "call.wav": wav(call.samples),
        "call.mp3": encoded(call.samples, format="MP3", subtype="MPEG_LAYER_III"),
        "mono.wav": wav(call.samples[:1]),
        "error.wav": b"<?xml version='1.0'?><Error/>",
        "empty.wav": b"",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in contents}


def test_a_table_for_a_person(run, files):
    answer = run(files["call.wav"])
    assert answer.exit_code == 0
    for words in ("customer", "agent", "talks", "silence", "keys pressed", "8", "(dtmf)", "hold"):
        assert words in answer.output
    assert "{" not in answer.output
    assert max(len(line) for line in answer.output.splitlines()[1:]) <= 100


def test_one_result_a_line(run, files):
    answer = run("--json", files["call.wav"], files["call.mp3"])
    first, second = (json.loads(line) for line in answer.output.splitlines())
    content = files["call.wav"].read_bytes()
    assert first["audio"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert first["audio"]["size_bytes"] == len(content)
    assert (first["audio"]["format"], second["audio"]["format"]) == ("wav", "mp3")
    talk = first["conversation"]
    whole = (
        talk["agent_talk_seconds"]
        + talk["customer_talk_seconds"]
        - talk["crosstalk_seconds"]
        + talk["silence_seconds"]
    )
    assert round(whole, 3) == first["audio"]["duration_seconds"]


def test_the_bundled_call(run):
    answer = run("--json", SAMPLE)
    result = json.loads(answer.output)
    assert 20 <= result["audio"]["duration_seconds"] <= 60
    assert result["audio"]["channels"] == 2
    assert result["conversation"]["crosstalk_count"] >= 2
    assert result["conversation"]["longest_silence_seconds"] > 4
    assert all(person["turns"] > 2 for person in result["participants"])
    assert result["redaction"]["intervals"] == []
    assert result["flags"] == []
    assert SAMPLE.stat().st_size < 1_000_000


def test_the_agents_channel(run, files):
    right = json.loads(run("--json", files["call.wav"]).output)
    left = json.loads(run("--json", "--agent-channel", "0", files["call.wav"]).output)
    assert right["participants"][1]["role"] == left["participants"][0]["role"] == "agent"


def test_mono_in_a_table(run, files):
    answer = run(files["mono.wav"])
    assert answer.exit_code == 0
    assert "mixed" in answer.output and "both at once" not in answer.output


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("error.wav", "This is an XML document, not a recording."),
        ("empty.wav", "This is an empty file, not a recording."),
        ("nowhere.wav", "No such file or directory."),
    ],
)
def test_what_cannot_be_read_is_one_sentence(run, files, name, sentence):
    file = files.get(name, files["call.wav"].with_name(name))
    answer = run(file)
    assert answer.exit_code == 1
    assert answer.stderr == f"{file}: {sentence}\n"
    assert answer.stdout == ""


def test_a_bad_file_does_not_stop_the_others(run, files):
    answer = run("--json", files["error.wav"], files["mono.wav"])
    assert answer.exit_code == 1
    assert json.loads(answer.stdout)["audio"]["channels"] == 1


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_picture(run, files, tmp_path, ending):
    pytest.importorskip("matplotlib")
    target = tmp_path / f"call.{ending}"
    answer = run("--plot", target, files["call.wav"])
    assert answer.exit_code == 0, answer.output
    assert target.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--plot", "out.gif", "call.wav"), "png or .svg"),
        (("--plot", "out.png", "call.wav", "mono.wav"), "one file"),
        (("--plot", "/no/such/folder/out.png", "call.wav"), "No such file"),
    ],
)
def test_a_picture_that_cannot_be_drawn(run, files, arguments, words):
    answer = run(*[files.get(argument, argument) for argument in arguments])
    assert answer.exit_code == 1
    assert words in answer.stderr
    assert "Traceback" not in answer.output


def test_a_picture_without_matplotlib(run, files, tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    answer = run("--plot", tmp_path / "call.png", files["mono.wav"])
    assert answer.exit_code == 1
    assert "requirements/plot.txt" in answer.stderr


def test_no_file_is_a_usage_error(run):
    assert run().exit_code == 2


def test_mp3_decoding_is_quiet(files):
    """libmpg123 reports sound 8 kHz files as errors, straight to the terminal."""
    command = [sys.executable, "-m", "flask", "analyse", "--json", str(files["call.mp3"])]
    done = subprocess.run(command, capture_output=True, text=True, cwd=SAMPLE.parents[1])
    assert done.returncode == 0
    assert json.loads(done.stdout)["audio"]["codec"] == "mp3"
    assert "mpg123" not in done.stderr


def test_words_come_where_a_transcriber_is_set(run, files, monkeypatch):
    heard = []

    class Greeting(Scripted):
        def words(self, samples, hints):
            heard.append(hints)
            return super().words(samples, hints)

    monkeypatch.setenv("TRANSCRIBER", "whisper:/somewhere")
    monkeypatch.setenv("TRANSCRIBER_LANGUAGE", "de,XD1=en")
    monkeypatch.setenv("TRANSCRIBER_VOCABULARY", "parcel desk; Robinson")
    monkeypatch.setattr("addon.analysis.open_transcriber", lambda setting: Greeting("hello there."))
    assert "hello there." in run(files["call.wav"]).output
    document = json.loads(run("--json", files["call.wav"]).output)
    assert document["categories_reason"] == "All rules are for other languages than 'de'."
    transcript = document["transcript"]
    assert transcript["sentences"][0]["transcript"] == "hello there."
    assert set(heard) == {Hints("de", ("parcel desk", "Robinson"))}


@pytest.mark.parametrize(
    ("setting", "why"),
    [(None, "TRANSCRIBER is not set"), ("whisper:/nowhere", "without a model.bin")],
)
def test_why_there_are_no_words(run, files, monkeypatch, setting, why):
    if setting is not None:
        monkeypatch.setenv("TRANSCRIBER", setting)
    answer = run("--json", files["call.wav"])
    assert answer.exit_code == 0
    document = json.loads(answer.output)
    assert document["transcript"] is None
    assert why in document["transcript_reason"]
    assert why in run(files["call.wav"]).output
