"""The commands that docs/words.md, redaction.md and two decisions name, at a small size."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from addon.analysis import open_transcriber
from addon.errors import SettingsError
from benchmarks import redaction, rules, sentiment, speech_packages, words

ROOT = Path(__file__).parents[2]


@pytest.fixture
def model(monkeypatch):
    """The installed model; no package is fetched."""
    import tqdm

    monkeypatch.setattr(tqdm.tqdm, "monitor_interval", 0)
    pytest.importorskip("faster_whisper")
    try:
        open_transcriber("whisper")
    except SettingsError:
        pytest.skip("no speech model: make setup WORDS=1 installs one")


@pytest.fixture(autouse=True)
def nothing_fetched(monkeypatch, tmp_path):
    """No network: every package is one that cannot be fetched."""

    def refuse(name: str, target: Path) -> None:
        raise OSError(name)

    monkeypatch.setattr(speech_packages, "FOLDER", tmp_path)
    monkeypatch.setattr(speech_packages, "_FETCH", dict.fromkeys(speech_packages._FETCH, refuse))


def run(monkeypatch, capsys, module, *arguments: str) -> tuple[int, str]:
    """A benchmark as its documented command runs it: exit code and what it printed."""
    monkeypatch.setattr("sys.argv", [module.__name__, *arguments])
    code = module.main()
    return code, capsys.readouterr().out


def test_words_of_the_bundled_call(model, monkeypatch, capsys):
    code, printed = run(monkeypatch, capsys, words, "--only", "bundled")
    assert code == 0
    rows = re.findall(
        r"^\| bundled, .* \| (customer|agent) \| (\d+) .* (\d+) % \| (\d+) \|", printed, re.M
    )
    assert [(party, int(said) > 40, int(outside)) for party, said, _, outside in rows] == [
        ("customer", True, 0),
        ("agent", True, 0),
    ]
    assert all(int(rate) < 50 for _, _, rate, _ in rows)


def test_a_security_code_is_muted_in_every_sample(model, monkeypatch, capsys):
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed: no voices can be made")
    code, printed = run(monkeypatch, capsys, redaction, "--only", "male, security code")
    assert code == 0
    assert "| male, security code | 4 | 4 | 0 | wholly muted |" in printed
    assert "wholly muted: 1" in printed


@pytest.mark.parametrize("module", [words, redaction])
def test_without_a_model_nothing_is_measured_and_nothing_fails(
    module, monkeypatch, capsys, tmp_path
):
    code, printed = run(monkeypatch, capsys, module, "--transcriber", f"whisper:{tmp_path}")
    assert code == 0
    assert printed.startswith("not measured: TRANSCRIBER names a directory without a model.bin")


def test_sentiment_over_a_few_sentences(monkeypatch, capsys, tmp_path):
    pytest.importorskip("vader")
    said = [{"text": "This is great!", "class": 1}, {"text": "It is awful.", "class": 0}]
    for name in sentiment.SETS:
        (tmp_path / f"{name}.json").write_text(json.dumps(said))
    code, printed = run(monkeypatch, capsys, sentiment, "--sentences", str(tmp_path))
    assert code == 0
    assert re.search(
        r"^nltk-vader-sentiment +as it is +100\.0 +0\.0 +0\.0 +1\.0000$", printed, re.M
    )


def test_sentiment_says_what_could_not_be_fetched(monkeypatch, capsys):
    code, printed = run(monkeypatch, capsys, sentiment)
    assert (code, printed) == (0, "not measured: sentiment@5.0.2 could not be fetched\n")


def test_rules_over_few_words(monkeypatch, capsys):
    monkeypatch.setattr(rules, "WORDS", 200)
    monkeypatch.setattr(rules, "MAX_SECONDS", float("inf"))
    code, printed = run(monkeypatch, capsys, rules)
    assert code == 0
    assert printed.startswith("200 words, 50 rules of 6 phrases: ")


@pytest.mark.parametrize("name", ["words.md", "redaction.md"])
def test_pages_name_commands_that_take_no_further_arguments(name):
    commands = re.findall(r"python -m benchmarks\.\w+([^`]*)`", (ROOT / "docs" / name).read_text())
    assert commands and all(not one.strip() for one in commands)
