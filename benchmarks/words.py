"""Words of calls whose words are known: errors, places, and what they cost.

`python -m benchmarks.words` prints docs/words.md, made of the bundled call and of speech that
packages carry (benchmarks/speech_packages.py), as two telephone channels of mu-law. It needs the
model of `make setup WORDS=1`; `--transcriber whisper:/path` measures another.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import re
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import soundfile

from addon.analysis import Options, RecordingPass, Transcriber, open_transcriber
from addon.errors import SettingsError
from benchmarks.speech_packages import NOVEL, PACKAGES, PROMPTS, RATE, READ, ROOT, Floats

REDACTION = (
    "Spoken numbers, how many are wholly muted and how many can still be heard: "
    "[redaction](redaction.md#how-well-it-holds)."
)

PAUSE_S = 0.8
#: A word may be placed so far outside the line in which it was spoken: lines are cut by level.
NEAR_S = 0.2
DICKENS = """It was the best of times, it was the worst of times, it was the age of wisdom, it was
the age of foolishness, it was the epoch of belief, it was the epoch of incredulity,
it was the season of Light, it was the season of Darkness, it was the spring of hope,
it was the winter of despair, we had everything before us, we had nothing before us,
we were all going direct to Heaven, we were all going direct the other way. In short,
the period was so far like the present period, that some of its noisiest authorities
insisted on its being received, for good or for evil, in the superlative degree of
comparison only."""
SAID = {
    "ss-noservice.wav": "The number you have dialed is not in service. Please check the number and "
    "try again.",
    "tt-weasels.wav": "Weasels have eaten our phone system.",
    "conf-onlyperson.wav": "You are currently the only person in this conference.",
    "vm-intro.wav": "Please leave your message after the tone. When done, hang up, or press the "
    "pound key.",
}
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
NUMBERS = ("4929123456780", "5500005555555559", "2025550143")


@dataclass(frozen=True)
class Line:
    """Words of one party; times are None where nobody knows them."""

    channel: int
    text: str
    start: float | None = None
    stop: float | None = None


@dataclass(frozen=True)
class Call:
    """A recording, (channels, frames) at 8 kHz, and what is said in it."""

    name: str
    samples: Floats
    lines: Sequence[Line]


@dataclass(frozen=True)
class Score:
    """The words of one party: spoken, wrong (changed, left out or added), and placed wrongly.

    `outside` counts words outside every speech segment of the party, `torn` right words that lie
    outside the line in which they were spoken.
    """

    spoken: int
    wrong: int
    heard: int
    outside: int
    torn: int | None


def main() -> int:
    """The page; 1 where a word lies outside its segment. Without a model it says so."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--transcriber", default="whisper")
    parser.add_argument("--only", default="", help="only calls whose name holds this")
    arguments = parser.parse_args()
    try:
        transcriber = open_transcriber(arguments.transcriber)
    except SettingsError as error:
        print(f"not measured: {error.message}")
        return 0
    assert transcriber is not None
    print(PAGE.format(engine=transcriber.name))
    lines, outside = words_table(transcriber, arguments.only)
    print("\n".join(lines), end="\n\n")
    for package in () if arguments.only else PACKAGES:
        if package.folder is None:
            print(f"{package.name} could not be fetched: its speech is left out.")
    return 1 if outside else 0


def words_table(transcriber: Transcriber, only: str) -> tuple[list[str], int]:
    """Errors, places and cost of every call, and how many words lie outside their segment."""
    rows = [
        "## Words",
        "",
        "| call | party | words | wrong | WER | outside their segment | outside their line |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    costs = ["| call | seconds | CPU s | CPU s a second |", "|---|---:|---:|---:|"]
    outside = 0
    transcriber.words(np.zeros(RATE, np.float32), Options().hints)  # loaded before the clock runs
    for call in calls(only):
        plain, _ = _analysed(call, None)
        spent, document = _analysed(call, transcriber)
        seconds = call.samples.shape[1] / RATE
        cost = spent - plain
        costs.append(f"| {call.name} | {seconds:.1f} | {cost:.1f} | {cost / seconds:.2f} |")
        for channel in sorted({line.channel for line in call.lines}):
            score = scored(call, document, channel)
            outside += score.outside
            party = ("customer", "agent")[channel] if len(call.samples) == 2 else "one channel"
            torn = "not known" if score.torn is None else score.torn
            rows.append(
                f"| {call.name} | {party} | {score.spoken} | {score.wrong} | "
                f"{100 * score.wrong / score.spoken:.0f} % | {score.outside} | {torn} |"
            )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    note = f"The process took {memory:.0f} MB at most, model and analysis together."
    lines = [*rows, "", "One thread, on top of the analysis:", "", *costs, "", note, "", REDACTION]
    return lines, outside


def calls(only: str) -> Iterator[Call]:
    """The bundled call, and those that the packages allow, if their name holds `only`."""
    for name, made in CALLS.items():
        if only in name and (call := made(name)):
            yield call


def _bundled(name: str) -> Call:
    samples, _ = soundfile.read(ROOT / "samples" / "call.wav", dtype="float32")
    lines = [Line(channel, text) for channel, _, text, *_ in _script()]
    return Call(name, np.asarray(samples.T, np.float32), lines)


def _read_aloud(name: str) -> Call | None:
    read: list[tuple[int, Floats, str]] = []
    if NOVEL.folder:
        read.append((1, NOVEL.sound("two_cities.wav"), DICKENS))
    if READ.folder:
        for row in (READ.folder / "transcription").read_text().splitlines():
            text, file = re.findall(r"<s>(.*)</s> \((.*)\)", row)[0]
            read.append((0, READ.sound(f"{file}.wav"), text))
    return laid(name, read) if read else None


def _prompts(name: str) -> Call | None:
    if not PROMPTS.folder:
        return None
    return laid(name, [(1, PROMPTS.sound(file), text) for file, text in SAID.items()])


def _numbers(name: str) -> Call | None:
    if not PROMPTS.folder:
        return None
    return laid(name, [(0, *_number(digits)) for digits in NUMBERS])


#: How each call is made, by its name; None where its package could not be fetched.
CALLS: dict[str, Callable[[str], Call | None]] = {
    "bundled, synthetic voices": _bundled,
    "read aloud, two voices": _read_aloud,
    "prompts": _prompts,
    "numbers": _numbers,
}


def laid(name: str, parts: Sequence[tuple[int, Floats, str]]) -> Call:
    """A call of two channels with these lines, one after the other with a pause between."""
    pause = round(PAUSE_S * RATE)
    total = pause + sum(len(sound) + pause for _, sound, _ in parts)
    line = np.random.default_rng(5).standard_normal((2, total)) * 10 ** (-62 / 20)
    at, lines = pause, []
    for channel, sound, text in parts:
        line[channel, at : at + len(sound)] += sound
        lines.append(Line(channel, text, at / RATE, (at + len(sound)) / RATE))
        at += len(sound) + pause
    return Call(name, line.astype(np.float32), lines)


def _number(digits: str) -> tuple[Floats, str]:
    """A number in groups of four digits, as somebody reads a card out."""
    parts: list[Floats] = []
    for place, digit in enumerate(digits):
        gap = 0.35 if place and place % 4 == 0 else 0.08
        parts += [np.zeros(round(gap * RATE), np.float32), PROMPTS.sound(f"digits/{digit}.wav")]
    return np.concatenate(parts[1:]), " ".join(DIGITS[int(digit)] for digit in digits)


def _script() -> list[Any]:
    """The dialogue of the bundled call."""
    spec = importlib.util.spec_from_file_location("make_call", ROOT / "samples" / "make_call.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    script: list[Any] = module.SCRIPT
    return script


def _analysed(call: Call, transcriber: Transcriber | None) -> tuple[float, dict[str, Any]]:
    """CPU seconds of one pass, and its result; numbers are not masked, else they would be wrong."""
    out = io.BytesIO()
    soundfile.write(out, call.samples.T, RATE, format="WAV", subtype="ULAW")
    begun = time.process_time()
    options = Options(transcriber=transcriber, redact_spoken=())
    one = RecordingPass(options, spool=io.BytesIO)
    one.feed(out.getvalue())
    for _ in one.finish():
        pass
    return time.process_time() - begun, one.report.as_result()


def scored(call: Call, document: dict[str, Any], channel: int) -> Score:
    """The transcript of one party beside what it said."""
    truth = [
        (word, line) for line in call.lines if line.channel == channel for word in plain(line.text)
    ]
    heard = [
        (text, word)
        for sentence in document["transcript"]["sentences"]
        if sentence["media_channel"] == channel + 1
        for word in sentence["words"]
        for text in plain(word["word"])
    ]
    segments = [
        (segment["start_seconds"], segment["end_seconds"])
        for segment in document["segments"]
        if segment["channel"] == channel
    ]
    wrong, pairs = aligned([word for word, _ in truth], [text for text, _ in heard])
    torn = [_torn(truth[i][1], heard[j][1]) for i, j in pairs]
    return Score(
        spoken=len(truth),
        wrong=wrong,
        heard=len(heard),
        outside=sum(
            not any(
                start <= word["start_seconds"] <= word["end_seconds"] <= stop
                for start, stop in segments
            )
            for _, word in heard
        ),
        torn=None if None in torn else sum(bool(one) for one in torn),
    )


def _torn(line: Line, word: dict[str, Any]) -> bool | None:
    if line.start is None or line.stop is None:
        return None
    return (
        not line.start - NEAR_S
        <= word["start_seconds"]
        <= word["end_seconds"]
        <= line.stop + NEAR_S
    )


def plain(text: str) -> list[str]:
    """Words for comparison: small letters, digits as words, spellings that mean the same."""
    spelled = re.sub(r"\d", lambda digit: f" {DIGITS[int(digit[0])]} ", text.lower())
    found = re.findall(r"[a-z']+", spelled.replace("mister", "mr").replace("dialled", "dialed"))
    return [word.strip("'") for word in found if word.strip("'")]


def aligned(truth: Sequence[str], heard: Sequence[str]) -> tuple[int, list[tuple[int, int]]]:
    """The least number of changes from one to the other, and the pairs of equal words in it."""
    cost = np.zeros((len(truth) + 1, len(heard) + 1), np.int64)
    cost[:, 0], cost[0, :] = range(len(truth) + 1), range(len(heard) + 1)
    for i, word in enumerate(truth, 1):
        for j, other in enumerate(heard, 1):
            changed = cost[i - 1, j - 1] + (word != other)
            cost[i, j] = min(changed, cost[i - 1, j] + 1, cost[i, j - 1] + 1)
    i, j, pairs = len(truth), len(heard), []
    while i and j:
        if cost[i, j] == cost[i - 1, j - 1] + (truth[i - 1] != heard[j - 1]):
            i, j = i - 1, j - 1
            if truth[i] == heard[j]:
                pairs.append((i, j))
        elif cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
        else:
            j -= 1
    return int(cost[-1, -1]), pairs


PAGE = """# Words, measured

Made by `python -m benchmarks.words` with {engine}, from the bundled call and from speech that
packages carry: read aloud (Debian's pocketsphinx-testdata, PyPI's moonshine-voice), telephone
prompts and single digits put together to numbers (Debian's asterisk-core-sounds-en-wav). Every call
is two channels of 8 kHz mu-law. Nothing of it is in this repository. WER is the share of words that
are changed, left out or added. A word is outside its line where it lies more than 0.2 s before or
after the sentence in which it was spoken.
"""

if __name__ == "__main__":
    sys.exit(main())
